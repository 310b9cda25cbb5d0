"""Content codings that an answer may have though none was asked for: gzip and deflate are undone."""

import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from upstream.http.errors import UnusableAnswer

DECODED: Final = ("gzip", "x-gzip", "deflate")
"""The codings that are understood."""
PIECE_BYTES: Final = 64 * 1024
"""Most bytes that are decoded at once: a few bytes can stand for a thousand times as many."""
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


class Decoder:
    """Undoes one coding, piece by piece. What follows the end of the coded data is dropped."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)

    @property
    def ended(self) -> bool:
        """All of the coded data has come."""
        return self._zlib.eof

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What `data` stands for, in pieces of at most 64 KiB. Raises UnusableAnswer if it is damaged."""
        try:
            while data and not self._zlib.eof:
                piece = self._zlib.decompress(data, PIECE_BYTES)
                data = self._zlib.unconsumed_tail
                if piece:
                    yield piece
        except zlib.error:
            raise UnusableAnswer("content in the coding that it names") from None


def decoding(on_data: Callable[[bytes], Awaitable[None] | None]) -> Callable[[bytes], Awaitable[None]]:
    """A reader of coded pieces, which gives `on_data` what they stand for."""
    decoder = Decoder()

    async def on_coded(data: bytes) -> None:
        for piece in decoder.decode(data):
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
    except UnusableAnswer:
        return bytes(out[:limit]), False
    return bytes(out[:limit]), decoder.ended and len(out) <= limit
