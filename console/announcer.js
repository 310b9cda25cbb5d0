// Tells screen readers about new text, in whole blocks and with pauses, so that they can keep up.

import { byId } from "./dom.js";

const PAUSE_MS = 3000;
const MAX_CHARACTERS = 600;

let waiting = [], timer = 0;

/** Have `text` read aloud within PAUSE_MS; with `now`, at once, and texts that still wait are dropped. */
export function announce(text, { now = false } = {}) {
  if (now) waiting = [];
  waiting.push(text);
  if (now) speak();
  else timer ||= setTimeout(speak, PAUSE_MS);
}

function speak() {
  clearTimeout(timer);
  timer = 0;
  if (waiting.length === 0) return;
  byId("announcer").textContent = waiting.join(" ").slice(0, MAX_CHARACTERS);
  waiting = [];
}
