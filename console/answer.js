// One answer, drawn while it arrives. Text is drawn at most once per frame, and only from the last unfinished
// block on; a block that takes long is drawn less often. Text beyond SHOWN_CHARACTERS is drawn when the user
// clicks a button, so that the page stays fast.

import { el } from "./dom.js";
import { number, t } from "./i18n.js";
import { parse } from "./markdown.js";
import { wordsOf } from "./maths.js";
import { Kept, renderBlock } from "./render.js";

const SHOWN_CHARACTERS = 60_000;
const SHARE = 5; // drawing takes one part of so many of the time

export class AnswerView {
  #shown = "";
  #rest = [];
  #restLength = 0;
  #limit = SHOWN_CHARACTERS;
  #doneCharacters = 0; // of #shown, in blocks that are complete
  #openNodes = []; // of the last block, which may still change
  #frame = 0;
  #restUntil = 0;
  #kept = new Kept(); // of the last block
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
    this.#frame ||= requestAnimationFrame(() => this.#drawInTime());
  }

  /** The answer is complete. */
  finish() {
    cancelAnimationFrame(this.#frame);
    this.#draw();
    for (const node of this.#openNodes) this.#onBlock(wordsOf(node));
  }

  #drawInTime() {
    const now = performance.now();
    if (now < this.#restUntil) {
      this.#frame = requestAnimationFrame(() => this.#drawInTime());
      return;
    }
    this.#draw();
    this.prose.getBoundingClientRect(); // have the browser lay it out now, which is a part of the time that it takes
    const end = performance.now();
    this.#restUntil = end + SHARE * (end - now);
  }

  #draw() {
    this.#frame = 0;
    const blocks = parse(this.#shown.slice(this.#doneCharacters));
    const nodes = blocks.map((block, index) => {
      this.#kept = new Kept(index === 0 ? this.#kept : null);
      return renderBlock(block, this.#kept);
    });
    for (const node of this.#openNodes) node.remove();
    this.prose.append(...nodes);
    for (const node of nodes.slice(0, -1)) this.#onBlock(wordsOf(node));
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
