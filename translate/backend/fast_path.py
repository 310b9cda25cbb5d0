"""The steady state of a stream without JSON: records recognised by comparing bytes.

While a message only grows, each record is `head`, the new piece of its text, and `tail`. In the snapshot
dialect `head` is the record before it up to the end of its text and grows with each piece, `tail` is the
rest of that record; in delta v1 both are always the same. What lies between is the piece, JSON-escaped.
Plain pieces go into the answer unread, others are decoded; any other difference is left to the full parse.
So the cost of a delta does not grow with the answer, apart from one comparison in memory.
"""

import re
from typing import Final

from translate.backend.sse import SseSplitter
from translate.text import PLAIN, unescaped

LINE_END: Final = re.compile(rb"[\r\n]")
MAX_AWAITED: Final = 64 * 1024
"""How many bytes of a piece to wait for; a longer one is none of the steady state."""
MAX_PASSED: Final = 8 * 1024
"""A longer piece is decoded, so that it can be split into pieces that clients can take."""


class FastPath:
    """Arm it with the bytes around the text of a record that was parsed in full."""

    __slots__ = ("_cumulative", "_head", "_known", "_tail", "armed")

    def __init__(self) -> None:
        self.armed = False
        self._head = bytearray()
        self._tail = b""
        self._cumulative = False
        self._known = 0  # bytes of the unfinished record that were looked at, and fit so far

    def arm(self, head: bytes, tail: bytes, *, cumulative: bool) -> None:
        """Take records that begin with `head`, framed as lines, and end with `tail`, which ends in no space.

        With `cumulative` the text is repeated in each record: the next one begins with this one's.
        """
        self._head = bytearray(head)
        self._tail = tail
        self._cumulative = cumulative
        self._known = 0
        self.armed = True

    def disarm(self) -> None:
        """Leave all records to the full parse, until it is armed again."""
        self.armed = False

    @property
    def waiting(self) -> bool:
        """The beginning of a record that fits is in the buffer: `must_wait` says how long to wait for it."""
        return self._known > 0

    def take_plain(self, sse: SseSplitter) -> list[bytes]:
        """Take records from `sse` as long as their pieces are plain; return the pieces that are not empty."""
        buffer, head, tail, cumulative = sse.buffer, self._head, self._tail, self._cumulative
        behind, is_plain, pos = len(tail), PLAIN.fullmatch, sse.pos
        pieces: list[bytes] = []
        while buffer.startswith(head, pos):
            start = pos + len(head)
            end = buffer.find(b"\n", start)
            if end < 0 or not buffer.startswith(b"\n", end + 1):
                break
            stop = end - behind
            if not buffer.endswith(tail, start, end) and (stop := self._padded(buffer, start, end)) < 0:
                break
            if stop > start:
                piece = bytes(buffer[start:stop])
                if stop - start > MAX_PASSED or not is_plain(piece):
                    break
                pieces.append(piece)
                if cumulative:
                    head += piece
            pos = end + 2
        sse.pos = pos
        return pieces

    def take(self, sse: SseSplitter) -> tuple[bytes, str] | None:
        """Take one record, whatever its piece; return the piece, escaped and decoded, or None if there is
        none.
        """
        buffer, head = sse.buffer, self._head
        if not buffer.startswith(head, sse.pos):
            return None
        start = sse.pos + len(head)
        end = buffer.find(b"\n", start)
        stop = self._padded(buffer, start, end) if end >= 0 and buffer.startswith(b"\n", end + 1) else -1
        if stop < 0:
            return None
        piece = bytes(buffer[start:stop])
        try:
            text = unescaped(piece)
        except ValueError:
            return None
        if self._cumulative:
            head += piece
        sse.pos = end + 2
        return piece, text

    def _padded(self, buffer: bytearray, start: int, end: int) -> int:
        """Where the tail begins that ends at `end`, perhaps with spaces behind it; or -1."""
        end = start + len(buffer[start:end].rstrip(b" "))
        return end - len(self._tail) if buffer.endswith(self._tail, start, end) else -1

    def must_wait(self, sse: SseSplitter) -> bool:
        """Whether what is left in `sse` is the beginning of such a record, and not all of it.

        It is then better left until the rest has come: read line by line, it would be lost to the fast path.
        Only an armed fast path may be asked. What it has seen of a record it does not look at again.
        """
        head, buffer, pos, known = self._head, sse.buffer, sse.pos, self._known
        size, left = len(head), len(buffer) - pos
        self._known = 0
        if known < size and buffer[pos + known : pos + size] != head[known:left]:
            return False
        if left > size:
            if left - size > MAX_AWAITED:
                return False
            end = LINE_END.search(buffer, pos + max(size, known - 1))
            if end is not None and (end[0] == b"\r" or end.end() < len(buffer)):
                return False
        self._known = left
        return True
