// The models: whether they can be used, what a message costs, and what caps there are, by whom and until when.

import { el } from "./dom.js";
import { moment, table } from "./elements.js";
import { number, t } from "./i18n.js";
import { told } from "./meanings.js";

const HOUR = 3600;

/** All models; `details` are those of the state, null for who may not see them. */
export function modelsTable(models, details) {
  const caps = details?.caps ?? [], limits = details?.usage?.limits;
  if (models.length + caps.length === 0) return [el("p", { class: "note" }, t("noModels"))];
  const known = new Set(models.map((model) => model.id));
  const others = [...new Set(caps.map((cap) => cap.model))].filter((name) => !known.has(name));
  const capsOf = (name) => caps.filter((cap) => cap.model === name);
  const rows = [
    ...models.map((model) => {
      const window = model.windowed && limits?.gpt4_messages ? [windowCap(limits)] : [];
      const kind = model.gpt ? el("span", { class: "reason" }, ` ${t("gpt")}`) : null;
      return row([model.id, kind], [...state(model), ...window, ...capsOf(model.id).map(cap)], number(model.units));
    }),
    ...others.map((name) => row(name, capsOf(name).map(cap), "–")),
  ];
  return [table([t("model"), t("state"), [t("cost"), "number"]], rows)];
}

function row(name, state, units) {
  return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, state), el("td", { class: "number" }, units));
}

/** `available` is null for a GPT of which nobody has asked the backend yet. */
function state({ available, reason }) {
  const [kind, word] = available === null ? [" none", "notLookedUp"] : available ? ["", "available"] : [" off", "unavailable"];
  return [
    el("span", { class: `state${kind}` }, t(word)),
    reason ? el("div", { class: "reason" }, told(reason)) : null,
  ];
}

/** So many messages may be sent in so many hours. */
function windowCap({ gpt4_messages: limit, gpt4_window_seconds: seconds }) {
  return el("div", { class: "reason" }, t("windowCap", { limit: number(limit), hours: number(seconds / HOUR) }));
}

function cap({ key, account, until }) {
  const whose = account || key || "–";
  const text = until ? t("cappedUntil", { whose, when: moment(until) }) : t("capped", { whose });
  return el("div", { class: "reason capped" }, text);
}
