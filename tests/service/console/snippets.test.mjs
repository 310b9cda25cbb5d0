// Requests as programs: what is in them arrives as it was, whatever characters it has. test_snippets.py runs them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { SNIPPETS } from "../../../console/snippets.js";

const HOSTILE = "it's $HOME `id` \\ \"quoted\" \n\t%s ' 中文 😀 \u2028 ${x} '''";
const PARTS = [{ type: "text", text: HOSTILE }, { type: "file", file: { file_id: "file-1", extra: null, fine: true } }];
const BODY = { model: "gpt-4-s", messages: [{ role: "user", content: PARTS }, { role: "user", content: HOSTILE }] };
const request = { address: "http://127.0.0.1:1/v1", body: BODY };

test("a shell passes the body on as it was, and runs nothing in it", () => {
  const script = `curl() { printf '%s' "\${@: -1}"; }\n${SNIPPETS.curl(request)}`;
  assert.deepEqual(JSON.parse(execFileSync("bash", ["-c", script], { encoding: "utf8" })), BODY);
});

test("Python reads the same values", () => {
  const call = SNIPPETS.Python(request).replace(/^from .*$/m, "import json").replace(/^client = .*$/m, "").replace(/^print.*$/m, "");
  const script = call.replace("client.chat.completions.create(", "dict(") + "\nprint(json.dumps(answer))";
  assert.deepEqual(JSON.parse(execFileSync("python3", ["-c", script], { encoding: "utf8" })), BODY);
});

test("no snippet has a key", () => {
  for (const make of Object.values(SNIPPETS)) assert.ok(!/Bearer [^$]|apiKey|api_key/.test(make(request)));
});
