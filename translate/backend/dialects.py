"""The two ways in which a record says how the turn stands; both give envelopes for the one interpreter.

A dialect also knows how its records look while a message only grows, and arms the fast path for them.
"""

import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Final, Protocol

from translate.backend.content import last_text_of, text_of
from translate.backend.content_citations import ITEMS as CITATION_ITEMS
from translate.backend.content_citations import ReferencesChange
from translate.backend.delta import (
    CONTENT_PATH,
    DELTA_FIELDS,
    DeltaMismatch,
    DeltaState,
    is_envelope,
    touched_references,
)
from translate.backend.fast_path import FastPath, closing_quote
from translate.backend.sse import Record, SseSplitter
from translate.text import SourceText, unescaped
from translate.values import JsonObject, json_object, object_at, strict_json, text_at

PREFIX: Final = b"data: "
TEXT_START = re.compile(rb'"content":\s*\{[^{}]*?"(?:parts":\s*\[|text":)\s*"')
REFERENCES_START = re.compile(rb'"content_references":\s*\[')
SPACED = re.compile(rb'\{"[^"]*": ')
"""How records begin where spaces stand behind the colons."""
PLACED_APPEND = re.compile(rb'\{"p": ?"[^"\\]*", ?"o": ?"[a-z]+", ?"v": ?"')
"""How delta v1 begins a record that appends to a text and says where that stands."""
REFERENCES_APPEND = re.compile(
    rb'(event: \w+\n|)data: \{"p":( ?)"", ?"o": ?"patch", ?"v": ?'
    rb'\[\{"p": ?"/message/metadata/content_references", ?"o": ?"append", ?"v": ?(?=\[)'
)
"""How it begins one that only adds to the references of a message."""
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

    With `same_text` the text of that message is as it was, with `same_citations` what tells of its citations.
    If its id has changed, it was `formerly`.
    """

    envelope: JsonObject | None
    trouble: Trouble = Trouble.NONE
    same_text: bool = False
    formerly: str = ""
    same_citations: bool = False


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

    def references(
        self, value: JsonObject, data: bytes, text: SourceText, known: int
    ) -> ReferencesChange | None:
        """What a record changes among the references of the message that is growing, with this text, of which
        so many are known; None if that is not all it does.
        """
        ...

    def read(self, value: JsonObject, data: bytes = b"") -> Reading:
        """Take a record, parsed to `value` from `data`."""
        ...

    def take_references(
        self, fast_path: FastPath, sse: SseSplitter, known: int
    ) -> tuple[bytes, str, ReferencesChange] | None:
        """Take a record that only lengthens the text for which `fast_path` is armed, and adds references, of
        which so many are known. Return the piece, escaped and decoded, and these.
        """
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

    def __init__(self) -> None:
        self._references = 0  # of the last record
        self._end: int | None = None  # where they end behind its text, if that was looked for

    def is_whole(self, value: JsonObject) -> bool:
        """See `Dialect`."""
        return True

    def growth(self, value: JsonObject, text: SourceText) -> str | None:
        """See `Dialect`."""
        return None

    def references(
        self, value: JsonObject, data: bytes, text: SourceText, known: int
    ) -> ReferencesChange | None:
        """See `Dialect`."""
        return None

    def read(self, value: JsonObject, data: bytes = b"") -> Reading:
        """See `Dialect`."""
        references = object_at(object_at(value, "message"), "metadata").get("content_references")
        self._references = len(references) if isinstance(references, list) else -1
        return Reading(value)

    def take_references(
        self, fast_path: FastPath, sse: SseSplitter, known: int
    ) -> tuple[bytes, str, ReferencesChange] | None:
        """See `Dialect`."""
        if self._references != known:
            return None
        if self._end is None:
            self._end = _end_of_references(fast_path.head, fast_path.tail)
        size = len(fast_path.tail)
        if self._end < 0:
            return None
        taken = fast_path.take_wider(sse, self._end, partial(_more_objects, first=not known))
        if taken is None:
            return None
        escaped, piece, objects = taken
        self._end += len(fast_path.tail) - size
        self._references += len(objects)
        return escaped, piece, ReferencesChange(list(enumerate(objects, known)))

    def lose(self) -> None:
        """See `Dialect`: the next record says all."""

    def arm(self, fast_path: FastPath, record: Record, text: SourceText) -> None:
        """See `Dialect`."""
        data = record.data
        match = TEXT_START.search(data)
        if match is None:
            return
        start = match.end()
        end = closing_quote(data, start)
        try:
            if unescaped(data[start:end]) != text.streamed:
                return
        except ValueError:
            return
        fast_path.arm(PREFIX + data[:end], data[end:].rstrip(b" "), cumulative=True)
        self._end = None


@dataclass(frozen=True, slots=True)
class _Growing:
    """Where in the trees a text stands that is growing: `text` is ahead of the tree, which has what is behind
    the first `before` characters of it.
    """

    channel: int
    path: str
    text: SourceText
    before: int

    def is_place_of(self, delta: DeltaState) -> bool:
        """Whether a bare text would be appended here."""
        return delta.op == "append" and delta.path == self.path and delta.channel == self.channel


class DeltaDialect:
    """Records change a tree, which is an envelope (protocol notes, section 13).

    A bare `{"v": "..."}` appends to a text once that path has been set. While a text only grows, the tree's
    copy of it is left behind, and brought up to date before something else may touch it.
    """

    def __init__(self) -> None:
        self._delta = DeltaState()
        self._is_delta = False
        self._growing: _Growing | None = None
        self._placed = b""  # how a record began that said where the text stands which is growing
        self._resuming: FastPath | None = None  # what may take such a record

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
        self._see_resumed()
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

    def references(
        self, value: JsonObject, data: bytes, text: SourceText, known: int
    ) -> ReferencesChange | None:
        """See `Dialect`."""
        self._see_resumed()
        growing, delta = self._growing, self._delta
        if growing is None or growing.text is not text or "message" in value:
            return None
        if delta.channel != growing.channel or value.get("c", delta.channel) != growing.channel:
            return None
        touched = touched_references(value, known)
        if touched is None or len(delta.references) != known:
            return None
        try:
            delta.begin(value)
        except DeltaMismatch:
            return None
        fits = True
        try:
            delta.apply(value.get("v"), data)
        except DeltaMismatch:
            fits = False
        references = delta.references
        changed = [(at, references[at]) for at in (*sorted(touched), *range(known, len(references)))]
        return ReferencesChange(changed, fits=fits)

    def read(self, value: JsonObject, data: bytes = b"") -> Reading:
        """See `Dialect`."""
        self._see_resumed()
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
            same_citations = same_text and delta.spares(CITATION_ITEMS, changed)
            return Reading(delta.tree, trouble, same_text, formerly, same_citations)
        wreck = trouble is Trouble.NONE and delta.tree and not delta.is_textless(changed)
        return Reading(None, Trouble.TEXT if wreck else trouble)

    def take_references(
        self, fast_path: FastPath, sse: SseSplitter, known: int
    ) -> tuple[bytes, str, ReferencesChange] | None:
        """See `Dialect`: here a record that only adds to the references, which is a patch."""
        self._see_resumed()
        growing, delta = self._growing, self._delta
        if growing is None or growing.channel != delta.channel or not self._placed:
            return None
        begun = REFERENCES_APPEND.match(sse.buffer, sse.pos)
        if begun is None or not delta.has_references(known):
            return None
        start, end = begun.end(), sse.buffer.find(b"\n", begun.end())
        if not sse.buffer.startswith(b"}]}\n\n", end - 3):
            return None
        data = bytes(sse.buffer[start : end - 3])
        if (added := _list_of(data)) is None:
            return None
        delta.add_references(added, data)
        sse.pos = end + 2
        fast_path.taken += 1
        self._arm_placed(fast_path, begun[1], spaced=begun[2] == b" ")
        return b"", "", ReferencesChange(list(enumerate(added, known)))

    def lose(self) -> None:
        """See `Dialect`."""
        self._see_resumed()
        self._delta.lose()

    def arm(self, fast_path: FastPath, record: Record, text: SourceText) -> None:
        """See `Dialect`."""
        delta, growing = self._delta, self._growing
        self._resuming = None
        if not self._is_delta:
            return
        event = b"event: %b\n" % record.event if record.event else b""
        spaced = SPACED.match(record.data) is not None
        if growing is not None and growing.text is text and not growing.is_place_of(delta):
            if self._placed and growing.channel == delta.channel:
                self._arm_placed(fast_path, event, spaced=spaced)
            return
        if delta.op != "append":
            return
        if growing is None or growing.text is not text:
            # The text at the path must be the end of the message's, of which nothing was taken back.
            last, whole = last_text_of(delta.content), text_of(delta.content)
            if last is None or delta.path != CONTENT_PATH + last[0] or whole != text.streamed:
                return
            self._growing = _Growing(delta.channel, delta.path, text, len(whole) - len(last[1]))
            self._placed = b""
        if not self._placed and (placed := PLACED_APPEND.match(record.data)) is not None:
            said = json_object(placed[0] + b'"}') or {}
            self._placed = placed[0] if said.get("p") == delta.path else b""
        fast_path.arm(event + PREFIX + BARE_APPENDS[spaced], b'"}', cumulative=False)

    def _arm_placed(self, fast_path: FastPath, event: bytes, *, spaced: bool) -> None:
        """Arm `fast_path` for a record that says again where the text stands, and for those behind it."""
        bare = event + PREFIX + BARE_APPENDS[spaced]
        fast_path.arm(event + PREFIX + self._placed, b'"}', cumulative=False, then=bare)
        self._resuming = fast_path

    def _see_resumed(self) -> None:
        """A record that says where the text stands may have been taken on the fast path."""
        resuming, growing = self._resuming, self._growing
        if resuming is not None and growing is not None and resuming.has_begun:  # else it may still come
            self._resuming = None
            self._delta.resume(growing.path)

    def _catch_up(self) -> None:
        growing, self._growing = self._growing, None
        if growing is not None:
            self._delta.set_text(growing.channel, growing.path, growing.text.streamed[growing.before :])


def _end_of_references(head: bytes | bytearray, tail: bytes) -> int:
    """Where in what stands behind the text of a record its one list of references ends; -1 if that is not
    certain.
    """
    if REFERENCES_START.search(head) is not None or len(found := [*REFERENCES_START.finditer(tail)]) != 1:
        return -1
    start = found[0].end() - 1
    try:
        rest = tail[start:].decode()
        end = json.JSONDecoder().raw_decode(rest)[1]
    except (ValueError, RecursionError):
        return -1
    return start + len(rest[: end - 1].encode())


def _more_objects(inserted: bytes, *, first: bool) -> list[object] | None:
    """The objects in what was put in at the end of a list; they are the `first` ones if it was empty."""
    if first == inserted.startswith(b","):
        return None
    return _list_of(b"[" + (inserted if first else inserted[1:]) + b"]")


def _list_of(data: bytes) -> list[object] | None:
    """The list that `data` is in JSON, if it is one."""
    try:
        found = strict_json(data)
    except ValueError:
        return None
    return found if isinstance(found, list) else None
