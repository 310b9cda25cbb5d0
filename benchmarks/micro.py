"""The cost of translation alone: no sockets, no loop.

    python -m benchmarks.micro

Prints microseconds per upstream event for replies of 250, 1000 and 4000 tokens: with growth recognised by
comparing bytes (fast) and with every event parsed (full), fed in pieces of 64 KiB as an unpaced backend is
read, and event by event as a paced one is; then for the same replies in delta v1, and what one of its events
costs in terms of a snapshot's. Best of some passes.
"""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import truediv

from benchmarks.events import (
    Ask,
    Style,
    chat_request,
    delta_events,
    echo_events,
    reply_events,
    reply_text,
)
from benchmarks.translation import Translation, WrongTranslation

LENGTHS = (250, 1000, 4000)
PIECE = 64 * 1024  # what Tornado's client reads at once
SECONDS = 0.4  # of passes per case, at least three passes

Reply = Callable[[int, Style], list[bytes]]
"""The events of a reply of so many tokens in one dialect."""


def main() -> None:
    row = "{:>5}  {:>4}  {:>8}  {:>14}  {:>8}  {:>8}  {:>8}".format
    print("CPU us per event")
    print(row("style", "path", "dialect", "fed by", *(f"{tokens} tok" for tokens in LENGTHS)))
    for style in ("raw", "py"):
        for fast in (True, False):
            path = "fast" if fast else "full"
            for fed_by in ("64 KiB", "event"):
                snapshots = [_best(tokens, reply_events, style, fast, fed_by) for tokens in LENGTHS]
                deltas = [_best(tokens, delta_events, style, fast, fed_by) for tokens in LENGTHS]
                print(row(style, path, "snapshot", fed_by, *(f"{cost:.2f}" for cost in snapshots)))
                print(row(style, path, "delta v1", fed_by, *(f"{cost:.2f}" for cost in deltas)))
                ratios = map(truediv, deltas, snapshots)
                print(row("", "", "ratio", "", *(f"{ratio:.2f}" for ratio in ratios)), flush=True)


def _best(tokens: int, reply: Reply, style: Style, fast: bool, fed_by: str) -> float:
    """Microseconds per token of the quickest pass."""
    messages = chat_request(Ask(tokens), stream=True)["messages"]
    events = [*echo_events(messages, style), *reply(tokens, style)]
    body = memoryview(b"".join(events))
    if fed_by == "event":
        ends = [0]
        for event in events:
            ends.append(ends[-1] + len(event))
    else:
        ends = [*range(0, len(body), PIECE), len(body)]
    _check(body, ends, tokens, fast)
    passes: list[float] = []
    while len(passes) < 3 or sum(passes) < SECONDS:
        passes.append(_one_pass(body, ends, fast))
    return 1e6 * min(passes) / tokens


def _one_pass(body: memoryview, ends: Sequence[int], fast: bool) -> float:
    """Seconds spent in `feed`. Each piece is copied just before, as recv does, so it is in the cache."""
    clock = time.perf_counter
    feed = Translation(fast=fast).feed
    begun = clock()
    for _ in ends:
        clock()
    overhead = clock() - begun
    total = 0.0
    for start, end in pairwise(ends):
        piece = bytes(body[start:end])
        begun = clock()
        feed(piece)
        total += clock() - begun
    return total - overhead


def _check(body: memoryview, ends: Sequence[int], tokens: int, fast: bool) -> None:
    translation = Translation(fast=fast)
    for start, end in pairwise(ends):
        translation.feed(bytes(body[start:end]))
    if translation.text() != reply_text(tokens):
        raise WrongTranslation("the text differs")


if __name__ == "__main__":
    main()
