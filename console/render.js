// The tree of markdown.js as DOM nodes. Addresses are checked here: only http, https and mailto become links,
// and pictures of other hosts are fetched only when the user clicks.

import { codeFigure } from "./code.js";
import { colour } from "./colours.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";
import { formula } from "./maths.js";

const LINKED = ["http:", "https:", "mailto:"];
const PICTURE_DATA = /^data:image\/(?:png|jpeg|gif|webp);base64,/;

/**
 * What takes long to make: pictures, formulas, colours. A block that is drawn again, while it still grows, takes them from
 * `before`, which was given when it was drawn last.
 */
export class Kept {
  #before;
  #made = new Map();

  constructor(before = null) {
    this.#before = before ? before.#made : new Map();
  }

  /** Whether the block had what `name` stands for when it was drawn last. */
  has(name) {
    return Boolean(this.#before.get(name)?.length);
  }

  /** The element that `name` stands for, which `make` makes if there is none left of it. */
  once(name, make) {
    const node = this.#before.get(name)?.shift() ?? make();
    const same = this.#made.get(name);
    if (same) same.push(node);
    else this.#made.set(name, [node]);
    return node;
  }
}

/** A block as an element. */
export function renderBlock(block, kept) {
  return BLOCKS[block.type](block, kept);
}

const BLOCKS = {
  paragraph: (block, kept) => el("p", {}, inline(block.children, kept)),
  // The page's own headings are h1 and h2.
  heading: (block, kept) => el(`h${Math.min(block.level + 2, 6)}`, {}, inline(block.children, kept)),
  rule: () => el("hr"),
  code: codeBlock,
  math: (block, kept) => el("p", {}, maths(block.text, block.source, true, kept)),
  quote: (block, kept) => el("blockquote", {}, nested(block.children, kept)),
  list: (block, kept) => {
    const items = block.items.map((item) => el("li", {}, listItem(item, kept)));
    return el(block.ordered ? "ol" : "ul", block.ordered ? { start: block.from } : {}, items);
  },
  table: (block, kept) => {
    const row = (cells, name) => el("tr", {}, cells.map((cell) => el(name, {}, inline(cell, kept))));
    const body = block.rows.map((cells) => row(cells, "td"));
    return el("table", { tabindex: 0 }, el("thead", {}, row(block.head, "th")), el("tbody", {}, body));
  },
};

const INLINES = {
  strong: (part, kept) => el("strong", {}, inline(part.children, kept)),
  em: (part, kept) => el("em", {}, inline(part.children, kept)),
  del: (part, kept) => el("del", {}, inline(part.children, kept)),
  code: (part) => el("code", {}, part.text),
  break: () => el("br"),
  link,
  image: (part, kept) => picture(part.source, part.alt, kept),
  math: (part, kept) => maths(part.text, part.source, part.display, kept),
};

function inline(parts, kept) {
  return parts.map((part) => (typeof part === "string" ? part : INLINES[part.type](part, kept)));
}

function nested(blocks, kept) {
  return blocks.map((block) => renderBlock(block, kept));
}

/** A lone paragraph in an item needs no element of its own. */
function listItem(blocks, kept) {
  const [first, ...rest] = blocks;
  if (first?.type !== "paragraph") return nested(blocks, kept);
  return [...inline(first.children, kept), ...nested(rest, kept)];
}

function link(part, kept) {
  const url = address(part.target);
  const children = inline(part.children, kept);
  if (!url || !LINKED.includes(url.protocol)) return el("span", {}, children);
  const attributes = { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" };
  return el("a", { ...attributes, title: part.title || null }, children);
}

function picture(source, alt, kept) {
  const url = address(source);
  const data = PICTURE_DATA.test(source);
  if (!url || !(data || url.protocol === "http:" || url.protocol === "https:")) return alt;
  if (!data && url.origin !== location.origin) return foreignPicture(url, alt, kept);
  return image(url.href, alt, kept);
}

function image(source, alt, kept) {
  return kept.once(source, () => {
    const attributes = { src: source, alt: alt || t("picture"), loading: "lazy", decoding: "async" };
    return el("img", { ...attributes, referrerpolicy: "no-referrer" });
  });
}

function maths(text, source, display, kept) {
  return kept.once(`${display}${source}`, () => formula(text, source, display));
}

/** A button in place of the picture: fetching it would tell its host that the answer was read. */
function foreignPicture(url, alt, kept) {
  if (kept.has(url.href)) return image(url.href, alt, kept);
  const show = (event) => event.currentTarget.replaceWith(image(url.href, alt, kept));
  const label = [alt, t("showPicture", { host: url.host })].filter(Boolean).join(" · ");
  return el("button", { type: "button", class: "foreign", click: show }, label);
}

/** Code gets its colours once it is whole. Diagrams, such as mermaid, stay code. */
function codeBlock({ language, text, closed }, kept) {
  const name = language.slice(0, 40);
  if (!closed) return codeFigure(name, text);
  return kept.once(`${language}\n${text}`, () => {
    const made = codeFigure(name, text);
    colour(made.querySelector("code"), language);
    return made;
  });
}

function address(text) {
  try {
    return new URL(text, location.href);
  } catch {
    return null;
  }
}
