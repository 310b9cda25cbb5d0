"""Content codings of bodies, gzip and deflate, undone piece by piece."""

import zlib
from collections.abc import Iterator
from typing import Final

DECODED: Final = ("gzip", "x-gzip", "deflate")
"""The codings that are understood."""
DECODED_BYTES: Final = 64 * 1024
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
        """What `data` stands for, in pieces of `DECODED_BYTES`; the last may be shorter, and none is empty.

        Raises ValueError if it is damaged.
        """
        try:
            while data and not self._zlib.eof:
                piece = self._zlib.decompress(data, DECODED_BYTES)
                data = self._zlib.unconsumed_tail
                if piece:
                    yield piece
        except zlib.error:
            raise ValueError("data that is not in its coding") from None
