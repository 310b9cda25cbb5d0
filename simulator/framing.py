"""Records to bytes: line ends, padding, pings, comments, and the end of the stream."""

from datetime import UTC, datetime

from simulator.dialects import Frame

NEWLINES = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


class Framer:
    """Frames the records of one stream. ``padding``: payloads grow by spaces to a multiple of it, 0 for none.

    ``lagging`` keeps each record's last line end back until the next one, so that the last has none.
    """

    def __init__(self, newline: str, padding: int, *, comments: bool, lagging: bool) -> None:
        self._newline = NEWLINES[newline]
        self._padding = padding
        self._comments = comments
        self._lagging = lagging
        self._owed = b""
        self._count = 0

    def record(self, frame: Frame) -> bytes:
        """One data record."""
        line = self._newline
        name = b"event: " + frame.event.encode() + line if frame.event else b""
        fill = b" " * (-sum(map(len, frame.payload)) % self._padding) if self._padding else b""
        self._count += 1
        before = self._decoration() if self._comments else b""
        owed = self._owed
        end = line + line
        if self._lagging:
            self._owed, end = end, b""
        return b"".join((owed, before, name, b"data: ", *frame.payload, fill, end))

    def ping(self, now: float) -> bytes:
        """A ping: always with CRLF, whatever the data records use, as the server library of 2023 wrote it."""
        owed, self._owed = self._owed, b""
        stamp = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)
        return owed + f"event: ping\r\ndata: {stamp}\r\n\r\n".encode()

    def last(self, *, terminated: bool) -> bytes:
        """``data: [DONE]``."""
        record = self.record(Frame((b"[DONE]",)))
        return record if terminated else record.rstrip(b"\r\n")

    def _decoration(self) -> bytes:
        line = self._newline
        return {
            1: b": stream open" + line + line,
            2: b"id: %d" % self._count + line,
            3: b"retry: 3000" + line,
            0: b": ping - comment" + line + line,
        }.get(self._count % 7, b"")
