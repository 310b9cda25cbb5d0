// What was said, as it is sent with each question: the page keeps it, the service does not.

/** A conversation. Its turns are `{role, content}`; `content` is a text, or a list of parts as the API takes it. */
export class Conversation {
  #turns = [];

  /** Add a question. One that was never answered goes, since two questions in a row are none. */
  ask(content) {
    if (this.#turns.at(-1)?.role === "user") this.#turns.pop();
    return this.#add("user", content);
  }

  /** Add the answer to the last question. */
  answer(text) {
    return this.#add("assistant", text);
  }

  /** Forget a turn and all that followed it. */
  cutAt(turn) {
    const at = this.#turns.indexOf(turn);
    if (at >= 0) this.#turns.length = at;
  }

  /** The messages that are sent, after those of `system`, which is a text and perhaps empty. */
  messages(system) {
    const first = system ? [{ role: "system", content: system }] : [];
    return [...first, ...this.#turns.map(({ role, content }) => ({ role, content }))];
  }

  #add(role, content) {
    const turn = { role, content };
    this.#turns.push(turn);
    return turn;
  }
}
