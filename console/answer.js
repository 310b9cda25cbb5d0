// One answer as it grows. Text is drawn once per frame, from the last open block on; what is long waits
// behind a button, so that no answer is too long for the page.

import { el } from "./dom.js";
import { number, t } from "./i18n.js";
import { parse } from "./markdown.js";
import { renderBlock } from "./render.js";

export const SHOWN_CHARACTERS = 60_000;

export class AnswerView {
  #shown = "";
  #rest = [];
  #restLength = 0;
  #room = SHOWN_CHARACTERS;
  #settled = 0;
  #open = [];
  #frame = 0;
  #pictures = new Map();
  #onSettled;

  /** `onSettled` is told the text of each block that will not change any more. */
  constructor(onSettled) {
    this.#onSettled = onSettled;
    this.prose = el("div", { class: "prose" });
    this.more = el("button", { type: "button", class: "more", hidden: "", click: () => this.#showMore() });
    this.node = el("div", {}, this.prose, this.more);
  }

  append(text) {
    const fits = Math.max(0, this.#room - this.#shown.length);
    this.#shown += text.slice(0, fits);
    if (text.length > fits) {
      this.#rest.push(text.slice(fits));
      this.#restLength += text.length - fits;
    }
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** Nothing more will come. */
  finish() {
    cancelAnimationFrame(this.#frame);
    this.#draw();
    for (const node of this.#open) this.#onSettled(node.textContent);
  }

  #draw() {
    this.#frame = 0;
    const blocks = parse(this.#shown.slice(this.#settled));
    const nodes = blocks.map((block) => renderBlock(block, this.#pictures));
    for (const node of this.#open) node.remove();
    this.prose.append(...nodes);
    for (const node of nodes.slice(0, -1)) this.#onSettled(node.textContent);
    this.#open = nodes.slice(-1);
    this.#settled += blocks.at(-1)?.start ?? 0;
    this.more.hidden = this.#restLength === 0;
    if (this.#restLength) this.more.textContent = t("more", { count: number(this.#restLength) });
  }

  #showMore() {
    const rest = this.#rest.join("");
    this.#rest = [];
    this.#restLength = 0;
    this.#room += SHOWN_CHARACTERS;
    this.append(rest);
  }
}
