// The colours of code, by highlight.js, which is loaded for the first code of a language that it knows. It makes elements
// here, never markup.

import { later } from "./later.js";

const MAX_CHARACTERS = 20_000;

let loading = null;

/** Colour the text of `node`, a piece of code, if its language is known. */
export function colour(node, language) {
  const text = node.textContent;
  if (!language || text.length > MAX_CHARACTERS) return;
  later(async () => {
    loading ??= import("./vendor/highlight/highlight.min.js").then(prepared);
    try {
      const library = await loading;
      if (library.getLanguage(language)) later(() => fill(node, library, text, language));
    } catch {
      loading = null; // the next code tries again
    }
  });
}

function fill(node, library, text, language) {
  const { value, errorRaised } = library.highlight(text, { language, ignoreIllegals: true });
  if (!errorRaised) node.replaceChildren(value);
}

function prepared({ default: library }) {
  library.configure({ __emitter: Elements });
  return library;
}

/** What highlight.js calls while it reads: each scope becomes an element with a class of the style sheet. */
class Elements {
  #open = [document.createDocumentFragment()];

  addText(text) {
    this.#open.at(-1).append(text);
  }

  openNode(scope) {
    const node = document.createElement("span");
    node.className = `code-${scope.split(".")[0]}`;
    this.#open.at(-1).append(node);
    this.#open.push(node);
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
    this.#open.at(-1).append(inner.toHTML());
  }

  finalize() {}

  toHTML() {
    return this.#open[0];
  }
}
