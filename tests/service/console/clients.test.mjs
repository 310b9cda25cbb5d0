// What clients are told, against the documents, which say the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { clients } from "../../../console/clients.js";

const MODELS = ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo"];
const HERE = { address: "http://127.0.0.1:33333/v1", key: "fk-your-key", model: "gpt-4-s", models: MODELS };
const read = (name) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const DOCUMENTS = read("clients-setup.md") + read("clients.md");

/** Lines without their models: documents recommend the cheap one at some places, the page takes the one that is chosen. */
const lines = (text) => text.split("\n").map((line) => line.replace(/gpt-(?:4-s|4-mobile|3\.5-turbo)/g, "(model)"));

const documented = new Set(lines(DOCUMENTS));
const quoted = lines(DOCUMENTS).join("\n");

for (const { name, parts } of clients(HERE).filter(({ name }) => name !== "one-api, new-api")) {
  test(`${name} is told what the documents say`, () => {
    for (const line of parts.flatMap(({ text }) => lines(text))) {
      assert.ok(documented.has(line) || quoted.includes(`\`${line}\``), line);
    }
  });
}

test("each client of the table of the documents is there, but for those that go by the SDK's variables", () => {
  const table = read("clients-setup.md").match(/^\| \[[^\]]+\]/gm).map((row) => row.slice(3, -1));
  const names = clients(HERE).map(({ name }) => name);
  const rest = table.filter((name) => !names.includes(name.replace("OpenAI's SDKs", "OpenAI SDK")));
  assert.deepEqual(rest, ["openai-agents"]);
});

test("address, prefix, key and model are those of the page, everywhere", () => {
  const told = clients({ address: "https://ai.example/team/v1", key: "sk-k", model: "my-gpt", models: ["my-gpt"] });
  for (const { name, parts } of told) {
    const text = parts.map((part) => part.text).join("\n");
    assert.ok(text.includes("https://ai.example/team"), name);
    assert.ok(text.includes("sk-k"), name);
    assert.ok(!/127\.0\.0\.1|docker|fk-|gpt-4-s/.test(text), name);
    if (name !== "OpenAI SDK" && name !== "AI SDK") assert.ok(text.includes("my-gpt"), name);
  }
});

test("clients in containers reach a service on this machine by the name that the engine gives it", () => {
  const text = (name) => clients(HERE).find((client) => client.name === name).parts[0].text;
  assert.ok(text("Open WebUI").includes("http://host.docker.internal:33333/v1"));
  assert.ok(text("NextChat").includes("BASE_URL=http://host.docker.internal:33333\n"));
  assert.ok(text("OpenAI SDK").includes("http://127.0.0.1:33333/v1"));
});

test("files of JSON are JSON, also where the chosen model is the cheap one", () => {
  for (const model of MODELS) {
    for (const { file, text } of clients({ ...HERE, model }).flatMap(({ parts }) => parts)) {
      if (file.endsWith(".json")) assert.ok(JSON.parse(text), `${model}: ${file}`);
    }
  }
});
