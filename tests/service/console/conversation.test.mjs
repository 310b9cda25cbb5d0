// What is sent with a question, and what is forgotten when a turn is asked again or changed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../../console/conversation.js";

const said = (conversation, system = "") => conversation.messages(system).map(({ content }) => content);

test("questions and answers are sent in their order, after what the system is told", () => {
  const conversation = new Conversation();
  conversation.ask("a");
  conversation.answer("b");
  conversation.ask("c");
  assert.deepEqual(conversation.messages("be brief"), [
    { role: "system", content: "be brief" }, { role: "user", content: "a" },
    { role: "assistant", content: "b" }, { role: "user", content: "c" },
  ]);
  assert.deepEqual(said(conversation), ["a", "b", "c"]);
});

test("a turn that is cut takes with it what followed, and what is unknown cuts nothing", () => {
  const conversation = new Conversation();
  conversation.ask("a");
  const answer = conversation.answer("b");
  const question = conversation.ask("c");
  conversation.answer("d");
  conversation.cutAt({ role: "user", content: "a" });
  assert.deepEqual(said(conversation), ["a", "b", "c", "d"]);
  conversation.cutAt(question);
  assert.deepEqual(said(conversation), ["a", "b"]);
  conversation.cutAt(answer);
  assert.deepEqual(said(conversation), ["a"]);
});

test("a question without an answer is sent again, and goes when another one is asked", () => {
  const conversation = new Conversation();
  conversation.ask("a");
  assert.deepEqual(said(conversation), ["a"]);
  conversation.ask("b");
  assert.deepEqual(said(conversation), ["b"]);
});

test("a question without an answer takes with it what followed, also after another one was asked", () => {
  const conversation = new Conversation();
  conversation.ask("a");
  conversation.answer("b");
  const unanswered = conversation.ask("c");
  conversation.ask("d");
  conversation.answer("e");
  assert.deepEqual(said(conversation), ["a", "b", "d", "e"]);
  conversation.cutAt(unanswered);
  assert.deepEqual(said(conversation), ["a", "b"]);
});
