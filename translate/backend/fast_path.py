"""Growth recognised by comparing bytes: the steady state of the snapshot dialect costs no JSON.

There an event is the previous one with a longer text in the middle. Once a message is known, the
next event is matched against ``head`` (the previous record up to the end of its text) and ``tail``
(the rest of it); what lies between is the new piece, still JSON-escaped. Where the piece is passable
and nothing is held back, it goes into the outgoing chunk unread; else only the piece is decoded. Any
other difference is left to the full parse. So the cost of a delta does not grow with the answer,
apart from one comparison in memory.
"""

import re
from typing import Protocol

from translate.backend.sse import SseSplitter
from translate.text.escape import PASSABLE, unescaped

PREFIX = b"data: "
TEXT_START = re.compile(rb'"content":\s*\{[^{}]*?"(?:parts":\s*\[|text":)\s*"')
MAX_AWAITED = 64 * 1024
"""How much of a piece to wait for; a longer one is none of the steady state."""
MAX_PASSED = 8 * 1024
"""A longer piece is decoded, so that the writer can split it into lines that clients can take."""


def begins_with(sse: SseSplitter, head: bytes | bytearray) -> bool:
    """Whether what is left is the beginning of a record that begins with ``head``, and not all of it.

    It is then better left until the rest has come: read line by line, it would be lost to the fast road.
    """
    buffer, pos, size = sse.buffer, sse.pos, len(head)
    left = len(buffer) - pos
    if left <= size:
        return head.startswith(bytes(buffer[pos:]))
    if left - size > MAX_AWAITED or not buffer.startswith(head, pos):
        return False
    return buffer.find(b"\n\n", pos + size) < 0 and buffer.find(b"\r", pos + size) < 0


class Receiver(Protocol):
    """Who takes the pieces."""

    @property
    def transparent(self) -> bool:
        """Escaped pieces may pass unread: nothing is held back and nothing looks at the text."""
        ...

    def passed(self, piece: bytes) -> None:
        """Take a passable piece, JSON-escaped."""
        ...

    def grew(self, piece: str) -> None:
        """Take a decoded piece."""
        ...


class Growth:
    """Arm it with a record that was parsed in full; then :meth:`run` takes what merely grows it."""

    __slots__ = ("_head", "_tail", "_text_at", "armed", "grown")

    def __init__(self) -> None:
        self.armed = False
        self.grown = False
        self._head = bytearray()
        self._tail = b""
        self._text_at = 0

    def arm(self, data: bytes, text: str) -> None:
        """Learn the record ``data`` whose visible text is ``text``; stay disarmed if it is unusual."""
        self.armed = self.grown = False
        match = TEXT_START.search(data)
        if match is None:
            return
        start = match.end()
        end = _closing_quote(data, start)
        if end < 0:
            return
        try:
            if unescaped(data[start:end]) != text:
                return
        except ValueError:
            return
        self._head = bytearray(PREFIX + data[:end])
        self._tail = data[end:].rstrip(b" ")
        self._text_at = len(PREFIX) + start
        self.armed = True

    def disarm(self) -> str:
        """Stop, and give the whole text as it now stands (needed only if ``grown``)."""
        self.armed = self.grown = False
        return unescaped(self._head[self._text_at :])

    def waits(self, sse: SseSplitter) -> bool:
        """After :meth:`run`: the record that is left will go on like that, but is not whole."""
        return self.armed and begins_with(sse, self._head)

    def run(self, sse: SseSplitter, to: Receiver) -> None:
        """Consume records from ``sse`` as long as they are the armed one with a longer text."""
        buffer, head, tail = sse.buffer, self._head, self._tail
        pos, passable = sse.pos, PASSABLE.fullmatch
        transparent = to.transparent
        while buffer.startswith(head, pos):
            start = pos + len(head)
            end = buffer.find(b"\n\n", start)
            stop = buffer.find(tail, start, end) if end >= 0 else -1
            if stop < 0:
                break
            rest = stop + len(tail)
            if rest != end and buffer[rest:end].strip(b" "):
                break  # more than padding behind the tail
            if stop > start:
                piece = bytes(buffer[start:stop])
                if transparent and len(piece) <= MAX_PASSED and passable(piece):
                    to.passed(piece)
                else:
                    try:
                        text = unescaped(piece)
                    except ValueError:
                        break
                    to.grew(text)
                    transparent = to.transparent
                head += piece
                self.grown = True
            pos = end + 2
            sse.pos = pos


def _closing_quote(data: bytes, start: int) -> int:
    """Where the JSON string that began at ``start`` ends, or -1."""
    end = data.find(b'"', start)
    while end > start and data[end - 1] == 0x5C:
        slashes = 1
        while end - slashes > start and data[end - slashes - 1] == 0x5C:
            slashes += 1
        if slashes % 2 == 0:
            break
        end = data.find(b'"', end + 1)
    return end
