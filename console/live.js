// The feed of the administrator's page, GET /console/events: what happens, while it happens.

import { events } from "./sse.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

export class Feed {
  #connection = null;
  #pause = FIRST_PAUSE_MS;
  #take;
  #lost;

  /**
   * `take` is called with each event, and with null when a connection is made: what comes then is all that there
   * is. `lost` is called with a number of milliseconds when the connection is lost: wait so long.
   */
  constructor(take, lost) {
    this.#take = take;
    this.#lost = lost;
  }

  /** Connect, unless it is connected; `headers` are those of the request. */
  async follow(headers) {
    if (this.#connection) return;
    const connection = (this.#connection = new AbortController());
    try {
      const response = await fetch("/console/events", { headers, signal: connection.signal });
      if (response.ok) {
        this.#take(null);
        for await (const data of events(response.body)) {
          this.#pause = FIRST_PAUSE_MS;
          this.#take(JSON.parse(data));
        }
      }
    } catch {
      // It is lost, whatever the reason.
    }
    if (this.#connection !== connection) return; // left on purpose
    this.#connection = null;
    this.#lost(this.#pause);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
  }

  /** Close the connection. */
  leave() {
    this.#connection?.abort();
    this.#connection = null;
  }
}
