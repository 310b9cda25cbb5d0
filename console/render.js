// The tree of markdown.js as DOM nodes. Addresses are checked here: only http, https and mailto become links,
// and pictures of other hosts are fetched only when the user clicks.

import { el } from "./dom.js";
import { t } from "./i18n.js";

const LINKED = ["http:", "https:", "mailto:"];
const PICTURE_DATA = /^data:image\/(?:png|jpeg|gif|webp);base64,/;

/** A block as an element. `pictures` maps addresses to images, so that a picture drawn again is not loaded again. */
export function renderBlock(block, pictures = new Map()) {
  return BLOCKS[block.type](block, pictures);
}

const BLOCKS = {
  paragraph: (block, pictures) => el("p", {}, inline(block.children, pictures)),
  // The page's own headings are h1 and h2.
  heading: (block, pictures) => el(`h${Math.min(block.level + 2, 6)}`, {}, inline(block.children, pictures)),
  rule: () => el("hr"),
  code: codeBlock,
  quote: (block, pictures) => el("blockquote", {}, nested(block.children, pictures)),
  list: (block, pictures) => {
    const items = block.items.map((item) => el("li", {}, listItem(item, pictures)));
    return el(block.ordered ? "ol" : "ul", block.ordered ? { start: block.from } : {}, items);
  },
  table: (block, pictures) => {
    const row = (cells, name) => el("tr", {}, cells.map((cell) => el(name, {}, inline(cell, pictures))));
    const body = block.rows.map((cells) => row(cells, "td"));
    return el("table", { tabindex: 0 }, el("thead", {}, row(block.head, "th")), el("tbody", {}, body));
  },
};

const INLINES = {
  strong: (part, pictures) => el("strong", {}, inline(part.children, pictures)),
  em: (part, pictures) => el("em", {}, inline(part.children, pictures)),
  del: (part, pictures) => el("del", {}, inline(part.children, pictures)),
  code: (part) => el("code", {}, part.text),
  break: () => el("br"),
  link,
  image: (part, pictures) => picture(part.source, part.alt, pictures),
};

function inline(parts, pictures) {
  return parts.map((part) => (typeof part === "string" ? part : INLINES[part.type](part, pictures)));
}

function nested(blocks, pictures) {
  return blocks.map((block) => renderBlock(block, pictures));
}

/** A lone paragraph in an item needs no element of its own. */
function listItem(blocks, pictures) {
  const [first, ...rest] = blocks;
  if (first?.type !== "paragraph") return nested(blocks, pictures);
  return [...inline(first.children, pictures), ...nested(rest, pictures)];
}

function link(part, pictures) {
  const url = address(part.target);
  const children = inline(part.children, pictures);
  if (!url || !LINKED.includes(url.protocol)) return el("span", {}, children);
  const attributes = { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" };
  return el("a", { ...attributes, title: part.title || null }, children);
}

function picture(source, alt, pictures) {
  const url = address(source);
  const data = PICTURE_DATA.test(source);
  if (!url || !(data || url.protocol === "http:" || url.protocol === "https:")) return alt;
  if (!data && url.origin !== location.origin) return foreignPicture(url, alt, pictures);
  return image(url.href, alt, pictures);
}

function image(source, alt, pictures) {
  const known = pictures.get(source);
  // The same picture can appear twice in what is being drawn: it then needs a second element.
  if (known && (known.isConnected || !known.parentNode)) return known;
  const attributes = { src: source, alt: alt || t("picture"), loading: "lazy", decoding: "async" };
  const made = el("img", { ...attributes, referrerpolicy: "no-referrer" });
  pictures.set(source, made);
  return made;
}

/** A button in place of the picture: fetching it would tell its host that the answer was read. */
function foreignPicture(url, alt, pictures) {
  if (pictures.has(url.href)) return image(url.href, alt, pictures);
  const show = (event) => event.currentTarget.replaceWith(image(url.href, alt, pictures));
  const label = [alt, t("showPicture", { host: url.host })].filter(Boolean).join(" · ");
  return el("button", { type: "button", class: "foreign", click: show }, label);
}

function codeBlock(block) {
  const language = block.language.slice(0, 40);
  const code = el("code", {}, block.text);
  const button = el("button", { type: "button", class: "quiet", "data-t": "copy", click: () => copy(button, code) }, t("copy"));
  const label = `${t("code")} ${language}`.trim();
  const pre = el("pre", { tabindex: 0, role: "group", "aria-label": label }, code);
  return el("figure", { class: "code" }, el("figcaption", {}, el("span", {}, language || t("output")), button), pre);
}

async function copy(button, code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    // Without https there is no clipboard API; the old command copies the selection.
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
  }
  button.textContent = t("copied");
  setTimeout(() => (button.textContent = t("copy")), 1500);
}

function address(text) {
  try {
    return new URL(text, location.href);
  } catch {
    return null;
  }
}
