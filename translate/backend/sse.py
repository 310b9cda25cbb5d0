"""Splits the bytes of an event stream into records (protocol notes, section 6).

The backend ends the lines of its records with LF and those of the pings in between with CRLF, as old versions
of sse-starlette do. Any line may end with LF, CRLF or CR; a chunk may hold several records or cut one
anywhere; payloads may be padded with spaces; the last record may lack its line ends.
"""

import json
import re
from typing import NamedTuple

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""Longest record that is read. Tool output with notebook messages inside reaches some MiB."""
RESTING_BYTES = 4096
"""Up to so many bytes that were consumed stay until the next ones come."""
NO_CONTENT = (b":", b"id:", b"retry:")
"""How comments begin, and the fields that carry nothing for us."""
PING = b"ping"
"""The event of pings."""
NEEDS_DATA = (b"message", b"delta", b"delta_encoding")
"""Events of answers, which never come without data."""
STRANGE = re.compile(rb'["\x00-\x08\x0b-\x1f\x7f]')
"""In none of the lines without content. One with a quote in it has run into a record."""
LINE_COST = 64
"""Bytes for which each data line counts besides its own, since it is an object in memory."""
GLUE = re.compile(r"\s*(?:(data:)\s*|\Z)")
"""What stands behind a payload: the end, or the beginning of a glued one."""
MAX_NAME = 40
"""Bytes of a line with the name of an event that is looked for at a glance."""
UNREADABLE = b"\xff"
"""No UTF-8: a record with this byte in its data is read by nobody."""


class RecordTooLarge(ValueError):
    """A record, or a line, exceeds the limit; the rest of the stream cannot be read."""


class Record(NamedTuple):
    """One record: `event` is its name, empty if it has none; `data` has its data lines joined by LF."""

    event: bytes
    data: bytes


def _is_clean(line: bytes) -> bool:
    """Whether a line is text that cannot have run into a record behind it."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return STRANGE.search(line) is None


def unglued(data: bytes) -> list[bytes]:
    """The payloads in `{...}data: {...}data: [DONE]`: some relays write several records on one line.

    Data of any other form is returned as the only payload.
    """
    found, at, decoder = [], 0, json.JSONDecoder()
    try:
        text = data.decode()
        while at < len(text) and not text.startswith("[DONE]", at):
            end = decoder.raw_decode(text, at)[1]
            found.append(text[at:end].encode())
            glue = GLUE.match(text, end)
            if glue is None:
                return [data]
            if glue[1] is None:
                return found
            at = glue.end()
    except (ValueError, RecursionError):
        return [data]
    return [*found, text[at:].encode()]


