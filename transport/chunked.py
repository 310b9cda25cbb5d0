"""The chunked transfer coding (RFC 9112, section 7.1), reading side, without I/O."""

import re
from enum import Enum, auto
from typing import Final

MAX_LINE_BYTES: Final = 1024
"""Longest chunk-size or trailer line accepted; a size is a few digits, extensions are rare and short."""
MAX_TRAILER_BYTES: Final = 64 * 1024
"""Longest trailer, as for a header block."""

_HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")
_PLAIN_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,16})\r\n").match
_NEXT_SIZE: Final = re.compile(rb"\r\n([0-9a-fA-F]{1,16})\r\n").match


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
    the last chunk and its trailer, and bytes after that are kept as `excess`. Chunk extensions and trailer
    fields are skipped, as the RFC asks of a recipient that does not know them.
    """

    __slots__ = ("_left", "_state", "_trailer_left", "_unread", "ended", "excess")

    def __init__(self) -> None:
        self.ended = False
        self.excess = b""
        """What came behind the body."""
        self._state = SIZE
        self._left = 0  # of the current chunk's data
        self._unread = b""  # an unfinished line, or the first half of a line break
        self._trailer_left = MAX_TRAILER_BYTES

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes of the body. Raises DamagedBody."""
        if self._unread:
            data = self._unread + data
        elif (  # most streams are read one chunk at a time, and whole
            self._state is SIZE
            and data.endswith(b"\r\n")
            and (size := _PLAIN_SIZE(data)) is not None
            and len(data) - 2 - size.end() == int(size[1], 16) > 0
        ):
            return data[size.end() : -2]
        content: list[memoryview] = []
        try:
            self._unread = data[self._read(data, content) :]
        except ValueError as error:
            raise DamagedBody(str(error), b"".join(content)) from None
        return b"".join(content)

    def _read(self, data: bytes, content: list[memoryview]) -> int:
        """Add what is content to `content`; gives where the unread rest begins. Raises ValueError."""
        at, end, view = 0, len(data), memoryview(data)
        while at < end and not self.ended:
            if self._state is DATA:
                if left := self._left:
                    content.append(piece := view[at : at + left])
                    at += len(piece)
                    self._left = left - len(piece)
                # Nearly always the line break is followed by the size of another chunk: both at once.
                if (size := _NEXT_SIZE(data, at)) is not None and (left := int(size[1], 16)):
                    at = size.end()
                    self._left = left
                    continue
                if end - at < 2:  # the line break, if the data is complete
                    break
                if data[at : at + 2] != b"\r\n":
                    raise ValueError("a chunk does not end where it said")
                at += 2
                self._state = SIZE
            elif self._state is SIZE and (size := _PLAIN_SIZE(data, at)) is not None:
                at = size.end()
                self._left = int(size[1], 16)
                self._state = DATA if self._left else TRAILER
            else:
                line_end = data.find(b"\r\n", at, at + MAX_LINE_BYTES + 2)
                if line_end < 0:
                    if end - at > MAX_LINE_BYTES + 1:
                        raise ValueError("a chunk-size line is too long")
                    break
                self._read_line(data[at:line_end])
                at = line_end + 2
        if self.ended:
            self.excess = data[at:]
            return end
        return at

    def _read_line(self, line: bytes) -> None:
        if self._state is TRAILER:
            self.ended = not line
            self._trailer_left -= len(line) + 2
            if self._trailer_left < 0:
                raise ValueError("the trailer of a chunked body is too long")
            return
        digits = line.partition(b";")[0].rstrip(b" \t")
        if not digits or not _HEX_DIGITS.issuperset(digits):
            raise ValueError("a chunk size is not a hexadecimal number")
        self._left = int(digits, 16)
        self._state = DATA if self._left else TRAILER
