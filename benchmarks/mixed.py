"""The cost of an answer with code, its output, a picture and citations, beside that of plain text.

    python -m benchmarks.mixed

Translation alone, as in `benchmarks.micro`, with both in turn in one run. Prints microseconds per delta and
the ratio, which is to be at most 1.5.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from benchmarks.backend_stream import reply_tokens
from benchmarks.translation import Translation

LENGTHS = (250, 1000, 4000)
PIECE = 64 * 1024
GOAL = 1.5
CITATIONS = 8  # in one answer; each record repeats those before it
PASSES = 9


def main() -> None:
    """Measure and print the table."""
    print("CPU us per delta, translation alone, growing snapshots")
    print(f"{'tokens':>6}  {'fed by':>7}  {'plain':>6}  {'mixed':>6}  ratio")
    for tokens in LENGTHS:
        for fed_by in ("64 KiB", "event"):
            plain, mixed = _best_pair(list(plain_records(tokens)), list(mixed_records(tokens)), fed_by)
            print(f"{tokens:>6}  {fed_by:>7}  {plain:>6.2f}  {mixed:>6.2f}  {mixed / plain:.2f}", flush=True)
    print(f"goal: ratio <= {GOAL}")


def _best_pair(plain: list[bytes], mixed: list[bytes], fed_by: str) -> tuple[float, float]:
    """The best pass of each; they take turns, so that a change of the machine's speed affects both."""
    passes = [(_one_pass(plain, fed_by), _one_pass(mixed, fed_by)) for _ in range(PASSES)]
    return min(first for first, _ in passes), min(second for _, second in passes)


def _one_pass(records: list[bytes], fed_by: str) -> float:
    """Microseconds per delta."""
    if fed_by == "event":
        pieces = records
    else:
        body = b"".join(records)
        pieces = [body[a:b] for a, b in pairwise([*range(0, len(body), PIECE), len(body)])]
    translation = Translation()
    deltas, begun = 0, time.perf_counter()
    for piece in pieces:
        deltas += translation.feed(piece).count(b"\n\n")
    spent = time.perf_counter() - begun
    translation.text()  # raises if it is wrong
    return 1e6 * spent / deltas


def plain_records(tokens: int) -> Iterator[bytes]:
    """Records of an answer of text alone."""
    yield from _prose("a1", reply_tokens(tokens), cited=False)
    yield b"data: [DONE]\n\n"


def mixed_records(tokens: int) -> Iterator[bytes]:
    """Records of an answer: a quarter is code, then come output and a picture, the rest is cited text."""
    code, text = reply_tokens(tokens // 4), reply_tokens(tokens - tokens // 4)
    yield from _growing(code, _code)
    output = {"content_type": "execution_output", "text": "0 0\n1 1\n2 4\n"}
    yield _record("t1", "tool", output, done=True, author="python")
    asset = {
        "content_type": "image_asset_pointer",
        "asset_pointer": "file-service://file-1",
        "width": 9,
        "height": 9,
    }
    yield _record("t2", "tool", {"content_type": "multimodal_text", "parts": [asset]}, done=True)
    yield from _prose("a2", text, cited=True)
    yield b"data: [DONE]\n\n"


def _prose(message_id: str, tokens: tuple[str, ...], *, cited: bool) -> Iterator[bytes]:
    citations: list[object] = []
    so_far, every = "", len(tokens) // CITATIONS
    yield _record(message_id, "assistant", {"content_type": "text", "parts": [""]})
    for index, token in enumerate(tokens, start=1):
        so_far += token
        if cited and index % every == 0:
            mark = f"【{index}†source】"
            about = {"type": "webpage", "title": "T", "url": f"https://example.org/{index}"}
            about_mark = about | {"extra": {"cited_message_idx": index}}
            span = {"start_ix": len(so_far), "end_ix": len(so_far) + len(mark)}
            citations.append(span | {"citation_format_type": "tether_og", "metadata": about_mark})
            so_far += mark
        content = {"content_type": "text", "parts": [so_far]}
        yield _record(
            message_id, "assistant", content, metadata={"citations": citations} if citations else {}
        )
    content = {"content_type": "text", "parts": [so_far]}
    yield _record(message_id, "assistant", content, done=True, metadata={"citations": citations})


def _growing(tokens: tuple[str, ...], render: Callable[[str, bool], bytes]) -> Iterator[bytes]:
    so_far = ""
    yield render(so_far, False)
    for token in tokens:
        so_far += token
        yield render(so_far, False)
    yield render(so_far, True)


def _code(so_far: str, done: bool) -> bytes:
    content = {"content_type": "code", "language": "python", "text": so_far}
    return _record("a0", "assistant", content, done=done, recipient="python")


def _record(
    message_id: str,
    role: str,
    content: Mapping[str, object],
    *,
    done: bool = False,
    author: str | None = None,
    recipient: str = "all",
    metadata: Mapping[str, object] | None = None,
) -> bytes:
    message = {
        "id": message_id,
        "author": {"role": role, "name": author, "metadata": {}},
        "create_time": 1702623600.5,
        "content": content,
        "status": "finished_successfully" if done else "in_progress",
        "end_turn": None,
        "weight": 1.0,
        "metadata": {"message_type": "next", "model_slug": "gpt-4", "parent_id": f"p-{message_id}"}
        | dict(metadata or {}),
        "recipient": recipient,
    }
    return (
        b"data: "
        + json.dumps({"message": message, "conversation_id": "c1", "error": None}).encode()
        + b"\n\n"
    )


if __name__ == "__main__":
    main()
