"""The cost of translation alone, without sockets or an event loop.

    python -m benchmarks.micro

Prints microseconds per record of the backend for replies of 250, 1000 and 4000 tokens: on the fast path,
which compares bytes, and with every record parsed (full); fed in pieces of 64 KiB, as an unpaced backend is
read, and record by record (event), as a paced one is; in snapshots and in delta v1, and the ratio of the two.
Each figure is that of the best of some passes. `benchmarks.comparison` reads the rows of this table.
"""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import truediv

from benchmarks.backend_stream import (
    ReplySpec,
    Style,
    chat_request,
    delta_records,
    echo_records,
    reply_records,
    reply_text,
)
from benchmarks.translation import Translation, WrongTranslation

LENGTHS = (250, 1000, 4000)
PIECE = 64 * 1024  # what Tornado's client reads at once
SECONDS = 0.4  # of passes per case, but at least three passes

Records = Callable[[int, Style], list[bytes]]
"""Makes the records of a reply of so many tokens in one dialect."""


def main() -> None:
    """Measure and print the table."""
    row = "{:>5}  {:>4}  {:>8}  {:>14}  {:>8}  {:>8}  {:>8}".format
    print("CPU us per event")
    print(row("style", "path", "dialect", "fed by", *(f"{tokens} tok" for tokens in LENGTHS)))
    for style in ("raw", "py"):
        for fast in (True, False):
            path = "fast" if fast else "full"
            for fed_by in ("64 KiB", "event"):
                snapshots = [_best(tokens, reply_records, style, fast, fed_by) for tokens in LENGTHS]
                deltas = [_best(tokens, delta_records, style, fast, fed_by) for tokens in LENGTHS]
                print(row(style, path, "snapshot", fed_by, *(f"{cost:.2f}" for cost in snapshots)))
                print(row(style, path, "delta v1", fed_by, *(f"{cost:.2f}" for cost in deltas)))
                ratios = map(truediv, deltas, snapshots)
                print(row("", "", "ratio", "", *(f"{ratio:.2f}" for ratio in ratios)), flush=True)


def _best(tokens: int, make_records: Records, style: Style, fast: bool, fed_by: str) -> float:
    """Microseconds per token of the quickest pass."""
    messages = chat_request(ReplySpec(tokens), stream=True)["messages"]
    records = [*echo_records(messages, style), *make_records(tokens, style)]
    body = memoryview(b"".join(records))
    if fed_by == "event":
        ends = [0]
        for record in records:
            ends.append(ends[-1] + len(record))
    else:
        ends = [*range(0, len(body), PIECE), len(body)]
    _check(body, ends, tokens, fast)
    passes: list[float] = []
    while len(passes) < 3 or sum(passes) < SECONDS:
        passes.append(_one_pass(body, ends, fast))
    return 1e6 * (min(passes) - _clock_seconds(len(ends))) / tokens


def _one_pass(body: memoryview, ends: Sequence[int], fast: bool) -> float:
    """Seconds spent in `feed`. Each piece is copied before, as `recv` does, so that it is in the cache."""
    clock = time.perf_counter
    feed = Translation(fast=fast).feed
    total = 0.0
    for start, end in pairwise(ends):
        piece = bytes(body[start:end])
        begun = clock()
        feed(piece)
        total += clock() - begun
    return total


def _clock_seconds(calls: int) -> float:
    """Seconds that so many pairs of clock readings take, of which one falls into what is measured."""
    clock = time.perf_counter
    tries: list[float] = []
    for _ in range(5):
        begun = clock()
        for _ in range(calls):
            clock()
        tries.append(clock() - begun)
    return min(tries)


def _check(body: memoryview, ends: Sequence[int], tokens: int, fast: bool) -> None:
    translation = Translation(fast=fast)
    for start, end in pairwise(ends):
        translation.feed(bytes(body[start:end]))
    if translation.text() != reply_text(tokens):
        raise WrongTranslation("the text differs")


if __name__ == "__main__":
    main()
