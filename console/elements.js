// Tables, meters and times, as all parts of the overview show them.

import { el } from "./dom.js";
import { locale, number, t } from "./i18n.js";

/** A table; each title is a text, or a text and the class of its column. */
export function table(titles, rows) {
  const heads = titles.map((title) => {
    const [text, kind] = [title].flat();
    return el("th", { scope: "col", class: kind }, text);
  });
  return el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows));
}

/** How much is used of what, in words and, where there is a limit, as a bar; `label` says more than `name`. */
export function meter(name, used, limit, resetsAt = null, label = name) {
  const amount = limit ? t("of", { used: number(used), limit: number(limit) }) : `${number(used)} · ${t("noLimit")}`;
  const words = el("div", { class: "label" }, el("span", {}, name), el("span", {}, amount));
  const reset = resetsAt ? el("p", { class: "reset" }, t("resets", { when: moment(resetsAt) })) : null;
  if (!limit) return el("div", { class: "meter" }, words, reset);
  const share = Math.min(1, used / limit);
  const bar = el("div", { class: `fill${share >= 1 ? " full" : share >= 0.8 ? " high" : ""}` });
  bar.style.width = `${share * 100}%`;
  const range = { role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": limit, "aria-valuenow": Math.min(used, limit) };
  return el("div", { class: "meter" }, words, el("div", { class: "track", ...range, "aria-valuetext": amount }, bar), reset);
}

/** A time of today to the second, or day and time. */
export function exactly(seconds) {
  const when = new Date(seconds * 1000);
  if (when.toDateString() !== new Date().toDateString()) return moment(seconds);
  return when.toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** A time of today, or day and time. */
export function moment(seconds) {
  const when = new Date(seconds * 1000), now = new Date();
  const year = when.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  const day = when.toDateString() === now.toDateString() ? {} : { ...year, month: "short", day: "numeric" };
  return when.toLocaleString(locale(), { ...day, hour: "2-digit", minute: "2-digit" });
}
