"""Answers in a content coding though none was asked for: gzip and deflate are undone."""

from collections.abc import Awaitable, Callable, Iterator

from runtime import Decoder
from upstream.http.errors import UnusableAnswer


def decoding(on_data: Callable[[bytes], Awaitable[None] | None]) -> Callable[[bytes], Awaitable[None]]:
    """A reader of coded pieces, which gives `on_data` what they stand for."""
    decoder = Decoder()

    async def on_coded(data: bytes) -> None:
        pieces = decoder.decode(data)
        while (piece := _next(pieces)) is not None:
            if (reading := on_data(piece)) is not None:
                await reading

    return on_coded


def decoded(body: bytes, limit: int) -> tuple[bytes, bool]:
    """What a coded body stands for, up to `limit` bytes, and whether that is all of it.

    It is not where the body is longer, cut or damaged.
    """
    decoder, out = Decoder(), bytearray()
    try:
        for piece in decoder.decode(body):
            out += piece
            if len(out) > limit:
                break
    except ValueError:
        return bytes(out[:limit]), False
    return bytes(out[:limit]), decoder.ended and len(out) <= limit


def _next(pieces: Iterator[bytes]) -> bytes | None:
    try:
        return next(pieces, None)
    except ValueError:
        raise UnusableAnswer("content in the coding that it names") from None
