// Code, or any text that is to be copied, in a frame with a button.

import { copyText } from "./copying.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";

/** `title` says what it is: a language, or the name of a file; empty for any text. */
export function codeFigure(title, text) {
  const code = el("code", {}, text);
  const button = el("button", { type: "button", class: "quiet", "data-t": "copy", click: () => copyText(button, text) }, t("copy"));
  const pre = el("pre", { tabindex: 0, role: "group", "aria-label": `${t("code")} ${title}`.trim() }, code);
  return el("figure", { class: "code" }, el("figcaption", {}, el("span", {}, title || t("output")), button), pre);
}
