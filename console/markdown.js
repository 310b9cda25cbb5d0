// Parses Markdown with markdown-it, and gives its tokens as a tree of plain objects. It does not use the DOM: HTML in the
// text stays text, and so do entities.
//
//   block   {type: "paragraph" | "heading" | "quote" | "list" | "code" | "table" | "rule" | "math", start, ...}
//   inline  string | {type: "strong" | "em" | "del" | "code" | "link" | "image" | "math" | "break", ...}

import MarkdownIt from "./vendor/markdown-it/markdown-it.esm.min.mjs";
import { addMaths } from "./mathmarks.js";

const MAX_NESTING = 24; // of tokens: a list in a list takes two

// Not in use: lines that are indented (models indent what is no code), headings by a line below (while an answer arrives,
// each list begins like one), and definitions of links (a block is parsed without those before it).
const parser = new MarkdownIt({ linkify: true, breaks: true, maxNesting: MAX_NESTING });
parser.disable(["code", "lheading", "reference", "entity"]);
parser.inline.ruler.before("html_inline", "line", lineBreak);
parser.inline.State = markedBesideChinese(parser.inline.State);
addMaths(parser);

const ADDRESS = /\/\/[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x5f\x61-\x7e]{1,4000}/y;
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
for (const other of ["ftp:", "//", "mailto:"]) parser.linkify.add(other, null);
for (const scheme of ["http:", "https:"]) parser.linkify.add(scheme, { validate: addressLength });

/** The blocks of a text; `start` is the offset of a block's first line in the text. */
export function parse(text) {
  const lines = [0];
  for (const end of text.matchAll(/\r\n?|\n/g)) lines.push(end.index + end[0].length);
  return new Reader(parser.parse(text, {})).blocks((token) => ({ start: lines[token.map[0]] }));
}

/** The inline parts of a paragraph. */
export function parseInline(text) {
  return inlineParts(parser.parseInline(text, {})[0].children);
}

/** Goes through markdown-it's flat list of tokens once. */
class Reader {
  #tokens;
  #at = 0;

  constructor(tokens) {
    this.#tokens = tokens;
  }

  /** The blocks up to the token that closes what holds them; `place` adds to each what it takes from its token. */
  blocks(place = () => ({})) {
    const found = [];
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next()) {
      found.push({ ...BLOCKS[token.type](token, this), ...place(token) });
    }
    return found;
  }

  /** The inline parts of a block that has nothing else. */
  line() {
    const { children } = this.#next();
    this.#next();
    return inlineParts(children);
  }

  /** What `read` gives for each token up to the one that closes what holds them. */
  each(read) {
    const found = [];
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next()) found.push(read(token));
    return found;
  }

  #next() {
    return this.#tokens[this.#at++];
  }
}

const BLOCKS = {
  paragraph_open: (_, reader) => ({ type: "paragraph", children: reader.line() }),
  heading_open: (token, reader) => ({ type: "heading", level: Number(token.tag[1]), children: reader.line() }),
  blockquote_open: (_, reader) => ({ type: "quote", children: reader.blocks() }),
  bullet_list_open: (_, reader) => ({ type: "list", ordered: false, from: 1, items: reader.each(() => reader.blocks()) }),
  ordered_list_open: (token, reader) => ({
    type: "list", ordered: true, from: Number(token.attrGet("start") ?? 1), items: reader.each(() => reader.blocks()),
  }),
  hr: () => ({ type: "rule" }),
  fence: fenced,
  math_block: (token) => ({ type: "math", text: token.content, source: token.info }),
  table_open: (_, reader) => {
    const row = () => reader.each(() => reader.line());
    const [[head], rows = []] = reader.each(() => reader.each(row));
    return { type: "table", head, rows };
  },
};

function fenced({ info, content, map }) {
  const text = content.replace(/\n$/, "");
  const lines = content === "" ? 0 : text.split("\n").length;
  return { type: "code", language: info.trim().split(/\s/)[0], text, closed: map[1] - map[0] === lines + 2 };
}

const MARKS = { strong_open: "strong", em_open: "em", s_open: "del" };

function inlineParts(tokens) {
  const levels = [[]], open = [];
  const add = (part) => levels.at(-1).push(part);
  for (const token of tokens) {
    if (token.nesting > 0) {
      open.push(token);
      levels.push([]);
    } else if (token.nesting < 0) {
      const children = levels.pop();
      add(marked(open.pop(), children));
    } else if (token.type === "text") {
      if (token.content) add(token.content);
    } else add(INLINES[token.type](token));
  }
  return levels[0];
}

function marked(token, children) {
  if (token.type !== "link_open") return { type: MARKS[token.type], children };
  return { type: "link", target: token.attrGet("href"), title: token.attrGet("title") ?? "", children };
}

const INLINES = {
  code_inline: (token) => ({ type: "code", text: token.content }),
  image: (token) => ({ type: "image", source: token.attrGet("src"), alt: token.content }),
  math_inline: (token) => ({ type: "math", text: token.content, source: token.info, display: token.meta.display }),
  softbreak: () => ({ type: "break" }),
  hardbreak: () => ({ type: "break" }),
};

/** `<br>` is the one element that models need, in cells of tables. */
function lineBreak(state, silent) {
  const found = /^<br\s{0,9}\/?>/i.exec(state.src.slice(state.pos, state.pos + 16));
  if (!found) return false;
  if (!silent) state.push("hardbreak", "br", 0);
  state.pos += found[0].length;
  return true;
}

/** The length of an address behind its `http:`, without what ends the sentence around it. Others than ASCII end it. */
function addressLength(text, at) {
  ADDRESS.lastIndex = at;
  const [found] = ADDRESS.exec(text) ?? [""];
  const address = found.replace(/[.,;:!?'*_~]+$/, "");
  return (address.endsWith(")") && !address.includes("(") ? address.replace(/\)+$/, "") : address).length;
}

const CHINESE = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\u3000-\u303f\uff00-\uffef]/u;

/** Chinese has no spaces by which CommonMark tells where `**` opens and closes: there it does either. */
function markedBesideChinese(State) {
  return class extends State {
    scanDelims(start, canSplitWord) {
      const found = super.scanDelims(start, canSplitWord);
      const before = this.src[start - 1] ?? " ", after = this.src[start + found.length] ?? " ";
      if (canSplitWord && (CHINESE.test(before) || CHINESE.test(after))) {
        found.can_open ||= !/\s/.test(after);
        found.can_close ||= !/\s/.test(before);
      }
      return found;
    }
  };
}
