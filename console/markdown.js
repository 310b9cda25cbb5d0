// Parses Markdown into a tree of plain objects. It does not use the DOM, and HTML in the text stays text.
// Every search has a limit, so that malformed Markdown does not cost more time than well-formed one.
//
//   block   {type: "paragraph" | "heading" | "quote" | "list" | "code" | "table" | "rule", start, ...}
//   inline  string | {type: "strong" | "em" | "del" | "code" | "link" | "image" | "break", ...}

const MAX_DEPTH = 8;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`\s]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:[ \t]+|$)/;
const TABLE_RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/** The blocks of a text; `start` is the offset of a block's first line in the text. */
export function parse(text) {
  return parseLines(text.split("\n"), 0);
}

function parseLines(lines, depth) {
  const blocks = [];
  let at = 0, offset = 0;
  while (at < lines.length) {
    const begin = offset;
    const [block, used] = parseBlock(lines, at, depth);
    for (const end = at + used; at < end; at++) offset += lines[at].length + 1;
    if (block) blocks.push({ ...block, start: begin });
  }
  return blocks;
}

function parseBlock(lines, at, depth) {
  const line = lines[at];
  if (!line.trim()) return [null, 1];
  let match;
  if ((match = FENCE.exec(line))) return fenced(lines, at, match);
  if ((match = HEADING.exec(line))) {
    return [{ type: "heading", level: match[1].length, children: parseInline(match[2]) }, 1];
  }
  if (RULE.test(line)) return [{ type: "rule" }, 1];
  if (depth < MAX_DEPTH && QUOTE.test(line)) return quote(lines, at, depth);
  if (depth < MAX_DEPTH && ITEM.test(line)) return list(lines, at, depth);
  if (line.includes("|") && TABLE_RULE.test(lines[at + 1] ?? "") && lines[at + 1].includes("-")) return table(lines, at);
  return paragraph(lines, at, depth);
}

function fenced(lines, at, [, fence, language]) {
  const body = [];
  let end = at + 1;
  for (; end < lines.length; end++) {
    const line = lines[end].trim();
    if (line.length >= fence.length && line === fence[0].repeat(line.length)) break;
    body.push(lines[end]);
  }
  const closed = end < lines.length;
  return [{ type: "code", language, text: body.join("\n"), closed }, end - at + (closed ? 1 : 0)];
}

function quote(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end++;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [{ type: "quote", children: parseLines(inner, depth + 1) }, end - at];
}

function list(lines, at, depth) {
  const first = ITEM.exec(lines[at]);
  const ordered = first[2].length > 1;
  const items = [];
  let end = at;
  while (end < lines.length) {
    const match = ITEM.exec(lines[end]);
    if (!match || match[2].length > 1 !== ordered || RULE.test(lines[end])) break;
    const width = match[0].length, inner = [lines[end].slice(width)];
    for (end++; end < lines.length; end++) {
      const indent = /^ */.exec(lines[end])[0].length;
      if (!lines[end].trim()) {
        const next = lines[end + 1] ?? "";
        if (!next.trim() || !/^ {2,}/.test(next)) break;
        inner.push("");
      } else if (indent >= 2) inner.push(lines[end].slice(Math.min(indent, width)));
      else break;
    }
    items.push(parseLines(inner, depth + 1));
    if (end < lines.length && !lines[end].trim() && ITEM.test(lines[end + 1] ?? "")) end++;
  }
  return [{ type: "list", ordered, from: ordered ? parseInt(first[2], 10) : 1, items }, end - at];
}

function table(lines, at) {
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end++;
  const rows = lines.slice(at + 2, end).map(cells);
  return [{ type: "table", head: cells(lines[at]), rows }, end - at];
}

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => parseInline(cell.trim().replaceAll("\\|", "|")));
}

function paragraph(lines, at, depth) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !interrupts(lines[end], depth)) end++;
  return [{ type: "paragraph", children: parseInline(lines.slice(at, end).join("\n").trim()) }, end - at];
}

function interrupts(line, depth) {
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || (depth < MAX_DEPTH && (QUOTE.test(line) || ITEM.test(line)));
}

const SPECIAL = /[\\`*_~![\n<]|https?:\/\//g;
const LABEL = /\[([^[\]]{0,1000})\]/y;
const TARGET = /\(\s*(?:<([^<>\n]{0,8000})>|([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*))(?:\s+(?:"([^"]{0,1000})"|'([^']{0,1000})'))?\s*\)/y;
const ADDRESS = /https?:\/\/[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x5f\x61-\x7e]{1,4000}/y;
const DELIMITERS = [["**", "strong"], ["__", "strong"], ["~~", "del"], ["*", "em"], ["_", "em"]];

/** The inline parts of a paragraph. */
export function parseInline(text, depth = 0) {
  const parts = [], missing = new Set();
  let plain = 0, at = 0;
  const emit = (from, to, part) => {
    if (from > plain) parts.push(text.slice(plain, from));
    if (part !== null) parts.push(part);
    plain = at = to;
  };
  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const match = SPECIAL.exec(text);
    if (!match) break;
    at = match.index;
    const [part, end] = inlineAt(text, at, depth, missing);
    if (end > at) emit(at, end, part);
    else at += 1;
  }
  emit(text.length, text.length, null);
  return parts;
}

/** The part that begins at `at` and its end; the end is `at` where nothing begins. */
function inlineAt(text, at, depth, missing) {
  const char = text[at];
  if (char === "\n") return [{ type: "break" }, at + 1];
  if (char === "\\") return /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "") ? [text[at + 1], at + 2] : [null, at];
  if (char === "`") return codeSpan(text, at, missing);
  if (char === "!" || char === "[") return linkAt(text, at, depth);
  if (char === "<") return bracketed(text, at);
  if (char === "h") return address(text, at);
  return depth < MAX_DEPTH ? emphasis(text, at, depth, missing) : [null, at];
}

