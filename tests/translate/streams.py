"""One stream, cut in every way that matters, framed in every way that occurs."""

from collections.abc import Iterator, Sequence

from tests.translate.reading import Answer, answer


def ways(stream: bytes) -> Iterator[tuple[bytes, Sequence[int]]]:
    """``stream`` and re-framings of it, each with cuts: everywhere at once, evenly, and single ones."""
    ended = stream.replace(b"\r\n", b"\n")
    for framed in (stream, ended.replace(b"\n", b"\r\n"), ended.replace(b"\n", b"\r")):
        for size in (1, 2, 7, 100, 1024):
            yield framed, [size]
    borders = [at for at in range(len(stream)) if stream[at] in b"\r\n:"]
    stride = 1 if len(stream) < 1000 else 29
    for at in sorted({*range(1, len(stream), stride), *(b + d for b in borders[::7] for d in (0, 1, 2))}):
        if 0 < at < len(stream):
            yield stream, [at, len(stream)]


def assert_always(stream: bytes, text: str, finish_reason: str | None, error: str | None = None) -> None:
    """However ``stream`` comes, this ``text`` comes of it, and this end: a reason or an error's code."""

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
