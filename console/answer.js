// One answer, drawn while it arrives. Text is drawn at most once per frame, and only from the last unfinished
// block on. Text beyond SHOWN_CHARACTERS is drawn when the user clicks a button, so that the page stays fast.

import { el } from "./dom.js";
import { number, t } from "./i18n.js";
import { parse } from "./markdown.js";
import { renderBlock } from "./render.js";

export const SHOWN_CHARACTERS = 60_000;

export class AnswerView {
  #shown = "";
  #rest = [];
  #restLength = 0;
  #limit = SHOWN_CHARACTERS;
  #doneCharacters = 0; // of #shown, in blocks that are complete
  #openNodes = []; // of the last block, which may still change
  #frame = 0;
  #pictures = new Map();
  #onBlock;

  /** `onBlock` is called with the text of each block that is complete. */
  constructor(onBlock) {
    this.#onBlock = onBlock;
    this.prose = el("div", { class: "prose" });
    this.more = el("button", { type: "button", class: "more", hidden: "", click: () => this.#showMore() });
    this.node = el("div", {}, this.prose, this.more);
  }

  /** Add text to the answer; it appears with the next frame. */
  append(text) {
    const fits = Math.max(0, this.#limit - this.#shown.length);
    this.#shown += text.slice(0, fits);
    if (text.length > fits) {
      this.#rest.push(text.slice(fits));
      this.#restLength += text.length - fits;
    }
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** The answer is complete. */
  finish() {
    cancelAnimationFrame(this.#frame);
    this.#draw();
    for (const node of this.#openNodes) this.#onBlock(node.textContent);
  }

  #draw() {
    this.#frame = 0;
    const blocks = parse(this.#shown.slice(this.#doneCharacters));
    const nodes = blocks.map((block) => renderBlock(block, this.#pictures));
    for (const node of this.#openNodes) node.remove();
    this.prose.append(...nodes);
    for (const node of nodes.slice(0, -1)) this.#onBlock(node.textContent);
    this.#openNodes = nodes.slice(-1);
    this.#doneCharacters += blocks.at(-1)?.start ?? 0;
    this.more.hidden = this.#restLength === 0;
    if (this.#restLength) this.more.textContent = t("more", { count: number(this.#restLength) });
  }

  #showMore() {
    const rest = this.#rest.join("");
    this.#rest = [];
    this.#restLength = 0;
    this.#limit += SHOWN_CHARACTERS;
    this.append(rest);
  }
}
