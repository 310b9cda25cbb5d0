// A worker of its own that reads code with highlight.js: a long line can take it seconds, in which the page stays alive.
//
// It posts null when it is ready. For each message `{text, language}` it posts the code as a list of texts and of
// `{scope, parts}`, or null where it does not know the language.

import library from "./vendor/highlight/highlight.min.js";

/** What highlight.js calls while it reads; it would make markup by itself. */
class Parts {
  #open = [[]];

  addText(text) {
    this.#open.at(-1).push(text);
  }

  openNode(scope) {
    const parts = [];
    this.#open.at(-1).push({ scope: scope.split(".")[0], parts });
    this.#open.push(parts);
  }

  closeNode() {
    if (this.#open.length > 1) this.#open.pop();
  }

  startScope(scope) {
    this.openNode(scope);
  }

  endScope() {
    this.closeNode();
  }

  __addSublanguage(inner) {
    this.#open.at(-1).push(...inner.toHTML());
  }

  finalize() {}

  toHTML() {
    return this.#open[0];
  }
}

function read({ text, language }) {
  if (!library.getLanguage(language)) return null;
  const { value, errorRaised } = library.highlight(text, { language, ignoreIllegals: true });
  return errorRaised ? null : value;
}

library.configure({ __emitter: Parts });
addEventListener("message", ({ data }) => postMessage(read(data)));
postMessage(null);
