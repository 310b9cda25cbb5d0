"""Reads what the backend streams: bytes into records, and records into what the answer shows.

Text that only grows is left to `GrowingText`, and a record that says more of a message to the dialect of the
stream and the interpreter. Nothing here knows how a turn stands: `read` says why it stops, and others what
follows from that.
"""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from translate.backend import (
    PING,
    REFERENCES_PATCH,
    STORED_TURN,
    DeltaDialect,
    Dialect,
    FastPath,
    Interpreter,
    Record,
    RecordTooLarge,
    ReferencesChange,
    SnapshotDialect,
    SseSplitter,
    Trouble,
    error_from_response,
    is_content,
    is_quiet,
    unglued,
)
from translate.bounds import Bounds
from translate.growing_text import GrowingText
from translate.text import AnswerBuilder, Grew, Message, Renderer
from translate.values import ApiError, Elsewhere, JsonObject, UpstreamFailed, strict_json

ANSWER_EVENTS: Final = (b"", b"message", b"delta")
"""Names under which records of an answer come; what else there is has names of its own."""
DONE_MARK: Final = b"[DONE]"
"""The data of the record with which the backend ends a stream."""
ENCODING: Final = b"delta_encoding"
"""The event that announces a dialect."""
DELTA_V1: Final = (b'"v1"', b"v1")
DAMAGED: Final = "A part of the backend's answer came damaged, so that the answer is not whole."


class Halt(Enum):
    """Why nothing more is read, though nothing is wrong and no bytes are missing."""

    PICTURE = auto()
    """A picture is wanted."""
    ENOUGH = auto()
    """See `GrowingText`."""
    DONE = auto()
    """The backend has said that it is done with this stream."""
    END_OF_INPUT = auto()
    """The stream has ended, and all of it was read."""
    LEFT = auto()
    """The rest is elsewhere, and not wanted."""


