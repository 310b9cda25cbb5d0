// The AI SDK: objects and tools over Responses (its default), chat completions and the Messages API.
import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, stepCountIs, streamObject, streamText, tool } from "ai";
import { z } from "zod";
import { apiKey, baseURL, model, oslo, report, weather } from "./reporting.mjs";

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

const features = {};
for (const [name, model] of Object.entries(models)) {
  features[`${name}: \`generateObject\``] = () => object(model);
  features[`${name}: \`streamObject\``] = () => streamedObject(model);
  features[`${name}: \`generateText\` with tools`] = () => withTools(model);
  features[`${name}: \`streamText\` with tools`] = () => streamedWithTools(model);
}
features["Responses: `webSearch`"] = search;
await report(["ai", "@ai-sdk/openai", "@ai-sdk/openai-compatible", "@ai-sdk/anthropic"], features);
