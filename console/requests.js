// Requests as they run, and the last ones, from the feed: one row each, and more about it at a click.

import { el } from "./dom.js";
import { exactly, table } from "./elements.js";
import { number, t } from "./i18n.js";
import { why } from "./meanings.js";

const KEPT = 100;
const STATES = { ok: "", client_gone: "none", invalid: "warn", rejected: "warn" };
const COLUMNS = 6;

const open = new Set(); // ids of requests of which more is shown
let running = [], ended = [];
let ahead = 0; // how many seconds the service's clock is ahead of this one

/** Take an event of the feed; null when it begins again. */
export function takeRequests(event) {
  if (event === null) {
    running = ended = [];
    return;
  }
  ahead = event.now - Date.now() / 1000;
  running = event.running.toReversed();
  ended = [...event.ended, ...ended].slice(0, KEPT);
  const known = new Set([...running, ...ended].map((request) => request.request_id));
  for (const id of open) if (!known.has(id)) open.delete(id);
}

/** What `requestsTable` shows, to be compared. */
export function requestsShown() {
  return [running, ended, [...open]];
}

/** All requests, newest first, those that run before the others; `redraw` is called when more or less is shown. */
export function requestsTable(redraw) {
  if (running.length + ended.length === 0) return [el("p", { class: "note" }, t("noRequests"))];
  const rows = [...running, ...ended].flatMap((request) => row(request, redraw));
  const titles = [t("time"), t("model"), [t("key"), "aside"], [t("tokensShort"), "number aside"], [t("units"), "number aside"], t("outcome")];
  return [table(titles, rows)];
}

/** Bring the seconds of those that run up to date. */
export function countSeconds(root) {
  for (const node of root.querySelectorAll("[data-began]")) node.textContent = lasted(since(node.dataset.began));
}

function row(request, redraw) {
  const { request_id: id, began, model, key, account, side, outcome } = request;
  const shown = open.has(id);
  const toggle = () => {
    if (shown) open.delete(id);
    else open.add(id);
    redraw();
  };
  const button = el(
    "button",
    { type: "button", class: "more-of", "aria-expanded": String(shown), "aria-controls": shown ? `more-${id}` : null, "data-keeps-focus": id },
    exactly(began),
  );
  const cells = [
    el("td", {}, model || "–", side ? reason(t("aside", { what: side })) : null),
    el("td", { class: "aside" }, key || "–", account ? reason(account) : null),
    el("td", { class: "number aside" }, outcome ? tokens(request) : "–"),
    el("td", { class: "number aside" }, outcome ? number(request.units) : "–"),
    el("td", {}, state(request)),
  ];
  const line = el("tr", { class: "request", click: toggle }, el("th", { scope: "row" }, button), ...cells);
  return shown ? [line, el("tr", { class: "more-about", id: `more-${id}` }, el("td", { colspan: COLUMNS }, about(request)))] : [line];
}

function state({ outcome, answering, began, duration }) {
  if (outcome) {
    return [el("span", { class: `state ${STATES[outcome] ?? "off"}` }, t(`outcome-${outcome}`)), reason(lasted(duration))];
  }
  const seconds = el("div", { class: "reason", "data-began": began }, lasted(since(began)));
  return [el("span", { class: "state now" }, t(answering ? "isAnswering" : "isWaiting")), seconds];
}

/** All that is known of a request, as pairs. */
function about(request) {
  const { outcome, request_id: id, route, status, key, account, answered_by: by, ttft, finish_reason: finish, side, code } = request;
  const pairs = [
    outcome ? [t("reason"), why(code, request.reason, t(`outcome-${outcome}`))] : null,
    [t("request"), el("code", { class: "id" }, id)],
    [t("route"), side ? `${route} · ${side}` : route],
    [t("key"), key || "–"],
    account ? [t("account"), account] : null,
    by ? [t("answeredBy"), el("code", { class: "id" }, by)] : null,
    outcome ? [t("status"), code ? `${status} ${code}` : String(status)] : null,
    outcome ? [t("tokensShort"), tokens(request)] : null,
    outcome ? [t("units"), number(request.units)] : null,
    typeof ttft === "number" ? [t("firstText"), lasted(ttft)] : null,
    finish ? [t("finish"), el("code", { class: "id" }, finish)] : null,
  ];
  return el("dl", { class: "about" }, pairs.filter(Boolean).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function tokens({ prompt_tokens: prompt, completion_tokens: completion }) {
  return prompt + completion ? t("inAndOut", { prompt: number(prompt), completion: number(completion) }) : "–";
}

const since = (began) => Math.max(0, Date.now() / 1000 + ahead - began);

const lasted = (seconds) => t("seconds", { n: seconds < 10 ? seconds.toFixed(1) : number(Math.round(seconds)) });

function reason(text) {
  return el("div", { class: "reason" }, text);
}
