"""The steady state of a stream without JSON: records recognised by comparing bytes.

While a message only grows, each record is `head`, the new piece of its text, and `tail`. In the snapshot
dialect `head` is the record before it up to the end of its text and grows with each piece, `tail` is the
rest of that record; in delta v1 both are always the same. What lies between is the piece, JSON-escaped.
Plain pieces go into the answer unread, others are decoded; any other difference is left to the full parse.
So the cost of a delta does not grow with the answer, apart from one comparison in memory.
"""

from typing import Final

from translate.backend.sse import SseSplitter
from translate.text import PLAIN, unescaped

MAX_PADDING: Final = 64
"""Spaces behind a record; more are none of the steady state."""
MAX_AWAITED: Final = 64 * 1024
"""How many bytes of a piece to wait for; a longer one is none of the steady state."""
MAX_PASSED: Final = 8 * 1024
"""A longer piece is decoded, so that it can be split into pieces that clients can take."""


class FastPath:
    """Arm it with the bytes around the text of a record that was parsed in full."""

    __slots__ = ("_cumulative", "_head", "_tail", "armed", "seen", "taken")

    def __init__(self) -> None:
        self.armed = False
        self._head = bytearray()
        self._tail = b""
        self._cumulative = False
        self.taken = 0
        """How many records were taken."""
        self.seen = 0
        """Bytes of an unfinished record that were looked at and fit; `must_wait` tells about the others."""

    def arm(self, head: bytes, tail: bytes, *, cumulative: bool) -> None:
        """Take records that begin with `head`, framed as lines, and end with `tail`.

        With `cumulative` the text is repeated in each record: the next one begins with this one's.
        """
        self._head = bytearray(head)
        self._tail = tail
        self._cumulative = cumulative
        self.seen = 0
        self.armed = True

    def disarm(self) -> None:
        """Leave all records to the full parse, until it is armed again."""
        self.armed = False

    def take_plain(self, sse: SseSplitter) -> list[bytes]:
        """Take records from `sse` as long as their pieces are plain; return the pieces that are not empty."""
        buffer, head, tail, cumulative = sse.buffer, self._head, self._tail, self._cumulative
        behind, is_plain, pos = len(tail), PLAIN.fullmatch, sse.pos
        pieces: list[bytes] = []
        empty = 0
        while buffer.startswith(head, pos):
            start = pos + len(head)
            end = buffer.find(b"\n\n", start)
            if end < 0:
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
            else:
                empty += 1
            pos = end + 2
        sse.pos = pos
        self.taken += len(pieces) + empty
        return pieces

    def take(self, sse: SseSplitter) -> tuple[bytes, str] | None:
        """Take one record, whatever its piece; return the piece, escaped and decoded, or None if there is
        none.
        """
        buffer, head = sse.buffer, self._head
        if not buffer.startswith(head, sse.pos):
            return None
        start = sse.pos + len(head)
        end = buffer.find(b"\n\n", start)
        stop = self._padded(buffer, start, end) if end >= 0 else -1
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
        self.taken += 1
        return piece, text

    def _padded(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Where the tail begins that ends at `end`, perhaps with spaces behind it; or -1."""
        behind = len(self._tail)
        stop = buffer.rfind(self._tail, max(start, end - behind - MAX_PADDING), end)
        return -1 if stop < 0 or buffer[stop + behind : end].strip(b" ") else stop

    def must_wait(self, sse: SseSplitter) -> bool:
        """Whether what is left in `sse` is the beginning of such a record, and not all of it.

        It is then better left until the rest has come: read line by line, it would be lost to the fast path.
        Only an armed fast path may be asked. What it has seen of a record it does not look at again.
        """
        buffer, pos, known = sse.buffer, sse.pos, self.seen
        self.seen = 0
        if pos == len(buffer):
            return True
        head = self._head
        size, left = len(head), len(buffer) - pos
        if known < size and buffer[pos + known : pos + size] != head[known:left]:
            return False
        if left > size:
            if left - size > MAX_AWAITED:
                return False
            start, end = pos + max(size, known - 1), len(buffer)
            line_end = buffer.find(b"\n", start)
            if 0 <= line_end < end - 1 or buffer.find(b"\r", start, line_end if line_end >= 0 else end) >= 0:
                return False
        self.seen = left
        return True