class SseSplitter:
    """Splits one stream: `push` each chunk, then call `next` until it returns None; at the end `flush`.

    `buffer` holds the bytes that are not consumed yet, from `pos` on: a chunk as it came, if it ended with a
    record, as it does while the backend is slower than we are. Both are open to the fast path: where
    `at_boundary` holds, a record begins at `buffer[pos]`, and the fast path may consume whole records with
    LF line ends by moving `pos` behind them. A record of more than `max_record_bytes` is refused.
    """

    __slots__ = (
        "_data",
        "_event",
        "_held",
        "_lf",
        "_max",
        "_scan",
        "_skip_lf",
        "_started",
        "buffer",
        "ends_in_cr",
        "pos",
    )

    def __init__(self, max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        self.buffer: bytes | bytearray = b""
        self.pos = 0
        self.ends_in_cr = False
        """The last line ended in CR or CRLF, which are not for the fast path."""
        self._scan = 0  # no line end lies between pos and here
        self._lf = 0  # no LF lies between pos and here
        self._skip_lf = False  # the last line ended in a CR that was the last byte we had
        self._started = False
        self._event = b""
        self._data: list[bytes] = []
        self._held = 0
        self._max = max_record_bytes

    def push(self, chunk: bytes) -> None:
        """Put `chunk` behind what is not consumed yet."""
        if self.pos == len(self.buffer):
            self._begin_with(chunk)
        else:
            self._drop_consumed()
            self.buffer += chunk
        if not self._started:
            self._drop_bom()

    def rest(self) -> None:
        """Keep no more memory than is needed: the next `push` may be long in coming."""
        if self.pos == len(self.buffer):
            self._begin_with(b"")
        elif self.pos > RESTING_BYTES:
            self._drop_consumed()

    @property
    def at_boundary(self) -> bool:
        """Whether a record begins at `pos`: no field of one has been read yet."""
        return not (self._data or self._event or self._skip_lf)

    def next(self) -> Record | None:
        """The next whole record; None when more bytes are needed. Raises RecordTooLarge."""
        if (usual := self._usual()) is not None:
            return usual
        while True:
            line = self._next_line()
            if line is None:
                if len(self.buffer) - self.pos + self._held > self._max:
                    raise RecordTooLarge(f"a record exceeds {self._max} bytes")
                return None
            if line:
                self._field(line)
            elif (record := self._dispatch()) is not None:
                return record

    def flush(self) -> Record | None:
        """At the end of input: the last record if its line end or blank line is missing, else None."""
        rest = bytes(self.buffer[self.pos :])
        self.pos = len(self.buffer)
        if self._skip_lf and rest.startswith(b"\n"):
            rest = rest[1:]
        if rest:
            self._field(rest)
        return self._dispatch()

    def _usual(self) -> Record | None:
        """The next record, if it has the usual form, is whole, and is looked at for the first time."""
        buffer, start, event = self.buffer, self.pos, b""
        if self._scan > start or self._lf > start or not (self._started and self.at_boundary):
            return None
        if buffer.startswith(b"event: ", start):
            end = buffer.find(b"\n", start, start + MAX_NAME)
            event = bytes(buffer[start + 7 : end])
            if end < 0 or not event.isalpha():
                return None
            start = end + 1
        if not buffer.startswith(b"data: ", start):
            return None
        end = buffer.find(b"\n", start)
        if end < 0 or not buffer.startswith(b"\n", end + 1) or end - start > self._max:
            return None
        data = bytes(buffer[start + 6 : end])
        if b"\r" in data:
            return None
        self.pos = self._scan = self._lf = end + 2
        self.ends_in_cr = False
        return Record(event, data)

    def _begin_with(self, chunk: bytes) -> None:
        self.buffer = chunk
        self.pos = self._scan = self._lf = 0

    def _drop_consumed(self) -> None:
        buffer = self.buffer
        if isinstance(buffer, bytes):
            self.buffer = bytearray(memoryview(buffer)[self.pos :])
        else:
            del buffer[: self.pos]
        self._scan = max(0, self._scan - self.pos)
        self._lf = max(0, self._lf - self.pos)
        self.pos = 0

    def _drop_bom(self) -> None:
        bom = b"\xef\xbb\xbf"
        if self.buffer.startswith(bom):
            self.pos = 3
        self._started = len(self.buffer) >= 3 or not bom.startswith(bytes(self.buffer))

    def _next_line(self) -> bytes | None:
        buffer = self.buffer
        if not self._started:
            return None
        if self._skip_lf:
            if self.pos == len(buffer):
                return None
            if buffer[self.pos] == 0x0A:
                self.pos += 1
            self._skip_lf = False
        lf = end = self._next_lf()
        cr = buffer.find(b"\r", max(self._scan, self.pos), lf)
        if cr >= 0:
            end = cr
        elif lf == len(buffer):
            self._scan = end
            return None
        line = bytes(buffer[self.pos : end])
        self.pos = end + 1
        self.ends_in_cr = cr >= 0
        if cr >= 0:
            if self.pos < len(buffer):
                if buffer[self.pos] == 0x0A:
                    self.pos += 1
            else:
                self._skip_lf = True
        self._scan = self.pos
        return line

    def _next_lf(self) -> int:
        """Where the next LF is, or the end of the buffer; looked for once, however many CR come before it."""
        buffer, lf = self.buffer, max(self._lf, self.pos)
        if not buffer.startswith(b"\n", lf):
            lf = buffer.find(b"\n", lf)
        self._lf = lf if lf >= 0 else len(buffer)
        return self._lf

    def _field(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            value = line[6:] if line.startswith(b"data: ") else line[5:]
            self._hold(value)
        elif line.startswith(b"event:") and _is_clean(line):
            self._event = line[6:].strip()
        elif line.startswith(b"{"):
            # A JSON body in place of a stream: some errors come so (protocol notes, section 14.2).
            self._hold(line)
        elif not (line.startswith(NO_CONTENT) and _is_clean(line)):
            self._hold(UNREADABLE + line)  # a damaged line, which may have been data

    def _hold(self, value: bytes) -> None:
        self._held += len(value) + (LINE_COST if self._data else 1)
        if self._held > self._max:
            raise RecordTooLarge(f"a record exceeds {self._max} bytes")
        self._data.append(value)

    def _dispatch(self) -> Record | None:
        if not self._data and (self._event in NEEDS_DATA or b"data:" in self._event):
            self._data.append(UNREADABLE)  # the data may have run into the line of the name
        record = Record(self._event, b"\n".join(self._data)) if self._data else None
        self._event = b""
        self._data.clear()
        self._held = 0
        return record
