"""The steady state of a stream without JSON: records recognised by comparing bytes.

While a message only grows, each record is `head`, the new piece of its text, and `tail`. In the snapshot
dialect `head` is the record before it up to the end of its text and grows with each piece, `tail` is the
rest of that record; in delta v1 both are always the same. What lies between is the piece, JSON-escaped.
Plain pieces go into the answer unread, others are decoded; any other difference is left to the full parse.
So the cost of a delta does not grow with the answer, apart from one comparison in memory.
"""

from collections.abc import Callable
from typing import Final

from translate.backend.sse import SseSplitter
from translate.text import PLAIN, unescaped

MAX_PADDING: Final = 64
"""Spaces behind a record; more are none of the steady state."""
MAX_AWAITED: Final = 64 * 1024
"""How many bytes of a piece to wait for; a longer one is none of the steady state."""
MAX_PASSED: Final = 8 * 1024
"""A longer piece is decoded, so that it can be split into pieces that clients can take."""


def is_plain(piece: bytes) -> bool:
    """Whether a piece, JSON-escaped, may go into the answer unread."""
    return len(piece) <= MAX_PASSED and PLAIN.fullmatch(piece) is not None


def closing_quote(data: bytes | bytearray, start: int) -> int:
    """Where the string that began at `start` of valid JSON ends."""
    end = data.find(b'"', start)
    while end > start and data[end - 1] == 0x5C:
        slashes = 1
        while end - slashes > start and data[end - slashes - 1] == 0x5C:
            slashes += 1
        if slashes % 2 == 0:
            break
        end = data.find(b'"', end + 1)
    return end


class FastPath:
    """Arm it with the bytes around the text of a record that was parsed in full."""

    __slots__ = ("_cumulative", "_then", "armed", "head", "seen", "tail", "taken")

    def __init__(self) -> None:
        self.armed = False
        self.head = bytearray()
        """How the next record begins."""
        self.tail = b""
        """What stands behind the text."""
        self._cumulative = False
        self._then: bytes | None = None
        self.taken = 0
        """How many records were taken."""
        self.seen = 0
        """Bytes of an unfinished record that were looked at and fit; `must_wait` tells about the others."""

    @property
    def has_begun(self) -> bool:
        """The first record was taken, if that was to begin otherwise than those behind it."""
        return self._then is None

    def arm(self, head: bytes, tail: bytes, *, cumulative: bool, then: bytes | None = None) -> None:
        """Take records that begin with `head`, framed as lines, and end with `tail`.

        With `cumulative` the text is repeated in each record: the next one begins with this one's.
        With `then`, all but the first begin with that.
        """
        self._then = then
        self.head = bytearray(head)
        self.tail = tail
        self._cumulative = cumulative
        self.seen = 0
        self.armed = True

    def disarm(self) -> None:
        """Leave all records to the full parse, until it is armed again."""
        self.armed = False

    def take_plain(self, sse: SseSplitter) -> list[bytes]:
        """Take records from `sse` as long as their pieces are plain; return the pieces that are not empty."""
        buffer, head, tail, cumulative = sse.buffer, self.head, self.tail, self._cumulative
        behind, framed, is_plain, pos = len(tail), tail + b"\n\n", PLAIN.fullmatch, sse.pos
        pieces: list[bytes] = []
        empty = 0
        while buffer.startswith(head, pos):
            start = pos + len(head)
            end = buffer.find(b"\n", start)  # of one byte, which is far quicker in a long record than of two
            if end < 0:
                break
            stop, after = end - behind, end + 2
            if not buffer.endswith(framed, start, after) and (stop := self._padded(buffer, start, end)) < 0:
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
            pos = after
        sse.pos = pos
        self.taken += len(pieces) + empty
        if self._then is not None and (pieces or empty):
            self._go_on(self._then)
            pieces += self.take_plain(sse)
        return pieces

    def skip_outgrown(self, sse: SseSplitter) -> None:
        """Leave out snapshots in `sse` whose text the next one there begins with: that one brings it all."""
        if not self._cumulative:
            return
        buffer, head, tail, pos = sse.buffer, self.head, self.tail, sse.pos
        size, behind = len(head), len(tail)
        last, outgrown, growth = pos, -1, buffer[:0]
        while buffer.startswith(head, pos) and buffer.startswith(growth, start := pos + size):
            end = buffer.find(b"\n\n", start + len(growth))
            if end < 0 or not buffer.endswith(tail, start + len(growth), end):
                break
            last, pos, growth = pos, end + 2, buffer[start : end - behind]
            outgrown += 1
        if outgrown > 0:
            sse.pos = last
            self.taken += outgrown

    def take(self, sse: SseSplitter) -> tuple[bytes, str] | None:
        """Take one record, whatever its piece; return the piece, escaped and decoded, or None if there is
        none.
        """
        buffer, head = sse.buffer, self.head
        if not buffer.startswith(head, sse.pos):
            return None
        start = sse.pos + len(head)
        end = buffer.find(b"\n", start)
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
        if self._then is not None:
            self._go_on(self._then)
        sse.pos = end + 2
        self.taken += 1
        return piece, text

    def _go_on(self, head: bytes) -> None:
        """The first record was taken."""
        self.head, self._then = bytearray(head), None

    def take_wider(
        self, sse: SseSplitter, at: int, read: Callable[[bytes], list[object] | None]
    ) -> tuple[bytes, str, list[object]] | None:
        """Take one record in whose tail something is put in `at` this place, of which `read` makes objects.

        Return the piece, escaped and decoded, and these; None if there is no such record.
        """
        buffer, head, tail = sse.buffer, self.head, self.tail
        if not (self._cumulative and buffer.startswith(head, sse.pos)):
            return None
        start = sse.pos + len(head)
        end = buffer.find(b"\n", start)
        if end < 0 or not buffer.startswith(b"\n", end + 1):
            return None
        stop = closing_quote(buffer, start)
        if not start <= stop < end:
            return None
        piece, wider = bytes(buffer[start:stop]), bytes(buffer[stop:end]).rstrip(b" ")
        behind = at + len(wider) - len(tail)
        if behind <= at or wider[:at] != tail[:at] or wider[behind:] != tail[at:]:
            return None
        try:
            text = unescaped(piece)
        except ValueError:
            return None
        if (found := read(wider[at:behind])) is None:
            return None
        head += piece
        self.tail = wider
        sse.pos = end + 2
        self.taken += 1
        return piece, text, found

    def _padded(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Where the tail begins that ends at `end`, perhaps with spaces behind it; or -1 if none does."""
        if not buffer.startswith(b"\n", end + 1):
            return -1
        last = buffer[max(start, end - MAX_PADDING) : end]
        stop = end - len(last) + len(last.rstrip(b" ")) - len(self.tail)
        return stop if stop >= start and buffer.startswith(self.tail, stop) else -1

    def must_wait(self, sse: SseSplitter) -> bool:
        """Whether what is left in `sse` is the beginning of such a record, and not all of it.

        It is then better left until the rest has come: read line by line, it would be lost to the fast path.
        Only an armed fast path may be asked. What it has seen of a record it does not look at again.
        """
        buffer, pos, known = sse.buffer, sse.pos, self.seen
        self.seen = 0
        if pos == len(buffer):
            return True
        head = self.head
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
