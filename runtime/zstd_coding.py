"""The content coding zstd, undone piece by piece within the memory that there is room for (RFC 8878)."""

import sys
from collections.abc import Callable, Iterator
from typing import Final

from runtime.content_coding import DECODED_BYTES

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

ZSTD: Final = "zstd"
MAX_WINDOW: Final = 8 << 20
"""Most bytes that a decoder must remember: what RFC 9659 allows a content coding."""
_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SINGLE_SEGMENT: Final = 0x20
_DICTIONARY_ID_BYTES: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES: Final = (1, 2, 4, 8)


class ZstdDecoder:
    """Undoes the coding of one frame. What follows it is dropped.

    `take` is called once, with the bytes that the decoder will remember, before it takes them; what it raises
    comes out of `decode`.
    """

    def __init__(self, take: Callable[[int], None]) -> None:
        self._take = take
        self._head = b""
        self._zstd: zstd.ZstdDecompressor | None = None
        self.ended = False
        """All of the coded data has come."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What `data` stands for, in pieces of `DECODED_BYTES`; the last may be shorter, and none is empty.

        Raises ValueError if it is damaged, or wants more than `MAX_WINDOW`.
        """
        if self._zstd is None and not self.ended:
            data = self._head = self._head + data
            window = _window_bytes(data)
            if window is None:
                return
            if window > MAX_WINDOW:
                raise ValueError("data that takes too much memory to decode")
            self._take(window)
            self._head = b""
            limit = {int(zstd.DecompressionParameter.window_log_max): MAX_WINDOW.bit_length() - 1}
            self._zstd = zstd.ZstdDecompressor(options=limit)
        try:
            while self._zstd is not None:
                piece = self._zstd.decompress(data, DECODED_BYTES)
                data = b""
                if self._zstd.eof:
                    self._zstd, self.ended = None, True
                over = self._zstd is None or self._zstd.needs_input
                if piece:
                    yield piece
                if over:
                    return
        except zstd.ZstdError:
            raise ValueError("data that is not in its coding") from None


def _window_bytes(frame: bytes) -> int | None:
    """How much a frame that begins with `frame` has to be remembered; None if too little of it is there.

    Raises ValueError if it is no frame. RFC 8878, 3.1.1.1.
    """
    if frame[:4] != _MAGIC[: len(frame)]:
        raise ValueError("data that is not in its coding")
    if len(frame) < 6:
        return None
    descriptor = frame[4]
    if not descriptor & _SINGLE_SEGMENT:
        exponent, mantissa = divmod(frame[5], 8)
        base = 1 << (10 + exponent)
        return base + base // 8 * mantissa
    start = 5 + _DICTIONARY_ID_BYTES[descriptor & 3]
    size_bytes = _CONTENT_SIZE_BYTES[descriptor >> 6]
    if len(frame) < start + size_bytes:
        return None
    size = int.from_bytes(frame[start : start + size_bytes], "little")
    return size + 256 if size_bytes == 2 else size
