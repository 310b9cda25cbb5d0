// The official Node SDK: what it has for chats, and its helpers for typed answers and tools, on both of its APIs.
import assert from "node:assert/strict";
import {
  apiKey,
  baseURL,
  cancelled,
  capped,
  cappedKey,
  feature,
  installed,
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

const OpenAI = installed("openai");
const { zodResponseFormat, zodTextFormat } = installed("openai/helpers/zod");
const { z } = installed("zod");

const client = new OpenAI({ baseURL, apiKey });

const asked = (content, others = {}) => ({ model, messages: [{ role: "user", content }], ...others });
const said = async (content, others = {}, key = apiKey) => {
  const completion = await new OpenAI({ baseURL, apiKey: key }).chat.completions.create(asked(content, others));
  return completion.choices[0].message.content;
};
const text = (text) => ({ type: "text", text });

const chat = async () => assert.equal(await said(say), "fine");

const stream = async () => {
  let content = "";
  for await (const { choices } of await client.chat.completions.create(asked(say, { stream: true })))
    content += choices[0].delta.content ?? "";
  assert.equal(content, "fine");
};

const usage = async () => {
  const options = { stream: true, stream_options: { include_usage: true } };
  let used;
  for await (const chunk of await client.chat.completions.create(asked(say, options))) used = chunk.usage ?? used;
  const completion = await client.chat.completions.create(asked(say));
  assert.deepEqual(used, completion.usage);
  assert.equal(used.completion_tokens, 1);
};

const cancel = async () => {
  for await (const { choices } of await client.chat.completions.create(asked(long, { stream: true })))
    if (choices[0].delta.content) break;
  await cancelled();
};

const pictureIn = async () => {
  const content = await said([text("See this."), { type: "image_url", image_url: { url: picture } }]);
  assert.ok(content.includes(pictureSeen), content);
};

const pictureOut = async () => {
  const [, url] = (await said("Draw a cat.")).match(/!\[.*?\]\((\S+)\)/);
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
  assert.equal(bytes.toString("latin1", 1, 4), "PNG");
};

const file = async () => {
  const kept = await client.files.create({ file: new File(["Tea is a drink."], "tea.txt"), purpose: "user_data" });
  const content = await said([text("Read this."), { type: "file", file: { file_id: kept.id } }]);
  assert.ok(content.includes("tea.txt"), content);
  assert.ok((await client.files.delete(kept.id)).deleted);
};

const models = async () => {
  const ids = [];
  for await (const { id } of client.models.list()) ids.push(id);
  assert.ok(ids.includes(model));
};

const images = async () => {
  const { data } = await client.images.generate({ model, prompt: "A cat.", response_format: "b64_json" });
  assert.equal(Buffer.from(data[0].b64_json, "base64").toString("latin1", 1, 4), "PNG");
};
const Verdict = z.object({ status: z.enum(["fine", "bad"]), reasons: z.array(z.string()) });
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const described = { name: "get_weather", description: "The weather of a city.", parameters };

const chatParse = async () => {
  const completion = await client.chat.completions.parse({
    model,
    messages: [{ role: "user", content: "Judge tea." }],
    response_format: zodResponseFormat(Verdict, "verdict"),
  });
  Verdict.parse(completion.choices[0].message.parsed);
};

const runTools = async (stream) => {
  const called = [];
  const run = ({ city }) => (called.push(city), weather(city));
  const runner = client.chat.completions.runTools({
    model,
    messages: [{ role: "user", content: oslo }],
    tools: [{ type: "function", function: { ...described, parse: JSON.parse, function: run } }],
    stream,
  });
  assert.match(await runner.finalContent(), /It snows in Oslo\./);
  assert.deepEqual(called, ["Oslo"]);
};

const responsesParse = async () => {
  const response = await client.responses.parse({
    model,
    input: "Judge tea.",
    text: { format: zodTextFormat(Verdict, "verdict") },
  });
  Verdict.parse(response.output_parsed);
};

const responsesStream = async () => {
  const tools = [{ type: "function", strict: true, ...described }];
  const asked = await client.responses.stream({ model, input: oslo, tools }).finalResponse();
  const [call] = asked.output;
  assert.deepEqual(JSON.parse(call.arguments), { city: "Oslo" });
  const result = { type: "function_call_output", call_id: call.call_id, output: weather("Oslo") };
  const answer = await client.responses
    .stream({ model, previous_response_id: asked.id, input: [result], tools })
    .finalResponse();
  assert.match(answer.output[0].content[0].text, /It snows in Oslo\./);
};

await report(["openai"], {
  chat: feature(chat),
  stream: feature(stream),
  usage: feature(usage, 2),
  cancel: feature(cancel),
  tools: feature(() => runTools(false), 2),
  schema: feature(chatParse),
  "picture in": feature(pictureIn),
  "picture out": feature(pictureOut),
  file: feature(file),
  models: feature(models, 0),
  401: feature(() => assert.rejects(said(say, {}, refusedKey), OpenAI.AuthenticationError), 0),
  404: feature(() => assert.rejects(said(say, { model: noModel }), OpenAI.NotFoundError), 0),
  429: feature(() => assert.rejects(said(capped, {}, cappedKey), OpenAI.RateLimitError)),
  "`runTools`, streamed": feature(() => runTools(true), 2),
  "`images.generate`": feature(images),
  "`responses.parse`": feature(responsesParse),
  "`responses.stream` with a tool and its result": feature(responsesStream, 2),
});
