// Questions and answers as they stand in the log, with the buttons below them.

import { preview } from "./attachments.js";
import { copyText } from "./copying.js";
import { el } from "./dom.js";
import { number, t } from "./i18n.js";
import { SNIPPETS } from "./snippets.js";

/** A question; `edit` is called with the text that the user has put in its place. */
export function questionArticle(text, attachments, edit) {
  const article = el("article", { class: "message user", "aria-label": t("you") });
  const words = el("div", { class: "words" }, text);
  const files = attachments.map((item) => el("li", {}, preview(item), el("span", { class: "name" }, item.name)));
  const button = tool("edit", () => article.replaceChildren(editor(text, edit, () => article.replaceChildren(...shown))));
  const shown = [
    el("p", { class: "who" }, t("you")),
    files.length ? el("ul", { class: "attached" }, files) : "",
    words,
    el("div", { class: "tools" }, button),
  ];
  article.append(...shown);
  return article;
}

function editor(text, edit, cancel) {
  const field = el("textarea", { rows: 3, "aria-label": t("message") });
  field.value = text;
  const form = el(
    "form",
    { class: "editor", submit: (event) => { event.preventDefault(); edit(field.value.trim()); } },
    field,
    el("button", { type: "button", class: "quiet", "data-t": "cancel", click: cancel }, t("cancel")),
    el("button", { type: "submit", class: "primary", "data-t": "send" }, t("send")),
  );
  field.addEventListener("keydown", (event) => event.key === "Escape" && cancel());
  requestAnimationFrame(() => field.focus());
  return form;
}

/** An empty answer of `model`; `view` is what draws it. */
export function answerArticle(model, view) {
  return el("article", { class: "message assistant", "aria-label": model }, el("p", { class: "who" }, model), view);
}

/** The line below an answer: how long it took, and what it has cost; `price` where that was not told. */
export function foot({ total, first, tokens, units, price, requestId, stopped }) {
  const seconds = (ms) => (ms / 1000).toFixed(1);
  const facts = [
    stopped ? t("stopped") : null,
    t("seconds", { n: seconds(total) }),
    first === undefined ? null : t("first", { n: seconds(first) }),
    tokens === undefined ? null : t("tokens", { n: number(tokens) }),
    units === undefined ? null : t("unitsSpent", { n: number(units) }),
    price === undefined ? null : t("unitsAbout", { n: number(price) }),
    requestId || null,
  ];
  return el("p", { class: "foot" }, facts.filter(Boolean).map((fact) => el("span", {}, fact)));
}

/** The buttons of an answer. `text` is empty where none came; `request` is what was asked, as `{address, body}`. */
export function answerTools({ text, request, again }) {
  const copies = Object.entries(SNIPPETS).map(([name, make]) => {
    const button = el("button", { type: "button", class: "quiet", click: () => copyText(button, make(request)) }, name);
    return button;
  });
  return el(
    "div",
    { class: "tools" },
    text ? copyTool(text) : null,
    tool("again", again),
    el("span", { class: "group", role: "group", "data-t-label": "copyAs", "aria-label": t("copyAs") }, el("span", { "aria-hidden": "true", "data-t": "copyAs" }, t("copyAs")), copies),
  );
}

function copyTool(text) {
  const button = tool("copy", () => copyText(button, text));
  return button;
}

function tool(name, click) {
  return el("button", { type: "button", class: `quiet ${name}`, "data-t": name, click }, t(name));
}
