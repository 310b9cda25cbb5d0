// The official Node SDK: its helpers for typed answers and tools, on both of its APIs.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { apiKey, baseURL, model, oslo, report, weather } from "./reporting.mjs";

const client = new OpenAI({ baseURL, apiKey });
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
  assert.match(answer.output_text, /It snows in Oslo\./);
};

await report(["openai"], {
  "`chat.completions.parse`": chatParse,
  "`runTools`": () => runTools(false),
  "`runTools`, streamed": () => runTools(true),
  "`responses.parse`": responsesParse,
  "`responses.stream` with a tool and its result": responsesStream,
});
