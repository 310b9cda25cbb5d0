"""One stream, cut in every way that matters, framed in every way that occurs."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.translate.reading import Answer, answer

APART = 100
"""Bytes between two cuts of one run: enough that the second meets a reader that has forgotten the first."""


def ways(stream: bytes) -> Iterator[tuple[bytes, Sequence[int]]]:
    """`stream` and re-framings of it, each with cuts: everywhere at once, evenly, and far apart."""
    ended = stream.replace(b"\r\n", b"\n")
    for framed in (stream, ended.replace(b"\n", b"\r\n"), ended.replace(b"\n", b"\r")):
        for size in (1, 7, 1024):
            yield framed, [size]
    borders = [at for at in range(len(stream)) if stream[at] in b"\r\n:"]
    stride = 1 if len(stream) < 1000 else 29
    places = {*range(1, len(stream), stride), *(b + d for b in borders[::7] for d in (0, 1, 2))}
    for cuts in far_apart(sorted(at for at in places if 0 < at < len(stream))):
        yield stream, [end - start for start, end in pairwise((0, *cuts, len(stream)))]


def far_apart(places: Sequence[int]) -> list[list[int]]:
    """All `places`, which are in order, spread over several runs in which they lie `APART` or more."""
    runs: list[list[int]] = []
    for at in places:
        run = next((run for run in runs if at - run[-1] >= APART), None)
        if run is None:
            runs.append([at])
        else:
            run.append(at)
    return runs


def assert_always(stream: bytes, text: str, finish_reason: str | None, error: str | None = None) -> None:
    """However `stream` comes, this `text` comes of it, and this end: a reason or an error's code."""

    def check(seen: Answer) -> None:
        assert seen.text == text
        assert seen.finish_reason == finish_reason
        assert (seen.error["code"] if seen.error else None) == error

    check(answer(stream))
    check(answer(stream, fast=False))
    deltas = answer(stream).deltas
    for framed, sizes in ways(stream):
        seen = answer(framed, sizes=sizes)
        check(seen)
        assert seen.deltas == deltas
