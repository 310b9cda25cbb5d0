// What was said, as it is sent with each question: the page keeps it, the service does not.

/** A conversation. Its turns are `{role, content}`; `content` is a text, or a list of parts as the API takes it. */
export class Conversation {
  #turns = [];

  /** Add a question. */
  ask(content) {
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

  /**
   * The messages that are sent, after those of `system`, which is a text and perhaps empty. A question that another one
   * follows was never answered, and is not sent any more, since two questions in a row are none.
   */
  messages(system) {
    const first = system ? [{ role: "system", content: system }] : [];
    const sent = this.#turns.filter(({ role }, at) => role !== "user" || this.#turns[at + 1]?.role !== "user");
    return [...first, ...sent.map(({ role, content }) => ({ role, content }))];
  }

  #add(role, content) {
    const turn = { role, content };
    this.#turns.push(turn);
    return turn;
  }
}
