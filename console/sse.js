// Server-sent events, read from the body of a response.

const SLICE_MS = 12;

/** The data of each event; comments go to `onComment`. Pauses after SLICE_MS of work, so that the page can react and draw. */
export async function* events(body, onComment = () => {}) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", since = performance.now();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const records = (rest + value).split("\n\n");
    rest = records.pop();
    for (const record of records) {
      if (record.startsWith("data: ")) yield record.slice(6);
      else if (record.startsWith(": ")) onComment(record.slice(2));
      if (performance.now() - since > SLICE_MS) {
        await new Promise((resolve) => setTimeout(resolve));
        since = performance.now();
      }
    }
  }
}
