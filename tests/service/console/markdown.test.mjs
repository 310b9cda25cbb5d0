// The parser alone: what becomes of text, good, broken and hostile, and of maths.

import assert from "node:assert/strict";
import { test } from "node:test";

import { parse, parseInline } from "../../../console/markdown.js";

const types = (text) => parse(text).map((block) => block.type);
const inline = (text) => parseInline(text);

/** All text of a tree, in order. */
function words(part) {
  if (typeof part === "string") return part;
  if (Array.isArray(part)) return part.map(words).join("");
  return words([part.type === "math" ? part.source : part.text, part.alt, part.children, part.items, part.head, part.rows].filter(Boolean));
}

test("blocks are told apart and know where they begin", () => {
  const text = "# Title\n\nText\nmore\n\n- one\n- two\n\n1. first\n\n> quoted\n\n```py\nx = 1\n```\n\n---\n\na | b\n--- | ---\n1 | 2\n";
  const blocks = parse(text);
  assert.deepEqual(types(text), ["heading", "paragraph", "list", "list", "quote", "code", "rule", "table"]);
  assert.ok(text.slice(blocks[5].start).startsWith("```py"));
  assert.equal(blocks[2].items.length, 2);
  assert.equal(blocks[3].ordered, true);
  assert.deepEqual(blocks[7].rows, [[["1"], ["2"]]]);
});

test("text cut at the start of any block gives the same blocks from there on", () => {
  const text = "One *two*\n\n- a\n  - b\n- c\n\n```\n# no heading\n```\nEnd\n\n> q\n\n| a |\n|---|\n| 1 |\n\nlast";
  const blocks = parse(text);
  for (const [index, { start }] of blocks.entries()) {
    const rest = parse(text.slice(start)).map((block) => ({ ...block, start: block.start + start }));
    assert.deepEqual(rest, blocks.slice(index));
  }
});

test("a fence that is still open is code already, and its content is left alone", () => {
  const [block] = parse("```html\n<script>alert(1)</script>\n**no**");
  assert.deepEqual(block, { type: "code", language: "html", text: "<script>alert(1)</script>\n**no**", closed: false, start: 0 });
});

test("a longer fence holds shorter ones", () => {
  const [block, after] = parse("````\n```\nx\n```\n````\nend");
  assert.equal(block.text, "```\nx\n```");
  assert.equal(after.type, "paragraph");
});

test("lists nest, and blank lines between items do not end them", () => {
  const [list] = parse("1. a\n\n   more\n2. b\n   - c");
  assert.equal(list.items.length, 2);
  assert.deepEqual(list.items[0].map((block) => block.type), ["paragraph", "paragraph"]);
  assert.deepEqual(list.items[1].map((block) => block.type), ["paragraph", "list"]);
});

test("emphasis, code and escapes", () => {
  assert.deepEqual(inline("**a _b_** `c*d*` \\*e\\*"), [
    { type: "strong", children: ["a ", { type: "em", children: ["b"] }] },
    " ", { type: "code", text: "c*d*" }, " *e*",
  ]);
  assert.deepEqual(inline("snake_case_name 2 * 3 * 4"), ["snake_case_name 2 * 3 * 4"]);
});

test("links, pictures and bare addresses", () => {
  assert.deepEqual(inline('[a](https://x.example/(1) "t")'), [{ type: "link", target: "https://x.example/(1)", title: "t", children: ["a"] }]);
  assert.deepEqual(inline("![cat](/images/x.png)"), [{ type: "image", source: "/images/x.png", alt: "cat" }]);
  assert.equal(inline("[![a](b)](https://x.example)")[0].children[0].type, "image");
  assert.equal(inline("see https://x.example/a, then")[1].target, "https://x.example/a");
  assert.equal(inline("看https://x.example/a。然后")[1].target, "https://x.example/a");
});

test("markup is text", () => {
  for (const text of ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!-- x -->", "&lt;b&gt;"]) {
    assert.equal(words(parse(text)), text);
  }
});

test("broken markdown loses no words", () => {
  for (const text of ["**open", "[open](", "![open", "`open", "a | b\nno table", "[x](javascript:alert(1", "~~", "***", "_"]) {
    for (const word of text.match(/\w+/g) ?? []) assert.ok(words(parse(text)).includes(word) || text.includes("]("), text);
  }
});

test("hostile repetition ends", { timeout: 20000 }, () => {
  const hostile = ["$", "$a ", "$$", "$$\na\n", "\\[", "\\[\na\n", "\\(", "a $x", "[", "![", "*", "**a ", "_a ", "`", "``` ", "> ", "- ", "[a](", "(", "[![a](b)", "|", "a|b\n-|-\n", "~~x ", "\\", "1. ", "<", "https://"];
  for (const piece of hostile) assert.ok(parse(piece.repeat(60_000 / piece.length)).length > 0, piece);
});

test("depth is bounded", () => {
  assert.ok(parse(">".repeat(30_000) + "x").length > 0);
  assert.ok(parse(Array.from({ length: 300 }, (_, depth) => " ".repeat(depth * 2) + "- x").join("\n")).length > 0);
});

test("maths is found by the marks that models write, and TeX is left as it is", () => {
  const math = (text, source, display) => ({ type: "math", text, source, display });
  assert.deepEqual(inline("a \\(x_1 * y_2\\) b"), ["a ", math("x_1 * y_2", "\\(x_1 * y_2\\)", false), " b"]);
  assert.deepEqual(inline("$a_1$, $b\\_c$"), [math("a_1", "$a_1$", false), ", ", math("b\\_c", "$b\\_c$", false)]);
  assert.deepEqual(inline("so $$x < y$$."), ["so ", math("x < y", "$$x < y$$", true), "."]);
  assert.deepEqual(inline("**\\[ a \\]**")[0].children, [math("a", "\\[ a \\]", true)]);
});

test("a formula of its own is a block, also after words, in a list and with lines that look like Markdown", () => {
  const tex = "\\begin{aligned}\n- a &= b \\\\\n= 1 | 2\n\\end{aligned}";
  for (const [open, close] of [["\\[", "\\]"], ["$$", "$$"]]) {
    const [words, block, after] = parse(`Then:\n${open}\n${tex}\n${close}\nso`);
    assert.deepEqual([words.type, block.type, after.type], ["paragraph", "math", "paragraph"]);
    assert.equal(block.text, tex);
    assert.equal(block.source, `${open}\n${tex}\n${close}`);
    assert.equal(parse(`- item\n  ${open}\n  x\n  ${close}`)[0].items[0][1].text, "x");
    assert.equal(parse(`${open} x ${close}`)[0].type, "math");
  }
});

test("money, code, escapes and marks that are never closed are no maths", () => {
  const texts = ["It costs $5 and $10.", "US$5 or A$6", "$5-$10", "a $ b $ c", "`$x$`", "\\$x\\$", "$$\na\n\nb", "\\[ a", "$x\ny$", "\\( a", "$20k$30"];
  for (const text of texts) assert.ok(!JSON.stringify(parse(text)).includes('"math"'), text);
});

test("bold beside Chinese is bold, though no spaces stand around it", () => {
  assert.equal(inline("这是**“重点”：**后面")[1].type, "strong");
  assert.equal(inline("**绿茶（龙井）**很好")[0].type, "strong");
  assert.deepEqual(inline("2 ** 3 ** 4"), ["2 ** 3 ** 4"]);
});

test("a line in a cell is broken by the one element that models write", () => {
  assert.deepEqual(inline("a<br>b<BR />c"), ["a", { type: "break" }, "b", { type: "break" }, "c"]);
});
