// The AI SDK: objects and tools over Responses (its default), chat completions and the Messages API.
import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, stepCountIs, streamObject, streamText, tool } from "ai";
import { z } from "zod";
import {
  apiKey,
  baseURL,
  cancelled,
  capped,
  cappedKey,
  feature,
  long,
  model,
  noModel,
  oslo,
  picture,
  pictureSeen,
  refusedKey,
  report,
  say,
  weather,
} from "./reporting.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const openai = createOpenAI({ baseURL, apiKey });
const models = {
  Responses: openai(model),
  chat: openai.chat(model),
  "`openai-compatible`": createOpenAICompatible({
    name: "pandora",
    baseURL,
    apiKey,
    supportsStructuredOutputs: true,
  })(model),
  "`anthropic`": createAnthropic({ baseURL, apiKey })(model),
};
const schema = z.object({ status: z.enum(["fine", "bad"]), reasons: z.array(z.string()) });
const tools = {
  get_weather: tool({
    description: "The weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => weather(city),
  }),
};

const object = async (model) => {
  schema.parse((await generateObject({ model, schema, prompt: "Judge tea." })).object);
};
const streamedObject = async (model) => {
  const result = streamObject({ model, schema, prompt: "Judge tea." });
  for await (const _ of result.partialObjectStream);
  schema.parse(await result.object);
};
const withTools = async (model) => {
  const { steps, text } = await generateText({ model, tools, prompt: oslo, stopWhen: stepCountIs(3) });
  assert.equal(steps.length, 2);
  assert.match(text, /It snows in Oslo\./);
};
const streamedWithTools = async (model) => {
  const result = streamText({ model, tools, prompt: oslo, stopWhen: stepCountIs(3) });
  let said = "";
  for await (const piece of result.textStream) said += piece;
  assert.match(said, /It snows in Oslo\./);
};
const search = async () => {
  const result = await generateText({
    model: models.Responses,
    tools: { web_search: openai.tools.webSearch({}) },
    prompt: "Search the web for news of tea.",
  });
  assert.ok(result.text);
  assert.equal(result.toolCalls[0].toolName, "web_search");
};

const chat = async () => assert.equal((await generateText({ model: models.Responses, prompt: say })).text, "fine");
const stream = async () => {
  const result = streamText({ model: models.Responses, prompt: say });
  let said = "";
  for await (const piece of result.textStream) said += piece;
  assert.equal(said, "fine");
};
const usage = async () => {
  const { usage } = await generateText({ model: models.Responses, prompt: say });
  const used = await streamText({ model: models.Responses, prompt: say }).usage;
  assert.equal(used.outputTokens, 1);
  assert.equal(used.inputTokens, usage.inputTokens);
};
const cancel = async () => {
  const leaving = new AbortController();
  const result = streamText({ model: models.Responses, prompt: long, abortSignal: leaving.signal });
  for await (const _ of result.textStream) leaving.abort();
  await cancelled();
};
const pictureIn = async () => {
  const content = [
    { type: "text", text: "See this." },
    { type: "image", image: picture },
  ];
  const { text } = await generateText({ model: models.Responses, messages: [{ role: "user", content }] });
  assert.ok(text.includes(pictureSeen), text);
};
const pictureOut = async () => {
  const { toolResults } = await generateText({
    model: models.Responses,
    tools: { image_generation: openai.tools.imageGeneration({}) },
    prompt: "Draw a cat.",
  });
  assert.equal(Buffer.from(toolResults[0].output.result, "base64").toString("latin1", 1, 4), "PNG");
};
const refusal = (statusCode, prompt, name = model, key = apiKey) =>
  assert.rejects(
    generateText({ model: createOpenAI({ baseURL, apiKey: key })(name), prompt }),
    // A request that it made again ends in an error that holds the last one.
    ({ lastError, ...error }) => (lastError ?? error).statusCode === statusCode,
  );

const features = {
  chat: feature(chat),
  stream: feature(stream),
  usage: feature(usage, 2),
  cancel: feature(cancel),
  tools: feature(() => withTools(models.Responses), 2),
  schema: feature(() => object(models.Responses)),
  "picture in": feature(pictureIn),
  "picture out": feature(pictureOut),
  401: feature(() => refusal(401, say, model, refusedKey), 0),
  404: feature(() => refusal(404, say, noModel), 0),
  429: feature(() => refusal(429, capped, model, cappedKey)),
};
for (const [name, model] of Object.entries(models)) {
  features[`${name}: \`generateObject\``] = feature(() => object(model));
  features[`${name}: \`streamObject\``] = feature(() => streamedObject(model));
  features[`${name}: \`generateText\` with tools`] = feature(() => withTools(model), 2);
  features[`${name}: \`streamText\` with tools`] = feature(() => streamedWithTools(model), 2);
}
features["Responses: `webSearch`"] = feature(search);
await report(["ai", "@ai-sdk/openai", "@ai-sdk/openai-compatible", "@ai-sdk/anthropic"], features);
