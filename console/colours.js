// The colours of code. A worker finds them, one piece of code after the other; it is loaded for the first one. Code that
// takes it too long stays as it is. Elements are made here, never markup.

import { el } from "./dom.js";
import { later } from "./later.js";

const MAX_CHARACTERS = 20_000;
const MOST_MS = 3000; // for one piece of code

const waiting = []; // {node, text, language}
let worker = null, current = null, isFree = false, timer = 0;

/** Colour the text of `node`, a piece of code, if its language is known. */
export function colour(node, language) {
  const text = node.textContent;
  if (!language || text.length > MAX_CHARACTERS) return;
  waiting.push({ node, text, language });
  if (worker) next();
  else start();
}

function start() {
  worker = new Worker("/console/colouring.js", { type: "module" });
  worker.addEventListener("message", ({ data }) => take(data));
  worker.addEventListener("error", stop); // the next code tries again
}

/** The worker is ready, or says what it has found. */
function take(parts) {
  clearTimeout(timer);
  const { node } = current ?? {};
  if (parts) later(() => node.replaceChildren(...elements(parts)));
  current = null;
  isFree = true;
  next();
}

function next() {
  if (!isFree || waiting.length === 0) return;
  isFree = false;
  current = waiting.shift();
  worker.postMessage({ text: current.text, language: current.language });
  timer = setTimeout(giveUp, MOST_MS);
}

function giveUp() {
  stop();
  if (waiting.length) start();
}

function stop() {
  clearTimeout(timer);
  worker.terminate();
  worker = current = null;
  isFree = false;
}

function elements(parts) {
  return parts.map((part) =>
    typeof part === "string" ? part : el("span", { class: `code-${part.scope}` }, elements(part.parts)),
  );
}
