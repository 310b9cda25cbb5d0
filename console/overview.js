// The overview: what the service is doing, as it tells itself.

import { accountsTable, keysTable } from "./accounts.js";
import { chart, hoursTable } from "./chart.js";
import { byId, el } from "./dom.js";
import { meter, moment, table } from "./elements.js";
import { number, t } from "./i18n.js";
import { why } from "./meanings.js";
import { modelsTable } from "./models.js";
import { countSeconds, requestsShown, requestsTable } from "./requests.js";
import { spendersTable } from "./spenders.js";

const drawn = new Map(); // element id to the JSON of what it shows
let minuteShown = 0;
let again = () => {}; // draws all that has changed

/**
 * Draw the overview. Parts whose data has not changed are left alone, so that focus and selection stay. `act`
 * is called with the path of the route that a button stands for.
 */
export function showOverview(state, act) {
  const { details } = state;
  again = () => showOverview(state, act);
  minuteShown = minute();
  byId("version").textContent = state.version;
  byId("simulated").hidden = !state.simulated;
  badge(state.status, state.status === "ready" ? "good" : "warn");
  byId("admin").hidden = state.access !== "token";
  for (const section of document.querySelectorAll("[data-details]")) section.hidden = !details;
  const usage = details?.usage;
  for (const id of ["usage-title", "quota-title", "spenders-title"]) if (!usage) byId(id).closest("section").hidden = true;
  draw("now", [details && facts(details)], () => now(state));
  if (details) draw("requests", [requestsShown(), new Date().toDateString()], () => requestsTable(again));
  draw("models", [state.models, details?.caps, usage?.limits, minute()], () => modelsTable(state.models, details));
  if (usage) {
    const width = byId("chart").clientWidth;
    if (width) draw("chart", [usage.hours, width], () => [chart(usage.hours, width)]);
    draw("by-model", usage.today.by_model, () => byModel(usage.today.by_model));
    draw("spenders", usage.today.by_key, () => spendersTable(usage.today.by_key));
    draw("hours", usage.hours, () => [hoursTable(usage.hours)]);
    const meters = [usage.limits, usage.today.units, details.gpt4_window_resets_at, details.licence];
    draw("quota", meters, () => quota(usage, details));
  }
  const { accounts = [], keys = [] } = details ?? {};
  for (const id of ["accounts-title", "keys-title"]) {
    if (!accounts.length && !keys.length) byId(id).closest("section").hidden = true;
  }
  draw("accounts", [accounts, minute()], () => accountsTable(accounts, act));
  draw("keys", keys, () => keysTable(keys));
  if (details) draw("limits", details.backend, () => limitsTable(details.backend));
  if (details) draw("errors", details.errors, () => errorsTable(details.errors));
  const recordings = details?.recordings ?? [];
  if (!recordings.length) byId("recordings-title").closest("section").hidden = true;
  draw("recordings", recordings, () => recordingsTable(recordings));
}

/** A second has passed. */
export function passTime() {
  countSeconds(byId("requests"));
  if (minute() !== minuteShown) again();
}

/** Say that the service does not answer; the rest stays as it was. */
export function showUnreachable() {
  badge("unreachable", "bad");
}

/** Have everything drawn again, for example in another language. */
export function clearDrawn() {
  drawn.clear();
}

function draw(id, data, make) {
  const json = JSON.stringify(data);
  if (drawn.get(id) === json) return;
  drawn.set(id, json);
  const focused = document.activeElement?.dataset.keepsFocus;
  byId(id).replaceChildren(...make());
  if (focused) byId(id).querySelector(`[data-keeps-focus="${CSS.escape(focused)}"]`)?.focus();
}

/** Times that are over are shown no more, so some parts are drawn again each minute. */
function minute() {
  return Math.floor(Date.now() / 60_000);
}

function badge(key, kind) {
  const node = byId("status");
  if (node.textContent !== t(key)) node.textContent = t(key);
  node.className = `badge ${kind}`;
}

function facts({ upstream, in_flight, queued, usage }) {
  return [
    [t("inFlight"), number(in_flight), ""],
    [t("queued"), number(queued), ""],
    ...(usage ? [[t("unitsToday"), number(usage.today.units), ""]] : []),
    [t("upstream"), upstream, "name"],
  ];
}

function now({ details }) {
  if (!details) return [el("p", { class: "note" }, t("needToken"))];
  const pairs = facts(details).map(([name, value, kind]) =>
    el("div", {}, el("dt", {}, name), el("dd", { class: kind }, value)),
  );
  const trouble = details.usage ? (details.usage.recorded === "late" ? "ledgerLate" : null) : "ledgerGone";
  return [el("dl", { class: "facts" }, pairs), ...(trouble ? [el("p", { class: "note warn" }, t(trouble))] : [])];
}

function byModel(units) {
  const models = Object.entries(units).map(([name, spent]) => `${name} ${number(spent)}`);
  return models.length ? [t("byModel", { models: models.join(" · ") })] : [];
}

function quota({ limits, today }, { gpt4_window_resets_at: windowReset, licence }) {
  const meters = [
    meter(t("today"), today.units, limits.units_per_day, limits.resets_at),
    meter(t("window"), limits.gpt4_messages_in_window, limits.gpt4_messages, windowReset),
  ];
  if (licence) meters.push(meter(t("licence"), licence.current, licence.total, Date.now() / 1000 + licence.ttl));
  if (limits.units_per_key_per_day) {
    meters.push(el("p", { class: "note" }, t("perKey", { limit: number(limits.units_per_key_per_day) })));
  }
  return meters;
}

function limitsTable(accounts) {
  const rows = accounts.flatMap(({ key, account, models, features }) => [
    ...models.map(({ model, replaced_by, resets_at }) =>
      limitRow(account || key, model, replaced_by ? t("insteadOf", { model: replaced_by }) : t("usedUp"), resets_at),
    ),
    ...features.map(({ feature, remaining, blocked, resets_at }) =>
      limitRow(account || key, feature, blocked || remaining === 0 ? t("usedUp") : number(remaining), resets_at),
    ),
  ]);
  if (rows.length === 0) return [el("p", { class: "note" }, t("noLimits"))];
  return [table([t("keyOrAccount"), t("limit"), t("left"), t("reset")], rows)];
}

function limitRow(whose, name, left, resetsAt) {
  const cells = [left, resetsAt ? moment(resetsAt) : "–"].map((text) => el("td", {}, text));
  return el("tr", {}, el("td", {}, whose || "–"), el("th", { scope: "row" }, name), ...cells);
}

function errorsTable(errors) {
  if (errors.length === 0) return [el("p", { class: "note" }, t("noErrors"))];
  const rows = errors.map((error) =>
    el(
      "tr",
      {},
      el("td", {}, moment(error.at)),
      el("td", {}, error.model || "–"),
      el(
        "td",
        {},
        `${error.status} ${error.code}`,
        el("div", { class: "reason" }, why(error.code, error.reason)),
        el("div", {}, el("code", { class: "id" }, error.request_id)),
      ),
    ),
  );
  return [table([t("time"), t("model"), t("error")], rows)];
}

function recordingsTable(recordings) {
  const rows = recordings.map(({ at, reason, name, size }) =>
    el(
      "tr",
      {},
      el("td", {}, moment(at)),
      el("td", {}, t(`recorded-${reason}`)),
      el("td", { class: "number" }, number(size)),
      el("td", {}, el("code", { class: "id" }, name)),
    ),
  );
  return [table([t("time"), t("reason"), [t("bytes"), "number"], t("file")], rows)];
}
