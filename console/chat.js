// One streamed request to /chat/completions.

import { events } from "./sse.js";

/**
 * The request failed. `status` is 0 and `message` perhaps empty if the failure came within the stream. `units` is what it
 * has cost, as far as the service says.
 */
export class ChatError extends Error {
  constructor(message, { status = 0, code = "", requestId = "", retryAfter = 0, units } = {}) {
    super(message);
    Object.assign(this, { status, code, requestId, retryAfter, units });
  }
}

/**
 * Yields `{requestId}` when the answer begins, then `{text}` for each piece of text, and `{usage}` and `{units}` at the end.
 * Throws ChatError, or AbortError when `signal` is aborted.
 */
export async function* chat({ base, key, model, messages, signal }) {
  const body = JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } });
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${key}` };
  const response = await fetch(`${base}/chat/completions`, { method: "POST", headers, body, signal });
  const requestId = response.headers.get("x-request-id") ?? "";
  if (!response.ok) throw await refusal(response, requestId);
  yield { requestId };
  let complete = false, units;
  const note = (comment) => (units = /^units=(\d+)$/.exec(comment)?.[1] ?? units);
  for await (const data of events(response.body, note)) {
    if (data === "[DONE]") complete = true;
    else yield* contents(JSON.parse(data), { requestId, units });
  }
  if (!complete) throw new ChatError("", { requestId, units });
  yield { units };
}

function* contents(chunk, facts) {
  if (chunk.error) throw new ChatError(chunk.error.message, { code: chunk.error.code ?? "", ...facts });
  const text = chunk.choices?.[0]?.delta?.content;
  if (text) yield { text };
  if (chunk.usage) yield { usage: chunk.usage };
}

async function refusal(response, requestId) {
  const { status } = response;
  const retryAfter = Number(response.headers.get("retry-after")) || 0;
  const units = response.headers.get("x-units") ?? undefined;
  try {
    const { error } = await response.json();
    return new ChatError(error.message, { status, code: error.code ?? error.type, requestId, retryAfter, units });
  } catch {
    return new ChatError(response.statusText, { status, requestId, retryAfter, units });
  }
}
