"""Records to bytes: line ends, padding, pings, comments, end of the stream (protocol notes, section 6)."""

from datetime import UTC, datetime

from simulator.dialects import Record

LINE_ENDS = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


class StreamFramer:
    """Writes the records of one stream as bytes.

    `newline` is a key of `LINE_ENDS`. `padding`: spaces are added to a payload up to a multiple of so many
    bytes, none for 0. `comments` inserts comment, id and retry lines. With `delays_line_end` the last line
    end of a record comes with the next record, so that the last record has none.
    """

    def __init__(self, newline: str, padding: int, *, comments: bool, delays_line_end: bool) -> None:
        self._newline = LINE_ENDS[newline]
        self._padding = padding
        self._comments = comments
        self._delays_line_end = delays_line_end
        self._delayed = b""
        self._count = 0

    def record_bytes(self, record: Record) -> bytes:
        """One data record."""
        line = self._newline
        name = b"event: " + record.event.encode() + line if record.event else b""
        fill = b" " * (-sum(map(len, record.payload)) % self._padding) if self._padding else b""
        self._count += 1
        before = self._decoration() if self._comments else b""
        delayed = self._delayed
        end = line + line
        if self._delays_line_end:
            self._delayed, end = end, b""
        return b"".join((delayed, before, name, b"data: ", *record.payload, fill, end))

    def ping_bytes(self, now: float) -> bytes:
        """A ping with the time `now` in Unix seconds; it has CRLF, whatever line end the records have."""
        delayed, self._delayed = self._delayed, b""
        stamp = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)
        return delayed + f"event: ping\r\ndata: {stamp}\r\n\r\n".encode()

    def done_bytes(self, *, terminated: bool) -> bytes:
        """`data: [DONE]`, without a line end unless `terminated`."""
        done = self.record_bytes(Record((b"[DONE]",)))
        return done if terminated else done.rstrip(b"\r\n")

    def _decoration(self) -> bytes:
        line = self._newline
        return {
            1: b": stream open" + line + line,
            2: b"id: %d" % self._count + line,
            3: b"retry: 3000" + line,
            0: b": ping - comment" + line + line,
        }.get(self._count % 7, b"")
