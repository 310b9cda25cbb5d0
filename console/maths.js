// Formulas, drawn by KaTeX, which is loaded when the first one is to be drawn. Until then, and where TeX is not understood,
// they are shown as they were written.

import { el } from "./dom.js";
import { later } from "./later.js";

const FOLDER = "/console/vendor/katex/";
const MAX_CHARACTERS = 4000;
const MAX_HEIGHT = 30; // of a formula in a line, above and below it, in em; others can be scrolled

// A command of its own, expanded a few times, makes a formula as long as a book; those that define one mean nothing here.
const DEFINING = ["def", "gdef", "edef", "xdef", "newcommand", "renewcommand", "providecommand"];
const MACROS = Object.fromEntries(DEFINING.map((name) => [`\\${name}`, "\\undefined"]));

// Nothing of a formula leads out of it: no links, no pictures, no attributes; and it stays within a size and a time.
const OPTIONS = { throwOnError: true, trust: false, strict: "ignore", maxSize: 30, maxExpand: 200, macros: MACROS };

let loading = null;

/** TeX as an element; `source` is how it was written, with its marks, and `display` has it in a line of its own. */
export function formula(text, source, display) {
  const node = el("span", { class: display ? "math display" : "math", "data-source": source, tabindex: display ? 0 : null }, source);
  if (text.length <= MAX_CHARACTERS) later(() => draw(node, text, display));
  return node;
}

/** What an element says, with formulas as they were written. */
export function wordsOf(node) {
  const copy = node.cloneNode(true);
  for (const formula of copy.querySelectorAll(".math")) formula.textContent = formula.dataset.source;
  return copy.textContent;
}

async function draw(node, text, displayMode) {
  loading ??= load();
  try {
    const katex = await loading;
    later(() => fill(node, katex, text, displayMode));
  } catch {
    loading = null; // the next formula tries again
  }
}

function fill(node, katex, text, displayMode) {
  if (!node.isConnected) return; // its block was drawn again, without it
  try {
    const tree = katex.__renderToDomTree(text, { ...OPTIONS, displayMode });
    if (displayMode || !isTall(tree)) node.replaceChildren(element(tree));
  } catch {
    // It is no TeX that KaTeX knows, or too much of it: what was written stays.
  }
}

const isTall = (tree) =>
  tree.children.at(-1).children.some(({ height, depth }) => Math.max(Math.abs(height), Math.abs(depth)) > MAX_HEIGHT);

/** A style attribute is forbidden by the page's policy: KaTeX has one where a drawing is as wide as it says, set here. */
function element(tree) {
  markStyles(tree);
  const made = tree.toNode();
  for (const drawing of made.querySelectorAll("svg[data-own-width]")) drawing.style.width = drawing.getAttribute("width");
  return made;
}

function markStyles(tree) {
  if (tree.attributes?.style) {
    delete tree.attributes.style;
    tree.attributes["data-own-width"] = "";
  }
  tree.children?.forEach(markStyles);
}

async function load() {
  const sheet = el("link", { rel: "stylesheet", href: `${FOLDER}katex.min.css` });
  const styled = new Promise((resolve, reject) => {
    sheet.onload = resolve;
    sheet.onerror = () => {
      sheet.remove();
      reject(new Error("The style sheet of formulas cannot be loaded."));
    };
  });
  document.head.append(sheet);
  await Promise.all([styled, import(`${FOLDER}katex.min.js`)]);
  return globalThis.katex;
}
