"""The chunked transfer coding (RFC 9112, section 7.1), reading side, without I/O."""

from enum import Enum, auto
from typing import Final

MAX_LINE_BYTES: Final = 1024
"""Longest chunk-size or trailer line accepted; a size is a few digits, extensions are rare and short."""

_HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")


class DamagedBody(ValueError):
    """What came is no chunked body, or no longer; `content` is what was good in the last bytes."""

    def __init__(self, reason: str, content: bytes) -> None:
        super().__init__(reason)
        self.content = content


class State(Enum):
    """What comes next in a chunked body."""

    SIZE = auto()
    """The line with the size of a chunk."""
    DATA = auto()
    """The data of a chunk, and the line break behind it."""
    TRAILER = auto()
    """A trailer field, or the empty line that ends the body."""


SIZE, DATA, TRAILER = State  # looked up for each chunk


class ChunkedDecoder:
    """Turns the bytes of a chunked body into the bytes of the content, however the network cut them.

    `feed` returns what content the bytes complete, joined over all chunks in them; `ended` becomes true with
    the last chunk and its trailer, and bytes after that are ignored. Chunk extensions and trailer fields are
    skipped, as the RFC asks of a recipient that does not know them.
    """

    __slots__ = ("_left", "_state", "_unread", "ended")

    def __init__(self) -> None:
        self.ended = False
        self._state = SIZE
        self._left = 0  # of the current chunk's data
        self._unread = b""  # an unfinished line, or the first half of a line break

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes of the body. Raises DamagedBody."""
        if self._unread:
            data = self._unread + data
        content: list[bytes] = []
        try:
            self._unread = data[self._read(data, content) :]
        except ValueError as error:
            raise DamagedBody(str(error), b"".join(content)) from None
        return content[0] if len(content) == 1 else b"".join(content)

    def _read(self, data: bytes, content: list[bytes]) -> int:
        """Add what is content to `content`; gives where the unread rest begins. Raises ValueError."""
        at, end = 0, len(data)
        while at < end and not self.ended:
            if self._state is DATA:
                if left := self._left:
                    content.append(piece := data[at : at + left])
                    at += len(piece)
                    self._left = left - len(piece)
                if end - at < 2:  # the line break, if the data is complete
                    break
                if data[at : at + 2] != b"\r\n":
                    raise ValueError("a chunk does not end where it said")
                at += 2
                self._state = SIZE
            else:
                line_end = data.find(b"\r\n", at)
                if (end if line_end < 0 else line_end) - at > MAX_LINE_BYTES:
                    raise ValueError("a chunk-size line is too long")
                if line_end < 0:
                    break
                self._read_line(data[at:line_end])
                at = line_end + 2
        return end if self.ended else at

    def _read_line(self, line: bytes) -> None:
        if self._state is TRAILER:
            self.ended = not line
            return
        digits = line.partition(b";")[0].rstrip(b" \t")
        if not digits or not _HEX_DIGITS.issuperset(digits):
            raise ValueError("a chunk size is not a hexadecimal number")
        self._left = int(digits, 16)
        self._state = DATA if self._left else TRAILER
