"""The two ways in which a record says how the turn stands; both give envelopes for the one interpreter.

A dialect also knows how its records look while a message only grows, and arms the fast path for them.
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Protocol

from translate.backend.content import last_text_of, text_of
from translate.backend.delta import CONTENT_PATH, DELTA_FIELDS, DeltaMismatch, DeltaState, is_envelope
from translate.backend.fast_path import FastPath
from translate.backend.sse import Record
from translate.text import SourceText, unescaped
from translate.values import JsonObject, object_at, text_at

PREFIX: Final = b"data: "
TEXT_START = re.compile(rb'"content":\s*\{[^{}]*?"(?:parts":\s*\[|text":)\s*"')
SPACED = re.compile(rb'\{"[^"]*": ')
"""How records begin where spaces stand behind the colons."""
BARE_APPENDS: Final = {True: b'{"v": "', False: b'{"v":"'}
"""How delta v1 begins a record that appends to the text of the one before: with such spaces, or without."""
WHOLE_MESSAGE: Final = (("", "add"), (None, "add"), (None, None))
"""Path and operation of the records of delta v1 that give an envelope."""


def is_content(value: JsonObject) -> bool:
    """Whether a record says something of a message; one with a type of its own does not, whatever its words
    are called.
    """
    kind, message = value.get("type"), value.get("message")
    if isinstance(kind, str) and kind != "message":
        return isinstance(message, dict)
    return "message" in value or not DELTA_FIELDS.isdisjoint(value)


class Trouble(Enum):
    """What could not be understood in a record, and left out."""

    NONE = auto()
    TEXTLESS = auto()
    """Something that cannot have touched a text."""
    TEXT = auto()
    """Perhaps a text of the message in the envelope; of any message, if there is no envelope."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A record as a dialect reads it: `envelope` is how its message stands now, None if it has none.

    With `same_text` the text of that message is as it was. If its id has changed, it was `formerly`.
    """

    envelope: JsonObject | None
    trouble: Trouble = Trouble.NONE
    same_text: bool = False
    formerly: str = ""


class Dialect(Protocol):
    """One dialect."""

    @property
    def kept(self) -> int:
        """Bytes of memory that are taken by what is kept of records, about."""
        ...

    def is_whole(self, value: JsonObject) -> bool:
        """Whether a record, parsed to `value`, holds a whole message, so that it needs none before it."""
        ...

    def growth(self, value: JsonObject, text: SourceText) -> str | None:
        """What a record adds to `text`, that of the message that is growing, if it does nothing else."""
        ...

    def read(self, value: JsonObject, data: bytes = b"") -> Reading:
        """Take a record, parsed to `value` from `data`."""
        ...

    def lose(self) -> None:
        """A record could not be read."""
        ...

    def arm(self, fast_path: FastPath, record: Record, text: SourceText) -> None:
        """Arm `fast_path` for records that lengthen the message of `record`, whose text is `text`.

        If the record is unusual, the fast path stays as it is: disarmed.
        """
        ...


class SnapshotDialect:
    """Each record is a whole envelope (protocol notes, section 7)."""

    kept = 0
    """See `Dialect`: nothing is kept."""

    def is_whole(self, value: JsonObject) -> bool:
        """See `Dialect`."""
        return True

    def growth(self, value: JsonObject, text: SourceText) -> str | None:
        """See `Dialect`."""
        return None

    def read(self, value: JsonObject, data: bytes = b"") -> Reading:
        """See `Dialect`."""
        return Reading(value)

    def lose(self) -> None:
        """See `Dialect`: the next record says all."""

    def arm(self, fast_path: FastPath, record: Record, text: SourceText) -> None:
        """See `Dialect`."""
        data = record.data
        match = TEXT_START.search(data)
        if match is None:
            return
        start = match.end()
        end = _closing_quote(data, start)
        try:
            if unescaped(data[start:end]) != text.streamed:
                return
        except ValueError:
            return
        fast_path.arm(PREFIX + data[:end], data[end:].rstrip(b" "), cumulative=True)


@dataclass(frozen=True, slots=True)
class _Growing:
    """Where in the trees a text stands that is growing: `text` is ahead of the tree, which has what is behind
    the first `before` characters of it.
    """

    channel: int
    path: str
    text: SourceText
    before: int = field(default=0, compare=False)


class DeltaDialect:
    """Records change a tree, which is an envelope (protocol notes, section 13).

    A bare `{"v": "..."}` appends to a text once that path has been set. While a text only grows, the tree's
    copy of it is left behind, and brought up to date before something else may touch it.
    """

    def __init__(self) -> None:
        self._delta = DeltaState()
        self._is_delta = False
        self._growing: _Growing | None = None

    @property
    def kept(self) -> int:
        """See `Dialect`: the trees; a text that grows is that of the message."""
        return self._delta.kept

    def is_whole(self, value: JsonObject) -> bool:
        """See `Dialect`."""
        if DELTA_FIELDS.isdisjoint(value):
            return True
        said = value.get("p"), value.get("o")
        return said in WHOLE_MESSAGE and is_envelope(value.get("v"))

    def growth(self, value: JsonObject, text: SourceText) -> str | None:
        """See `Dialect`."""
        growing, delta, piece = self._growing, self._delta, value.get("v")
        if growing is None or growing.text is not text or not isinstance(piece, str) or "message" in value:
            return None
        wanted = {"p": growing.path, "o": "append", "c": growing.channel}
        inherited = {"p": delta.path, "o": delta.op, "c": delta.channel}
        if any(value.get(key, inherited[key]) != wanted[key] for key in wanted) or not text.fits(piece):
            return None
        try:
            delta.begin(value)
        except DeltaMismatch:
            return None
        return piece

    def read(self, value: JsonObject, data: bytes = b"") -> Reading:
        """See `Dialect`."""
        self._is_delta = not DELTA_FIELDS.isdisjoint(value)
        if not self._is_delta:
            self._catch_up()
            return Reading(value)  # a snapshot among deltas
        delta, trouble, same_text = self._delta, Trouble.NONE, False
        changed, formerly = value.get("v"), ""
        try:
            delta.begin(value)
            if delta.gives_id(changed):
                formerly = text_at(object_at(delta.tree, "message"), "id")
            growing = self._growing
            same_text = (
                growing is not None and growing.channel == delta.channel and delta.is_textless(changed)
            )
            if not same_text:
                self._catch_up()
            delta.apply(changed, data)
        except DeltaMismatch as mismatch:
            trouble = Trouble.TEXTLESS if mismatch.textless else Trouble.TEXT
            if not mismatch.textless:
                return Reading(mismatch.message or None, trouble)
        if "message" in delta.tree or delta.tree.get("error"):
            return Reading(delta.tree, trouble, same_text, formerly)
        wreck = trouble is Trouble.NONE and delta.tree and not delta.is_textless(changed)
        return Reading(None, Trouble.TEXT if wreck else trouble)

    def lose(self) -> None:
        """See `Dialect`."""
        self._delta.lose()

    def arm(self, fast_path: FastPath, record: Record, text: SourceText) -> None:
        """See `Dialect`."""
        delta, growing = self._delta, self._growing
        if not self._is_delta or delta.op != "append":
            return
        if growing is None or growing != _Growing(delta.channel, delta.path, text):
            # The text at the path must be the end of the message's, of which nothing was taken back.
            last, whole = last_text_of(delta.content), text_of(delta.content)
            if last is None or delta.path != CONTENT_PATH + last[0] or whole != text.streamed:
                return
            self._growing = _Growing(delta.channel, delta.path, text, len(whole) - len(last[1]))
        event = b"event: %b\n" % record.event if record.event else b""
        start = BARE_APPENDS[SPACED.match(record.data) is not None]
        fast_path.arm(event + PREFIX + start, b'"}', cumulative=False)

    def _catch_up(self) -> None:
        growing, self._growing = self._growing, None
        if growing is not None:
            self._delta.set_text(growing.channel, growing.path, growing.text.streamed[growing.before :])


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
