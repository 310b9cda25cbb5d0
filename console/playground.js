// The playground: one conversation. It is kept in memory only, and so is the key, unless the user ticks the box
// that keeps it in the tab.

import { announce } from "./announcer.js";
import { AnswerView } from "./answer.js";
import { chat } from "./chat.js";
import { byId, el } from "./dom.js";
import { number, t } from "./i18n.js";
import { keep, recall } from "./storage.js";

const STORAGE_KEY = "pandora-key";
const END_PIXELS = 60; // so close to the end counts as the end

const history = [];
let running = null;
let base = "/v1";
let keyShown = false;
let atEnd = true; // the log is scrolled to its end

/** Connect the elements of the playground with what they do. */
export function startPlayground() {
  const kept = recall(STORAGE_KEY, "sessionStorage");
  byId("key").value = kept ?? "";
  byId("remember").checked = kept !== null;
  for (const id of ["key", "remember"]) byId(id).addEventListener("input", keepKey);
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  byId("prompt").addEventListener("keydown", (event) => {
    // While an input method composes text, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    ask();
  });
  byId("stop").addEventListener("click", () => running?.abort());
  byId("clear").addEventListener("click", clear);
  byId("log").addEventListener("scroll", () => (atEnd = isNear(byId("log"))));
  byId("log").addEventListener("load", follow, true); // pictures change the height late, and "load" does not bubble
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
  history.length = 0;
  byId("log").replaceChildren();
  byId("prompt").focus();
}

async function ask() {
  const content = byId("prompt").value.trim();
  if (running || !content) return;
  const key = byId("key").value.trim();
  if (!key) {
    byId("connection").open = true;
    byId("key").focus();
    announce(t("needKey"), { now: true });
    return;
  }
  byId("prompt").value = "";
  history.push({ role: "user", content });
  byId("log").append(message("user", t("you"), el("div", {}, content)));
  busy(true);
  try {
    await answer(key, byId("model").value, base || byId("base").value.trim().replace(/\/+$/, ""));
  } finally {
    busy(false);
  }
}

function busy(on) {
  running = on ? new AbortController() : null;
  // A button that is hidden must not take the focus with it.
  const from = byId(on ? "send" : "stop") === document.activeElement;
  byId("send").hidden = on;
  byId("stop").hidden = !on;
  if (from) byId(on ? "stop" : "prompt").focus();
  byId("log").setAttribute("aria-busy", on);
}

async function answer(key, model, path) {
  const began = performance.now(), messages = [...history], parts = [], facts = {};
  const view = new AnswerView((text) => announce(text));
  const foot = el("p", { class: "foot" });
  const article = message("assistant", model, view.node, foot);
  const log = byId("log");
  article.classList.add("busy");
  log.append(article);
  atEnd = true;
  follow();
  announce(t("answering"), { now: true });
  const { signal } = running;
  try {
    for await (const part of chat({ base: path, key, model, messages, signal })) {
      if (part.requestId) facts.requestId = part.requestId;
      if (part.usage) facts.tokens = part.usage.completion_tokens;
      if (!part.text) continue;
      facts.first ??= performance.now() - began;
      parts.push(part.text);
      view.append(part.text);
      requestAnimationFrame(follow);
    }
    announce(t("done"));
  } catch (error) {
    if (signal.aborted) facts.stopped = true;
    else article.insertBefore(failure(error, parts.length > 0), foot);
    facts.requestId ??= error.requestId;
  }
  view.finish();
  article.classList.remove("busy");
  facts.total = performance.now() - began;
  foot.append(...footnotes(facts).map((text) => el("span", {}, text)));
  if (log.isConnected && article.isConnected) {
    if (parts.length) history.push({ role: "assistant", content: parts.join("") });
    else history.pop();
    follow();
  }
  document.dispatchEvent(new Event("answered"));
}

/** Scroll to the end of the log, if it was at its end before. */
function follow() {
  if (atEnd) byId("log").scrollTop = byId("log").scrollHeight;
}

const isNear = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < END_PIXELS;

function message(role, who, ...children) {
  return el("article", { class: `message ${role}`, "aria-label": who }, el("p", { class: "who" }, who), ...children);
}

function failure(error, begun) {
  const known = error.status !== undefined;
  const text = known ? error.message || t("cutShort") : t("offline");
  const details = [error.status, error.code].filter(Boolean).join(" · ");
  announce(`${t(begun ? "brokeOff" : "failed")}: ${text}`, { now: true });
  return el(
    "div",
    { class: "failure" },
    el("strong", {}, t(begun ? "brokeOff" : "failed")),
    el("p", {}, text),
    error.retryAfter ? el("p", {}, retry(error.retryAfter)) : null,
    details ? el("p", { class: "muted small" }, details) : null,
  );
}

function retry(seconds) {
  return seconds < 120 ? t("retryAfter", { n: seconds }) : t("retryMinutes", { n: Math.ceil(seconds / 60) });
}

function footnotes({ total, first, tokens, requestId, stopped }) {
  const seconds = (ms) => (ms / 1000).toFixed(1);
  return [
    stopped ? t("stopped") : null,
    t("seconds", { n: seconds(total) }),
    first === undefined ? null : t("first", { n: seconds(first) }),
    tokens === undefined ? null : t("tokens", { n: number(tokens) }),
    requestId || null,
  ].filter(Boolean);
}
