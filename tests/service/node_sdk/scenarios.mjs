// Drives the official Node SDK against the service at BASE_URL and prints what came of it as JSON.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY });
const ask = (content, more = {}) =>
  client.chat.completions.create({ model: "gpt-4-s", messages: [{ role: "user", content }], ...more });

const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};
const text = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

const failure = async (work) => {
  try {
    await work();
  } catch (error) {
    const { status = null, code = null, type = null, param = null, requestID = null, message } = error;
    return { kind: error.constructor.name, status, code, type, param, requestID, message };
  }
  return { kind: "none" };
};

const scenarios = {
  async plain() {
    const completion = await ask("Say exactly: fine");
    return { ...completion, requestID: completion._request_id };
  },
  async streamed() {
    const chunks = await collect(await ask("Say exactly: fine, too", { stream: true }));
    return {
      text: text(chunks),
      role: chunks[0].choices[0].delta.role,
      finish: chunks.at(-1).choices[0].finish_reason,
    };
  },
  async usage() {
    const chunks = await collect(await ask("Hello", { stream: true, stream_options: { include_usage: true } }));
    return chunks.at(-1);
  },
  async helper() {
    const stream = client.chat.completions.stream({
      model: "gpt-4-s",
      messages: [{ role: "user", content: "Say exactly: helped" }],
    });
    let heard = "";
    stream.on("content", (delta) => (heard += delta));
    const completion = await stream.finalChatCompletion();
    return { heard, content: completion.choices[0].message.content, finish: completion.choices[0].finish_reason };
  },
  async tools() {
    const called = [];
    const weather = {
      type: "function",
      function: {
        name: "get_weather",
        description: "The weather of a city.",
        parse: JSON.parse,
        parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        function: ({ city }) => {
          called.push(city);
          return `It snows in ${city}.`;
        },
      },
    };
    const runner = client.chat.completions.runTools({
      model: "gpt-4-s",
      messages: [{ role: "user", content: "What is the weather in Oslo?" }],
      tools: [weather],
      stream: Boolean(process.env.STREAM),
    });
    return { called, content: await runner.finalContent() };
  },
  async response() {
    const tools = [
      {
        type: "function",
        name: "get_weather",
        description: "The weather of a city.",
        strict: true,
        parameters: {
          type: "object",
          properties: { city: { type: "string" } },
          required: ["city"],
          additionalProperties: false,
        },
      },
    ];
    const heard = [];
    const first = client.responses.stream({
      model: "gpt-4-s",
      input: "What is the weather in Oslo?",
      tools,
      tool_choice: "required",
    });
    first.on("event", (event) => heard.push(event.type));
    const asked = await first.finalResponse();
    const second = client.responses.stream({
      model: "gpt-4-s",
      previous_response_id: asked.id,
      input: [{ type: "function_call_output", call_id: asked.output[0].call_id, output: "It snows in Oslo." }],
      tools,
    });
    return { heard, called: asked.output[0].arguments, content: (await second.finalResponse()).output_text };
  },
  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    const one = await client.models.retrieve("gpt-3.5-turbo-16k");
    return { ids, one };
  },
  async errors() {
    const stream = Boolean(process.env.STREAM);
    const sim = (fault) => failure(() => ask(`Hello [[sim fault=${fault}]]`, { stream }));
    return {
      content_policy: await sim("content_policy"),
      token_expired: await sim("token_expired"),
      account_deactivated: await sim("account_deactivated"),
      model_not_found: await sim("model_not_found"),
      cloudflare: await sim("cloudflare"),
      echo_only: await sim("echo_only"),
      reset_before_headers: await sim("reset_before_headers"),
      status_504: await sim("status_504"),
      n: await failure(() => ask("Hello", { n: 2, stream })),
      model: await failure(() => ask("Hello", { model: "gpt-9-x", stream })),
      path: await failure(() => client.embeddings.create({ model: "gpt-4-s", input: "Hello" })),
      large: await failure(() => ask("x".repeat(1_100_000), { stream })),
      // The last one, since the service remembers it.
      model_cap_exceeded: await sim("model_cap_exceeded"),
    };
  },
  async midStream() {
    const chunks = [];
    const error = await failure(async () => {
      const stream = await ask("Repeat after me: one two three four [[sim fault=reset_mid]]", { stream: true });
      for await (const chunk of stream) chunks.push(chunk);
    });
    return { error, text: text(chunks) };
  },
  async leave() {
    const stream = await ask("Tell me about rain [[sim tokens=2000 pace=50]]", { stream: true });
    for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
    return {};
  },
};

const name = process.argv[2];
console.log(JSON.stringify(await scenarios[name]()));
