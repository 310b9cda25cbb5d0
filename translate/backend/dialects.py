"""The two ways in which a record says how the turn stands; both give envelopes for the one interpreter.

A dialect also knows how its records look while a message only grows, and arms the fast path for them.
"""

import re
from typing import Final, Protocol

from translate.backend.delta import DELTA_FIELDS, DeltaMismatch, DeltaState
from translate.backend.fast_path import FastPath
from translate.backend.sse import Record
from translate.text import SourceText, unescaped
from translate.values import JsonObject

PREFIX: Final = b"data: "
TEXT_START = re.compile(rb'"content":\s*\{[^{}]*?"(?:parts":\s*\[|text":)\s*"')
BARE_APPENDS: Final = (b'{"v": "', b'{"v":"')
"""How delta v1 begins a record that appends to the text of the record before."""


class Dialect(Protocol):
    """One dialect."""

    def envelope(self, value: JsonObject, grown: SourceText | None) -> tuple[JsonObject | None, bool]:
        """Take a record, parsed to `value`. Return the envelope as it stands now, and whether all was
        understood.

        `grown` is the text that has grown on the fast path since the last record, if it has.
        """
        ...

    def arm(self, fast_path: FastPath, record: Record, text: SourceText) -> None:
        """Arm `fast_path` for records that lengthen the message of `record`, whose text is `text`.

        If the record is unusual, the fast path stays as it is: disarmed.
        """
        ...


class SnapshotDialect:
    """Each record is a whole envelope (protocol notes, section 7)."""

    def envelope(self, value: JsonObject, grown: SourceText | None) -> tuple[JsonObject | None, bool]:
        """See `Dialect`."""
        return value, True

    def arm(self, fast_path: FastPath, record: Record, text: SourceText) -> None:
        """See `Dialect`."""
        data = record.data
        match = TEXT_START.search(data)
        if match is None:
            return
        start = match.end()
        end = _closing_quote(data, start)
        try:
            if unescaped(data[start:end]) != text.text:
                return
        except ValueError:
            return
        fast_path.arm(PREFIX + data[:end], data[end:].rstrip(b" "), cumulative=True)


class DeltaDialect:
    """Records change a tree, which is an envelope (protocol notes, section 13).

    A bare `{"v": "..."}` appends to a text once that path has been set.
    """

    def __init__(self) -> None:
        self._delta = DeltaState()
        self._start = BARE_APPENDS[0]
        self._is_delta = False

    def envelope(self, value: JsonObject, grown: SourceText | None) -> tuple[JsonObject | None, bool]:
        """See `Dialect`."""
        if grown is not None:
            self._delta.set_text(grown.text)
        self._is_delta = not DELTA_FIELDS.isdisjoint(value)
        if not self._is_delta:
            return value, True  # a snapshot among deltas
        understood = True
        try:
            self._delta.apply(value)
        except DeltaMismatch:
            understood = False
        return self._delta.tree if "message" in self._delta.tree else None, understood

    def arm(self, fast_path: FastPath, record: Record, text: SourceText) -> None:
        """See `Dialect`."""
        # The text at the path must be all of the message's: it has no other parts, nothing was taken back.
        if self._is_delta and self._delta.op == "append" and self._delta.text() == text.text:
            self._start = next(
                (start for start in BARE_APPENDS if record.data.startswith(start)), self._start
            )
            event = b"event: %b\n" % record.event if record.event else b""
            fast_path.arm(event + PREFIX + self._start, b'"}', cumulative=False)


def _closing_quote(data: bytes, start: int) -> int:
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
