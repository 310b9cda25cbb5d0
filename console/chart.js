// Units per hour as columns, drawn with SVG, and the same numbers as a table.

import { el, svg } from "./dom.js";
import { locale, number, t } from "./i18n.js";

const HEIGHT = 170, LEFT = 40, RIGHT = 14, BOTTOM = 22, TOP = 10;

/** The chart as an SVG element. `hours` is `[{start, units}]`, `start` in Unix seconds; `width` in pixels. */
export function chart(hours, width) {
  const most = Math.max(...hours.map((hour) => hour.units));
  const total = hours.reduce((sum, hour) => sum + hour.units, 0);
  const top = niceTop(most);
  const y = (units) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - units / top);
  const step = (width - LEFT - RIGHT) / hours.length;
  const label = t("chart", { total: number(total), most: number(most) });
  const lines = [0, top / 2, top].map((units) => [
    svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(units), y2: y(units) }),
    svg("text", { x: LEFT - 8, y: y(units) + 4, "text-anchor": "end" }, number(units)),
  ]);
  const columns = hours.map(({ start, units }, index) => {
    const height = Math.max(2, y(0) - y(units));
    const place = { x: LEFT + index * step + step * 0.18, y: y(0) - height, width: step * 0.64, height, rx: 2 };
    const title = svg("title", {}, `${clock(start)}: ${number(units)}`);
    return svg("rect", { class: units ? "column" : "column empty", ...place }, title);
  });
  const times = hours
    .map(({ start }, index) => [start, index])
    .filter(([, index]) => (hours.length - 1 - index) % 6 === 0)
    .map(([start, index]) => svg("text", { x: LEFT + (index + 0.5) * step, y: HEIGHT - 6, "text-anchor": "middle" }, clock(start)));
  return svg("svg", { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label }, lines, columns, times);
}

/** The same numbers as a table, newest hour first. */
export function hoursTable(hours) {
  const rows = hours.map(({ start, units }) =>
    el("tr", {}, el("th", { scope: "row" }, clock(start)), el("td", { class: "number" }, number(units))),
  );
  const head = el("tr", {}, el("th", { scope: "col" }, t("hour")), el("th", { scope: "col", class: "number" }, t("units")));
  return el("table", {}, el("thead", {}, head), el("tbody", {}, rows.reverse()));
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" });
}

/** A round number at or above the highest column, and even, so that its half is whole. */
function niceTop(most) {
  const size = 10 ** Math.floor(Math.log10(Math.max(most, 10)));
  return [1, 2, 4, 6, 8, 10].map((factor) => factor * size).find((top) => top >= most);
}