class StreamReader:
    """Reads one stream after the other: `listen` to each, then `read` whenever there is more of it.

    `text` and `renderer` write what the answer shows, into `builder`; `secrets` are never quoted in an
    error. With `fast` false every record is parsed in full, which changes nothing but the cost.
    """

    __slots__ = (
        "_bounds",
        "_builder",
        "_fast",
        "_fast_path",
        "_interpreter",
        "_received",
        "_renderer",
        "_secrets",
        "_sse",
        "_text",
        "complete",
        "dialect",
        "records",
    )

    def __init__(
        self,
        interpreter: Interpreter,
        builder: AnswerBuilder,
        renderer: Renderer,
        text: GrowingText,
        bounds: Bounds,
        *,
        secrets: Sequence[str],
        fast: bool,
    ) -> None:
        self._interpreter = interpreter
        self._builder = builder
        self._renderer = renderer
        self._text = text
        self._bounds = bounds
        self._secrets = secrets
        self._fast = fast
        self._fast_path = FastPath()
        self._received = 0  # records of this stream, without those that the fast path has taken
        self.records = 0
        """How many records of all streams were read in full."""

    def listen(self, sse: SseSplitter, *, goes_on: bool = False) -> None:
        """A new stream comes, by way of `sse`; with `goes_on` behind the records that have come, as one
        stream with them.
        """
        fast_path = self._fast_path
        fast_path.disarm()
        if goes_on:
            self._received += fast_path.taken
        else:
            self._received = 0
            self.dialect: Dialect = SnapshotDialect()
        fast_path.taken = 0
        self._sse = sse
        self.complete = False
        """The backend has said that it is done with this stream; before that, it may still be at work."""

    @property
    def is_silent(self) -> bool:
        """There is nothing to show."""
        return not self._renderer.began and not self._interpreter.pictures

    @property
    def wants_picture(self) -> bool:
        """A picture is to be supplied before anything else."""
        return self._builder.wanted is not None

    def elsewhere(self, *, broken: bool) -> Elsewhere | None:
        """Where the rest of the answer is, if the stream that has ended does not have it."""
        facts = self._interpreter.facts
        if facts.finish_reason == "content_filter" or facts.confirmation is not None:
            return None
        return self._interpreter.whereabouts.elsewhere(
            facts.conversation_id,
            self._received + self._fast_path.taken,
            broken=broken,
            answered=facts.end_turn,
            unfinished=self.is_silent or self._interpreter.is_amid,
        )

    def read(self, eof: bool, behind: bool) -> Halt | ApiError | None:
        """Read until something must be done first: why, or how the turn fails; None if more bytes are needed.

        With `eof` no more will come. With `behind`, what several snapshots add may come in one piece.
        """
        sse, fast_path = self._sse, self._fast_path
        met: Halt | ApiError | None = None
        try:
            while met is None:
                message = self._interpreter.growing
                if message is not None and fast_path.armed and sse.at_boundary:
                    if fast_path.seen and not eof and fast_path.must_wait(sse):
                        break
                    if behind:
                        fast_path.skip_outgrown(sse)
                    if self._text.take(message, sse, fast_path):
                        met = Halt.ENOUGH
                        break
                    if sse.pos == len(sse.buffer) and not eof:
                        break
                    if self._take_beyond_text(message):
                        met = Halt.ENOUGH
                        break
                    if not eof and (sse.pos == len(sse.buffer) or fast_path.must_wait(sse)):
                        break
                record = sse.next()
                if record is None and eof:
                    record = sse.flush()
                    if record is None or self._is_cut_off(record):
                        self._text.release_space()
                        met = Halt.END_OF_INPUT
                        break
                if record is None:
                    if sse.pos < len(sse.buffer):
                        fast_path.disarm()  # what has begun to come is not for it
                    break
                before = self.records
                met = self._take_record(record)
                self._received += self.records > before
                if met is None and self.wants_picture:
                    met = Halt.PICTURE
        except RecordTooLarge:
            met = UpstreamFailed("The backend sent a record that is too large.", should_retry=False)
        sse.rest()  # whoever takes the events may have to wait for a slow client
        return met

    def _take_beyond_text(self, message: Message) -> bool:
        """Take records that also add to the references of `message`, and what grows behind each. Return
        whether it is enough.
        """
        text, sse = self._text, self._sse
        while sse.pos < len(sse.buffer) and self._take_references(message):
            if text.is_enough:
                return True
            text.look(message)
            if text.take(message, sse, self._fast_path):
                return True
        return False

    def _take_references(self, message: Message) -> bool:
        """Take a record that also adds to the references of `message`, if there is one."""
        known = self._interpreter.known_references(message)
        if known is None:
            return False
        taken = self.dialect.take_references(self._fast_path, self._sse, known)
        if taken is None:
            return False
        escaped, piece, added = taken
        self.records += 1
        self._bounds.more_kept = True
        self._text.release_space()
        if shown := message.source.grow(escaped, piece):
            self._renderer.render(Grew(message, shown))
        self._renderer.render_all(self._interpreter.change_references(message, added))
        return True

    def _is_cut_off(self, record: Record) -> bool:
        """Whether a record that lacks its end is a piece of one, and comes again elsewhere."""
        if self._interpreter.over or self.elsewhere(broken=True) is None:
            return False
        data = record.data.strip()
        try:
            strict_json(data)
        except ValueError:
            return record.event != PING and data != DONE_MARK
        return False

    def _take_record(self, record: Record) -> Halt | ApiError | None:
        self._text.release_space()
        data = record.data.strip()
        if not data:
            return None
        if record.event == PING:
            self._take_ping(data)
            return None
        self.records += 1
        self._bounds.more_kept = True
        if data == DONE_MARK:
            self.complete = True
            return Halt.DONE
        if record.event == STORED_TURN:
            self._interpreter.damage.repair_all()
            return None
        if record.event == ENCODING and data in DELTA_V1:
            self.dialect = DeltaDialect()
            self._fast_path.disarm()
            return None
        try:
            value = strict_json(data)
        except ValueError:
            return self._take_glued(Record(record.event, data))
        if isinstance(value, dict):
            return self._take_object(value, Record(record.event, data))
        self._interpreter.facts.count_unknown("record")
        self._lose(data)
        return None

    def _take_ping(self, data: bytes) -> None:
        """Take a ping, which says nothing, unless it has run into a record behind it."""
        if (b'"' in data or b"\n" in data) and not is_quiet(data):
            self._interpreter.facts.count_unknown("json")
            self._lose(data)

    def _take_glued(self, record: Record) -> Halt | ApiError | None:
        """Take data that is not JSON: it may be several records on one line."""
        payloads = unglued(record.data)
        if len(payloads) < 2:
            self._interpreter.facts.count_unknown("json")
            self._lose(record.data)
            return None
        for data in payloads:
            if (met := self._take_record(Record(record.event, data))) is not None:
                return met
        return None

    def _lose(self, data: bytes) -> None:
        """A record cannot be read: perhaps the answer lacks text now."""
        if self._interpreter.lose_record(data):
            self.dialect.lose()
            self._fast_path.disarm()

    def _take_object(self, value: JsonObject, record: Record) -> Halt | ApiError | None:
        interpreter = self._interpreter
        failure: ApiError | None = None
        if is_content(value):
            failure = self._take_envelope(value, record)
        elif "detail" in value:
            failure = error_from_response(200, record.data, secrets=self._secrets)
        elif value.get("type") == REFERENCES_PATCH:
            self._renderer.render_all(interpreter.patch_references(value))
            self._text.look(interpreter.growing)
        elif not interpreter.aside(value) and record.event in ANSWER_EVENTS:
            self._lose(record.data)
        self.complete = self.complete or interpreter.whereabouts.handed_off
        failure = failure or interpreter.facts.error
        return Halt.ENOUGH if failure is None and self._text.is_enough else failure

    def _take_envelope(self, value: JsonObject, record: Record) -> ApiError | None:
        """Take a record that says something of a message; the failure if its text cannot be trusted."""
        interpreter, fast_path, dialect = self._interpreter, self._fast_path, self.dialect
        growing = interpreter.growing
        if growing is not None and (piece := dialect.growth(value, growing.source)) is not None:
            self._text.grow(growing, piece)
            if not fast_path.has_begun:
                fast_path.disarm()
        elif (
            growing is not None and (changed := self._changed_references(value, record, growing)) is not None
        ):
            fast_path.disarm()  # the next record says where it belongs
            if not changed.fits:
                interpreter.facts.count_unknown("delta")
            self._renderer.render_all(interpreter.change_references(growing, changed))
        elif not self._take_message(value, record):
            return UpstreamFailed(DAMAGED, should_retry=False)
        growing = interpreter.growing
        if growing is not None and self._fast and not fast_path.armed:
            dialect.arm(fast_path, record, growing.source)
            if growing.source.is_behind:
                fast_path.disarm()  # what comes is to be compared with what has come
        if self._sse.ends_in_cr:
            fast_path.disarm()
        self._text.look(growing)
        return None

    def _changed_references(
        self, value: JsonObject, record: Record, growing: Message
    ) -> ReferencesChange | None:
        """What a record changes among the references of the message that is growing, if that is all."""
        known = self._interpreter.known_references(growing)
        if known is None or self._interpreter.damage.pending:
            return None
        return self.dialect.references(value, record.data, growing.source, known)

    def _take_message(self, value: JsonObject, record: Record) -> bool:
        """Take how a message stands now; false if it cannot be known what its text is."""
        interpreter, dialect = self._interpreter, self.dialect
        self._fast_path.disarm()
        if interpreter.damage.pending and not dialect.is_whole(value):
            return False
        reading = dialect.read(value, record.data)
        if reading.trouble is not Trouble.NONE:
            interpreter.facts.count_unknown("delta")
        if reading.trouble is Trouble.TEXT:
            return interpreter.over or interpreter.hides(reading.envelope or {})
        if reading.envelope is not None:
            if reading.formerly:
                interpreter.rename(reading.formerly, reading.envelope)
            changes = interpreter.receive(
                reading.envelope, same_text=reading.same_text, same_citations=reading.same_citations
            )
            self._renderer.render_all(changes)
        return True
