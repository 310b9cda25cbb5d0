"""Bytes of an event stream to records, however they were cut.

The backend writes LF-ended records and, in between, CRLF-ended pings (an old sse-starlette habit);
the last record may end without any line end; payloads may be padded with spaces. Lines may end
with LF, CRLF or CR, records may be cut anywhere and come several per chunk.
"""

import json
from dataclasses import dataclass

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""Tool output with inlined notebook messages reaches MiB; beyond this a stream is out of its mind."""


class RecordTooLarge(ValueError):
    """One record, or one line, exceeded the limit: the stream cannot be trusted any further."""


@dataclass(frozen=True, slots=True)
class Record:
    """One dispatched record: ``event`` is empty if unnamed, ``data`` has its lines joined by LF."""

    event: bytes
    data: bytes


def unglued(data: bytes) -> list[bytes]:
    """The payloads in ``{...}data: {...}data: [DONE]``, records that a relay wrote on one line.

    Whatever else it is comes back as it is.
    """
    found, at, decoder = [], 0, json.JSONDecoder()
    try:
        text = data.decode()
        while at < len(text) and not text.startswith("[DONE]", at):
            end = decoder.raw_decode(text, at)[1]
            found.append(text[at:end].encode())
            rest = text[end:].lstrip()
            if not rest:
                return found
            if not rest.startswith("data:"):
                return [data]
            at = len(text) - len(rest.removeprefix("data:").lstrip())
    except (ValueError, RecursionError):
        return [data]
    return [*found, text[at:].encode()]


class SseSplitter:
    """Call :meth:`push` with each chunk, then :meth:`next` until it gives None; at the end :meth:`flush`.

    ``buffer`` and ``pos`` are open to a fast reader (see :mod:`translate.backend.fast_path`): where
    :attr:`at_boundary` holds, a record begins at ``buffer[pos]``, and the reader may consume whole
    LF-framed records by moving ``pos`` behind them.
    """

    __slots__ = ("_data", "_event", "_held", "_max", "_scan", "_skip_lf", "_started", "buffer", "pos")

    def __init__(self, max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        self.buffer = bytearray()
        self.pos = 0
        self._scan = 0  # no line end lies between pos and here
        self._skip_lf = False  # the last line ended in a CR that was the last byte we had
        self._started = False
        self._event = b""
        self._data: list[bytes] = []
        self._held = 0
        self._max = max_record_bytes

    def push(self, chunk: bytes) -> None:
        """Take over ``chunk``; what was consumed before is dropped here."""
        if self.pos:
            del self.buffer[: self.pos]
            self._scan = max(0, self._scan - self.pos)
            self.pos = 0
        self.buffer += chunk
        if not self._started:
            self._drop_bom()

    @property
    def at_boundary(self) -> bool:
        """No field of a record has been read yet: a record begins at ``pos``."""
        return not (self._data or self._event or self._skip_lf)

    def next(self) -> Record | None:
        """The next whole record, or None when more bytes are needed.

        Raises RecordTooLarge.
        """
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
        """At the end of input: the last record even if its line end or blank line is missing."""
        rest = bytes(self.buffer[self.pos :])
        self.pos = len(self.buffer)
        if self._skip_lf and rest.startswith(b"\n"):
            rest = rest[1:]
        if rest:
            self._field(rest)
        return self._dispatch()

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
        start = max(self._scan, self.pos)
        lf = buffer.find(b"\n", start)
        end = lf if lf >= 0 else len(buffer)
        cr = buffer.find(b"\r", start, end)
        if cr >= 0:
            end = cr
        elif lf < 0:
            self._scan = end
            return None
        line = bytes(buffer[self.pos : end])
        self.pos = end + 1
        if cr >= 0:
            if self.pos < len(buffer):
                if buffer[self.pos] == 0x0A:
                    self.pos += 1
            else:
                self._skip_lf = True
        self._scan = self.pos
        return line

    def _field(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            value = line[6:] if line.startswith(b"data: ") else line[5:]
            self._hold(value)
        elif line.startswith(b"event:"):
            self._event = line[6:].strip()
        elif line.startswith(b"{"):
            # A JSON body in place of a stream: the backend (or its proxy) answers some errors so.
            self._hold(line)
        # Comments, id, retry and unknown fields carry nothing for us.

    def _hold(self, value: bytes) -> None:
        self._held += len(value) + 1
        if self._held > self._max:
            raise RecordTooLarge(f"a record exceeds {self._max} bytes")
        self._data.append(value)

    def _dispatch(self) -> Record | None:
        record = Record(self._event, b"\n".join(self._data)) if self._data else None
        self._event = b""
        self._data.clear()
        self._held = 0
        return record