function codeSpan(text, at, missing) {
  const ticks = /^`+/.exec(text.slice(at, at + 20))[0];
  if (missing.has(ticks)) return [null, at];
  const end = text.indexOf(ticks, at + ticks.length);
  if (end < 0) {
    missing.add(ticks);
    return [null, at];
  }
  return [{ type: "code", text: text.slice(at + ticks.length, end).replace(/^ (.*) $/, "$1") }, end + ticks.length];
}

function linkAt(text, at, depth) {
  const image = text[at] === "!";
  if (!image && text.startsWith("![", at + 1) && depth < MAX_DEPTH) {
    const [picture, end] = linkAt(text, at + 1, depth + 1); // [![picture](…)](target)
    const target = picture && text[end] === "]" ? sticky(TARGET, text, end + 1) : null;
    return target ? [link(target, [picture]), end + 1 + target[0].length] : [null, at];
  }
  const label = sticky(LABEL, text, at + (image ? 1 : 0));
  if (!label) return [null, at];
  const from = at + (image ? 1 : 0) + label[0].length;
  const target = sticky(TARGET, text, from);
  if (!target) return [null, at];
  const end = from + target[0].length;
  if (image) return [{ type: "image", source: target[1] ?? target[2], alt: label[1] }, end];
  return depth < MAX_DEPTH ? [link(target, parseInline(label[1], MAX_DEPTH - 2)), end] : [null, at];
}

function link(target, children) {
  return { type: "link", target: target[1] ?? target[2], title: target[3] ?? target[4] ?? "", children };
}

function bracketed(text, at) {
  const line = /^<br\s*\/?>/i.exec(text.slice(at, at + 8));
  if (line) return [{ type: "break" }, at + line[0].length];
  const [found, end] = address(text, at + 1);
  return found && text[end] === ">" ? [found, end + 1] : [null, at];
}

function address(text, at) {
  const match = sticky(ADDRESS, text, at);
  if (!match) return [null, at];
  let target = match[0].replace(/[.,;:!?'*_~]+$/, "");
  if (target.endsWith(")") && !target.includes("(")) target = target.replace(/\)+$/, "");
  return [{ type: "link", target, title: "", children: [target] }, at + target.length];
}

function emphasis(text, at, depth, missing) {
  for (const [mark, type] of DELIMITERS) {
    if (!text.startsWith(mark, at) || missing.has(mark)) continue;
    const from = at + mark.length;
    if (/\s/.test(text[from] ?? " ") || (mark[0] === "_" && /\w/.test(text[at - 1] ?? ""))) continue;
    const end = closing(text, from, mark);
    if (end < 0) missing.add(mark);
    else if (end > from) return [{ type, children: parseInline(text.slice(from, end), depth + 1) }, end + mark.length];
  }
  return [null, at];
}

function closing(text, from, mark) {
  for (let end = text.indexOf(mark, from + 1); end >= 0; end = text.indexOf(mark, end + mark.length)) {
    if (mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark)) {
      while (text[end + 1] === mark) end++;
      continue;
    }
    const free = mark[0] !== "_" || !/\w/.test(text[end + mark.length] ?? "");
    if (free && !/\s/.test(text[end - 1])) return end;
  }
  return -1;
}

function sticky(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
