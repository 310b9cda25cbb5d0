// Where maths stands in Markdown: rules for markdown-it, for the marks that models write. What is found is left as it is,
// since TeX has its own meaning of backslashes and underscores.
//
//   in a line    \(...\)   $...$   and as a formula of its own \[...\]   $$...$$
//   as a block   \[...\]   $$...$$   from the beginning of a line to the end of one

const MAX_CHARACTERS = 4000;
const MAX_LINES = 100;
const DISPLAYED = [["$$", "$$"], ["\\[", "\\]"]];
const MARKS = [...DISPLAYED, ["\\(", "\\)"]];

/** Have a markdown-it find maths: tokens `math_block` and `math_inline` with TeX as `content` and all of it as `info`. */
export function addMaths(parser) {
  parser.block.ruler.before("table", "math_block", block, { alt: ["paragraph", "blockquote", "list"] });
  parser.inline.ruler.before("escape", "math_inline", inline);
}

/** A blank line ends it: TeX has none there, and a mark that is never closed must not take the rest of an answer. */
function block(state, startLine, endLine, silent) {
  const begin = state.bMarks[startLine] + state.tShift[startLine];
  const marks = DISPLAYED.find(([open]) => state.src.startsWith(open, begin));
  if (!marks) return false;
  const last = Math.min(endLine, startLine + MAX_LINES);
  for (let line = startLine, size = 0; line < last && !state.isEmpty(line) && size < MAX_CHARACTERS; line++) {
    const from = line === startLine ? begin + 2 : state.bMarks[line] + state.tShift[line];
    if (line > startLine && state.sCount[line] < state.blkIndent) return false;
    size += state.eMarks[line] - from;
    const text = state.src.slice(from, state.eMarks[line]).trimEnd();
    const closes = text.indexOf(marks[1]);
    if (closes < 0) continue;
    if (closes + 2 < text.length) return false; // words follow: it stands in a line
    if (silent) return true;
    const source = state.getLines(startLine, line + 1, state.blkIndent, false).trim();
    state.line = line + 1;
    Object.assign(state.push("math_block", "", 0), { content: source.slice(2, -2).trim(), info: source, map: [startLine, line + 1] });
    return true;
  }
  return false;
}

function inline(state, silent) {
  const { src, pos, posMax } = state;
  if (src[pos] !== "\\" && src[pos] !== "$") return false;
  const marks = MARKS.find(([open]) => src.startsWith(open, pos));
  const end = marks ? closing(state, marks[1]) : dollar(src, pos);
  if (end < 0 || end > posMax) return false;
  if (!silent) {
    const size = marks ? 2 : 1, info = src.slice(pos, end);
    const meta = { display: marks !== undefined && DISPLAYED.includes(marks) };
    Object.assign(state.push("math_inline", "", 0), { content: info.slice(size, -size).trim(), info, meta });
  }
  state.pos = end;
  return true;
}

const searched = new WeakMap(); // by the state of a line: of each closing mark, from where it was looked for and where it is

/** The end of the next closing mark, -1 if there is none within MAX_CHARACTERS. A line is searched once, not at each mark. */
function closing(state, close) {
  const from = state.pos + 3, known = searched.get(state) ?? {};
  searched.set(state, known);
  if (!(known[close]?.from <= from && from <= known[close].at)) {
    const at = state.src.indexOf(close, from);
    known[close] = { from, at: at < 0 ? Infinity : at };
  }
  return known[close].at - from <= MAX_CHARACTERS ? known[close].at + 2 : -1;
}

/** Dollars are money too: maths touches both of its dollars, no letter or digit stands outside of them. */
function dollar(src, pos) {
  if (src[pos] !== "$" || /\w/.test(src[pos - 1] ?? "")) return -1;
  const found = /^\$(?=[^\s$])(?:[^$\\\n]|\\[^\n])*?(?<!\s)\$(?!\w)/.exec(src.slice(pos, pos + MAX_CHARACTERS));
  return found ? pos + found[0].length : -1;
}
