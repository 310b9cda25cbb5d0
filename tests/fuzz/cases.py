"""An input of the fuzzer as a turn: what is fed, in which pieces, and to what kind of turn.

The first bytes of an input choose the kind of turn, so that whatever changes bytes also tries other kinds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.fuzz.seeds import seeds
from translate.values import SentMessage, Style

HEADER = 5
"""Bytes: the messages that were sent, the style, the stop sequences, the cuts, and the rest."""
STOPS: tuple[tuple[str, ...], ...] = ((), ("tea",), ("`", "\n\n"), ("🔥",))
CUTS = ((100_000,), (1, 5, 300), (700, 1024, 4096), (1,))
MAX_BYTEWISE = 8000
"""A longer stream is not fed byte by byte, which is slow."""
NEXT = b": next\n\n"
"""Parts the streams of two exchanges."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is fed, in which pieces, and to what kind of turn."""

    sent: tuple[SentMessage, ...]
    chunks: tuple[bytes, ...]
    style: Style = Style.WEB
    stop: tuple[str, ...] = ()
    fails_to_fetch: bool = False
    reasoning: bool = False
    next_exchange: bytes = b""
    """The stream of a second exchange, where the first leads to one; empty for none."""


@cache
def all_sent() -> tuple[tuple[SentMessage, ...], ...]:
    """The rows of messages that were sent for the seeds."""
    return tuple(dict.fromkeys(seed.sent for seed in seeds()))


def header_for(sent: tuple[SentMessage, ...], choices: bytes = bytes(HEADER - 1)) -> bytes:
    """The first bytes of an input for a stream that answers `sent`."""
    return bytes([all_sent().index(sent) % 256]) + choices


def case_of(data: bytes) -> Case:
    """The case that an input describes; any bytes do."""
    header, (stream, _, following) = data[:HEADER].ljust(HEADER, b"\0"), data[HEADER:].partition(NEXT)
    styles = list(Style)
    sizes: tuple[int, ...] = CUTS[header[3] % len(CUTS)]
    if len(stream) > MAX_BYTEWISE:
        sizes = tuple(max(size, 5) for size in sizes)
    return Case(
        all_sent()[header[0] % len(all_sent())],
        tuple(_cut(stream, sizes)),
        styles[header[1] % len(styles)],
        STOPS[header[2] % len(STOPS)],
        fails_to_fetch=bool(header[4] & 1),
        reasoning=bool(header[4] & 2),
        next_exchange=following,
    )


def _cut(stream: bytes, sizes: tuple[int, ...]) -> Iterator[bytes]:
    at = turn = 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        yield stream[at : at + size]
        at, turn = at + size, turn + 1
