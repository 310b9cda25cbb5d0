// The playground: one conversation. It is kept in memory only, and so is the key, unless the user ticks the box
// that keeps it in the tab.

import { announce } from "./announcer.js";
import { AnswerView } from "./answer.js";
import { attached, clearAttachments, contentOf, startAttachments } from "./attachments.js";
import { chat } from "./chat.js";
import { startConnect } from "./connect.js";
import { Conversation } from "./conversation.js";
import { byId, el } from "./dom.js";
import { failure, failureText } from "./failures.js";
import { t } from "./i18n.js";
import { answerArticle, answerTools, foot, questionArticle } from "./message.js";
import { keep, recall } from "./storage.js";

const STORAGE_KEY = "pandora-key";
const END_PIXELS = 60; // so close to the end counts as the end

let conversation = new Conversation();
let running = null;
let base = "/v1";
let prices = new Map(); // of models, in units for each message
let keyShown = false;
let atEnd = true; // the log is scrolled to its end
let lastTop = 0;
const growth = new ResizeObserver(() => follow()); // of answers: formulas and pictures change their height late

/** Connect the elements of the playground with what they do. */
export function startPlayground() {
  const kept = recall(STORAGE_KEY, "sessionStorage");
  byId("key").value = kept ?? "";
  byId("remember").checked = kept !== null;
  for (const id of ["key", "remember"]) byId(id).addEventListener("input", keepKey);
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  byId("prompt").addEventListener("keydown", (event) => {
    // While an input method composes text, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  for (const chip of document.querySelectorAll("[data-start]")) {
    chip.addEventListener("click", () => {
      byId("prompt").value = t(chip.dataset.start);
      byId("prompt").focus();
    });
  }
  byId("stop").addEventListener("click", () => running?.abort());
  byId("clear").addEventListener("click", clear);
  byId("log").addEventListener("scroll", scrolled);
  startAttachments(connection);
  startConnect(() => ({ address: location.origin + path(), key: byId("key").value.trim(), model: byId("model").value }));
}

/** Offer the models of the service, and its key in the demo. The chosen model stays chosen. */
export function showModels({ models, api, key }) {
  const select = byId("model");
  const names = models.map((model) => model.id);
  if (names.join("\n") !== [...select.options].map((option) => option.value).join("\n")) {
    const chosen = select.value;
    select.replaceChildren(...names.map((name) => el("option", { value: name }, name)));
    if (names.includes(chosen)) select.value = chosen;
  }
  prices = new Map(models.map(({ id, units }) => [id, units]));
  base = api ?? "";
  byId("base-field").hidden = api !== null;
  if (keyShown) return;
  keyShown = true; // later changes of the key are the user's
  byId("key").value ||= key;
  byId("connection").open = !byId("key").value || api === null;
}

/** Show texts that are not marked in the HTML, in the current language. */
export function showTexts() {
  byId("log").dataset.empty = t("empty");
}

function keepKey() {
  keep(STORAGE_KEY, byId("remember").checked ? byId("key").value : null, "sessionStorage");
}

function clear() {
  running?.abort();
  conversation = new Conversation();
  byId("log").replaceChildren();
  clearAttachments();
  byId("prompt").focus();
}

const path = () => base || byId("base").value.trim().replace(/\/+$/, "");

/** The address and the key to ask with; null, with the focus where something has to be entered first. */
function connection() {
  const key = byId("key").value.trim(), found = path();
  if (key && found) return { base: found, key };
  byId("connection").open = true;
  byId(key ? "base" : "key").focus();
  if (!key) announce(t("needKey"), { now: true });
  return null;
}

/** Ask what stands in the composer. */
function send() {
  const text = byId("prompt").value.trim(), attachments = attached();
  if (running || !attachments || !(text || attachments.length) || !connection()) return;
  byId("prompt").value = "";
  clearAttachments();
  ask(text, attachments);
}

function ask(text, attachments) {
  // A question that was never answered is no part of the conversation any more.
  for (const tools of byId("log").querySelectorAll(".unanswered .tools")) tools.remove();
  const turn = conversation.ask(contentOf(text, attachments));
  const article = questionArticle(text, attachments, (changed) => {
    if (running || !(changed || attachments.length) || !connection()) return;
    cut(article, turn);
    ask(changed, attachments);
  });
  byId("log").append(article);
  answer(article);
}

/** Take an article, its turn and all that followed out of the conversation. */
function cut(article, turn) {
  conversation.cutAt(turn);
  while (article.nextSibling) article.nextSibling.remove();
  article.remove();
}

/** Have the conversation, which ends with the question that is shown as `asked`, answered. */
async function answer(asked) {
  const where = connection(), began = performance.now(), parts = [], facts = {};
  const body = { model: byId("model").value, messages: conversation.messages(byId("system").value.trim()) };
  const talk = conversation, log = byId("log");
  const view = new AnswerView((text) => announce(text));
  const article = answerArticle(body.model, view.node);
  article.classList.add("busy");
  log.append(article);
  growth.observe(view.node);
  atEnd = true;
  follow();
  running = new AbortController();
  showRunning(true);
  announce(t("answering"), { now: true });
  try {
    await receive({ ...where, ...body, signal: running.signal }, view, article, facts, parts);
  } finally {
    view.finish();
    article.classList.remove("busy");
    running = null;
    showRunning(false);
  }
  facts.total = performance.now() - began;
  // Who leaves is told no more, but what has begun was spent.
  if (facts.stopped && parts.length) facts.price = prices.get(body.model);
  article.append(foot(facts));
  if (article.isConnected) {
    const text = parts.join("");
    const turn = text ? talk.answer(text) : null;
    for (const node of [asked, article]) node.classList.toggle("unanswered", !text);
    const again = () => {
      if (running || !connection()) return;
      cut(article, turn);
      answer(asked);
    };
    article.append(answerTools({ text, again, request: { address: location.origin + where.base, body } }));
    follow();
  }
  document.dispatchEvent(new Event("answered"));
}

/** Draw an answer while it comes; `facts` and `parts` are filled with what it brings. */
async function receive(request, view, article, facts, parts) {
  const began = performance.now();
  try {
    for await (const part of chat(request)) {
      facts.requestId ??= part.requestId;
      facts.tokens ??= part.usage?.completion_tokens;
      facts.units ??= part.units;
      if (!part.text) continue;
      facts.first ??= performance.now() - began;
      parts.push(part.text);
      view.append(part.text);
    }
    announce(t("done"));
    byId("connection").open = false;
  } catch (error) {
    if (request.signal.aborted) facts.stopped = true;
    else {
      article.append(failure(error, parts.length > 0, request.model));
      announce(`${t(parts.length ? "brokeOff" : "failed")}: ${failureText(error)}`, { now: true });
    }
    facts.requestId ??= error.requestId;
    facts.units ??= error.units;
  }
}

function showRunning(on) {
  // A button that is hidden must not take the focus with it.
  const from = byId(on ? "send" : "stop") === document.activeElement;
  byId("send").hidden = on;
  byId("stop").hidden = !on;
  if (from) byId(on ? "stop" : "prompt").focus();
  byId("log").setAttribute("aria-busy", on);
  for (const button of byId("log").querySelectorAll(".edit, .again")) button.disabled = on;
}

/** Scroll to the end of the log, if it was at its end before. */
function follow() {
  if (atEnd) byId("log").scrollTop = byId("log").scrollHeight;
}

/** Only who scrolls up leaves the end: it also moves away by itself, when something grows. */
function scrolled() {
  const log = byId("log");
  if (log.scrollTop < lastTop || isNear(log)) atEnd = isNear(log);
  lastTop = log.scrollTop;
}

const isNear = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < END_PIXELS;
