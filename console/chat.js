// One streamed request to /chat/completions.

import { events } from "./sse.js";

/** The request failed. `status` is 0 and `message` perhaps empty if the failure came within the stream. */
export class ChatError extends Error {
  constructor(message, { status = 0, code = "", requestId = "", retryAfter = 0 } = {}) {
    super(message);
    Object.assign(this, { status, code, requestId, retryAfter });
  }
}

/**
 * Yields `{requestId}` when the answer begins, then `{text}` for each piece of text, and `{usage}` at the end.
 * Throws ChatError, or AbortError when `signal` is aborted.
 */
export async function* chat({ base, key, model, messages, signal }) {
  const body = JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } });
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${key}` };
  const response = await fetch(`${base}/chat/completions`, { method: "POST", headers, body, signal });
  const requestId = response.headers.get("x-request-id") ?? "";
  if (!response.ok) throw await refusal(response, requestId);
  yield { requestId };
  let complete = false;
  for await (const data of events(response.body)) {
    if (data === "[DONE]") complete = true;
    else yield* contents(JSON.parse(data), requestId);
  }
  if (!complete) throw new ChatError("", { requestId });
}

function* contents(chunk, requestId) {
  if (chunk.error) throw new ChatError(chunk.error.message, { code: chunk.error.code ?? "", requestId });
  const text = chunk.choices?.[0]?.delta?.content;
  if (text) yield { text };
  if (chunk.usage) yield { usage: chunk.usage };
}

async function refusal(response, requestId) {
  const { status } = response;
  const retryAfter = Number(response.headers.get("retry-after")) || 0;
  try {
    const { error } = await response.json();
    return new ChatError(error.message, { status, code: error.code ?? error.type, requestId, retryAfter });
  } catch {
    return new ChatError(response.statusText, { status, requestId, retryAfter });
  }
}
