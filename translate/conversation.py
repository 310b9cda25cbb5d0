"""One turn of a conversation, without any I/O: the backend's bytes in, events out.

    conversation.receive_data(chunk)        bytes as they came
    conversation.receive_eof()              the body has ended, or broken off
    conversation.next_event()               an event; or NEED_DATA, or PAUSED: it waits for one of these:
        conversation.supply(picture)            after `PictureWanted`
        conversation.continue_stream(...)       after `GoesOn`: another stream brings the rest of the answer
        conversation.give_up()                  after `GoesOn`: the rest cannot be had; `Failed` follows
        conversation.leave()                    after `GoesOn`: what came is all that is wanted
        conversation.start_next_exchange(...)   after `ExchangeEnded`: another stream of the same turn begins
        conversation.conclude(notes)            after `ExchangeEnded`: the turn is over; `Finished` follows
    conversation.abandon()                  at any time: the turn is ended from outside

`next_event` is to be called until it gives one of the two constants. The states are those of `states`.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, cast

from translate.backend import (
    MAX_RECORD_BYTES,
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
    TurnFacts,
    error_from_response,
    is_content,
    is_plain,
    is_quiet,
    unglued,
)
from translate.states import OVER, READING, Signal, State, WrongState, transition
from translate.text import (
    COLON,
    ENDS_OF_SPACES,
    LOOSE_HINT,
    TAG_HINT,
    AnswerBuilder,
    Change,
    Grew,
    Links,
    Message,
    Renderer,
    shorten,
    unescaped,
    without_space,
)
from translate.values import (
    NEED_DATA,
    PAUSED,
    ApiError,
    CitationForm,
    Contract,
    CountTokens,
    Elsewhere,
    ElsewhereKind,
    Event,
    ExchangeEnded,
    Failed,
    Finished,
    GoesOn,
    JsonObject,
    Kept,
    Native,
    Picture,
    SentMessage,
    ShownCitation,
    Style,
    Unkept,
    UpstreamFailed,
    UpstreamTimeout,
    Usage,
    Waiting,
    strict_json,
    usage_of,
)

MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
"""More than a person can read; a turn beyond it is stopped, since its text is kept for counting."""
MAX_KEPT_BYTES: Final = 64 * 1024 * 1024
"""For all that is kept of a turn besides its answer: texts and citations of messages, trees, assets."""
ANSWER_EVENTS: Final = (b"", b"message", b"delta")
"""Names under which records of an answer come; what else there is has names of its own."""
ENCODING: Final = b"delta_encoding"
"""The event that announces a dialect."""
DELTA_V1: Final = (b'"v1"', b"v1")
UNFOLLOWED: Final = {
    ElsewhereKind.HANDOFF: "The answer goes on elsewhere on the backend, and could not be followed there",
    ElsewhereKind.PRO: "The model still thinks, and its answer could not be waited for",
    ElsewhereKind.PICTURE: "The picture that was announced has not come",
    ElsewhereKind.RESEARCH: "The research still runs, and its report could not be waited for",
}
"""Why a turn fails that is not followed; where its stream broke, it fails with that."""
SPENT: Final = "see conversation {}. The message counts as spent."
SILENT: Final = "The backend ended the turn without an answer."
CUT_OFF: Final = "The upstream connection ended in mid-answer."
DAMAGED: Final = "A part of the backend's answer came damaged, so that the answer is not whole."


@dataclass(frozen=True, slots=True)
class Options:
    """How an answer is wanted: stop sequences, its style, whether the model's reasoning is part of it, what
    it has to keep to, which of the backend's abilities stand beside it, and the form of its citations.
    """

    stop: Sequence[str] = ()
    style: Style = Style.WEB
    reasoning: bool = False
    contract: Contract | None = None
    native: frozenset[Native] = frozenset()
    citations: CitationForm = CitationForm.HOST


class Conversation:
    """See the module's text. `sent` are our own messages, in order, as the backend will repeat them.
    `secrets` are what errors must not quote.

    Nothing that the backend sends makes it raise; a failed turn ends with `Failed`. With `fast` false every
    record is parsed in full, which changes nothing but the cost.
    """

    # More attributes than instances share the names of would make each a dict of 1.6 KiB.
    __slots__ = (
        "_all_read",
        "_behind",
        "_builder",
        "_called",
        "_closed",
        "_contract",
        "_dialect",
        "_eof",
        "_events",
        "_fast",
        "_fast_path",
        "_guessed",
        "_heeds_loose",
        "_interpreter",
        "_lost",
        "_max_answer_bytes",
        "_max_kept_bytes",
        "_max_record_bytes",
        "_more_kept",
        "_plain_passes",
        "_plain_waits",
        "_reading",
        "_received",
        "_records",
        "_renderer",
        "_secrets",
        "_sent",
        "_settled",
        "_space",
        "_spaced",
        "_sse",
        "_unfollowed",
        "_unheard",
        "_unkept",
        "answer",
        "complete",
        "exchange_over",
        "state",
    )

    def __init__(
        self,
        sent: Sequence[SentMessage] = (),
        options: Options | None = None,
        links: Links | None = None,
        *,
        secrets: Sequence[str] = (),
        max_record_bytes: int = MAX_RECORD_BYTES,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_kept_bytes: int = MAX_KEPT_BYTES,
        fast: bool = True,
    ) -> None:
        options = options or Options()
        self.state = State.WAITING
        self.exchange_over = False
        """The present exchange is over, so that the rest of its stream is not read."""
        self._reading = True  # the state is one of READING
        self._unheard = False  # the answer goes on elsewhere: the rest of this stream is not wanted
        self._plain_passes = False  # plain growth may go by without a look
        self._heeds_loose = False  # but for loose marks
        self._plain_waits = False  # plain growth waits for what comes behind it, and may do so joined
        self.complete = False
        """The backend has said that it is done with this stream; before that, it may still be at work."""
        self._sent = sent
        self._contract = options.contract
        hidden = self._contract.hidden if self._contract is not None else ""
        self._builder = AnswerBuilder(options.stop, hidden=hidden)
        self._events = self._builder.events
        self.answer = self._builder.answer
        """The text of the answer so far."""
        self._space = b""  # white space at the end of plain text that goes by the contract, and its message
        self._spaced: Message | None = None
        self._settled = self._contract is None  # nothing is to be decided about what the answer keeps to
        self._unkept = False  # the last exchange has not given what it has to keep to
        self._closed = False  # nothing may be added to it
        self._called = ""  # what the calls of tools say
        self._renderer = Renderer(
            self._builder,
            options.style,
            links,
            reasoning=options.reasoning,
            contract=self._contract,
            native=options.native,
            citations=options.citations,
        )
        self._secrets = secrets
        self._interpreter = Interpreter(sent, secrets)
        self._max_record_bytes = max_record_bytes
        self._max_answer_bytes = max_answer_bytes
        self._max_kept_bytes = max_kept_bytes
        self._more_kept = False  # other than plain growth, of which the answer has all
        self._fast = fast
        self._fast_path = FastPath()
        self._records = 0
        self._unfollowed: ApiError | None = None  # why it fails if it is not followed elsewhere
        self._guessed = False  # that it goes on elsewhere, as nothing of an answer came
        self._listen()

    def _listen(self) -> None:
        """Begin with a new stream."""
        self.complete = False
        self._sse = SseSplitter(self._max_record_bytes)
        self._dialect: Dialect = SnapshotDialect()
        self._fast_path.disarm()
        self._fast_path.taken = self._received = 0  # records of this stream
        self._eof = False
        self._lost: ApiError | None = None  # how the stream broke
        self._all_read = True  # all that can be read has been read
        self._behind = False  # what was received last may be joined

    @property
    def facts(self) -> TurnFacts:
        """Conversation id, model slug and what else is known of the turn."""
        return self._interpreter.facts

    @property
    def citations(self) -> Sequence[ShownCitation]:
        """Citations shown so far, in order."""
        return self._renderer.citations

    @property
    def stop_sequence(self) -> str:
        """The stop sequence that has ended the answer; empty if none has."""
        return self._builder.stop_sequence

    @property
    def progress(self) -> int:
        """A number that grows with everything the backend says except pings."""
        return self._records + self.answer.size

    def receive_data(self, data: bytes, *, behind: bool = False) -> None:
        """Take bytes of the stream, cut anywhere.

        With `behind`, what several snapshots among them add may come in one piece.
        """
        if not self._unheard:
            self._sse.push(data)
            self._all_read = False
            self._behind = behind

    def receive_eof(self, lost: ApiError | None = None, *, token: str = "") -> None:
        """The stream has ended; `lost` says how it broke, None for a proper end of its body. `token` is that
        of the turn, for the resume endpoint, if it came beside the stream.

        If the turn was said to be over, the answer is whole, however the stream has ended. If not, it is
        truncated: it goes on elsewhere if the backend has told where, or fails, with `lost` if that is given.
        """
        self._eof = True
        self._lost = lost
        self._interpreter.whereabouts.offer_token(token)
        self._all_read = False

    def next_event(self) -> Event | Waiting:
        """The next event; NEED_DATA if bytes must be received first, PAUSED if the caller must act."""
        if not self._events and self._reading and not self._all_read:
            self._read()
            self._builder.flush()
        if self._events:
            return self._events.pop(0)
        return NEED_DATA if self._reading else PAUSED

    def supply(self, picture: Picture | None) -> None:
        """Give the picture that was wanted, or None if it could not be fetched. Raises WrongState."""
        if self.state is not State.FETCHING:
            raise WrongState(f"no picture is wanted while the turn is {self.state.name}")
        self._renderer.supply(picture)
        if self._builder.wanted is None:
            self._move(Signal.PICTURES_SUPPLIED)
        self._check_stop()
        self._see_what_passes()
        self._builder.flush()

    def start_next_exchange(self, sent: Sequence[SentMessage], *, seamless: bool) -> None:
        """Another stream of the same turn begins, which will repeat `sent`.

        With `seamless` its text goes on in mid-sentence. Raises WrongState.
        """
        self._move(Signal.NEXT_EXCHANGE)
        self._unkept = False
        self._listen()
        self._interpreter.begin(sent)
        if seamless:
            self._renderer.continue_seamlessly()

    def continue_stream(self, *, fresh: bool) -> None:
        """Another stream brings the rest of the answer. Raises WrongState.

        With `fresh` it begins anew, in any dialect, and repeats what has come: only what is new is shown.
        Without, it goes on behind the records that have come.
        """
        self._move(Signal.CONTINUED)
        dialect, received = self._dialect, self._received + self._fast_path.taken
        self._listen()
        if fresh:
            self._interpreter.begin_anew()
        else:
            self._dialect, self._received = dialect, received
            self._interpreter.continue_stream()

    def give_up(self, *, timed_out: bool = False) -> None:
        """The rest of the answer cannot be had, or not in time: fail, unless what came may be all there is.

        Raises WrongState.
        """
        if self.state is not State.ELSEWHERE:
            raise WrongState(f"there is nothing to give up while the turn is {self.state.name}")
        error, silent = self._unfollowed or UpstreamFailed(SILENT), self._is_silent
        if silent and self._guessed:
            self._show(self._interpreter.fall_back())
        if silent and not self._is_silent:
            self._end_well(ExchangeEnded())
        else:
            self._fail(UpstreamTimeout(error.message, should_retry=False) if timed_out else error)
        self._builder.flush()

    def leave(self) -> None:
        """End the exchange well with what came, though the backend is still at work. Raises WrongState."""
        if self.state is not State.ELSEWHERE:
            raise WrongState(f"there is nothing to leave while the turn is {self.state.name}")
        self._show(self._interpreter.release())
        self._end_well(ExchangeEnded())
        self._builder.flush()

    def conclude(self, notes: Iterable[str] = ()) -> None:
        """The turn is over. Each of `notes` is added to the answer as a paragraph. Raises WrongState.

        `Failed` follows instead of `Finished` if the answer does not keep to what it has to.
        """
        if self.state is State.EXCHANGE_ENDED and (error := self._settle_at_last()) is not None:
            self._fail(error)
        else:
            self._move(Signal.CONCLUDED)
            for note in notes:
                if not self._closed:
                    self._renderer.note(note)
            self._renderer.close()
            self._builder.end(Finished(self.facts.finish_reason))
        self._builder.flush()

    def do_without(self) -> bool:
        """The backend has not taken the question that asks once more for the answer: whether that is done
        without. The exchange is over then, and the turn is to be concluded.
        """
        if self._contract is None or self.state is not State.ANSWERING or self._settled:
            return False
        if isinstance(self._contract.give_up(), ApiError):
            return False
        self._move(Signal.ENDED)
        self._unkept = True
        return True

    def abandon(self) -> None:
        """End the turn from outside: events for what was held back follow, so that no fence stays open.

        Does nothing if it is over.
        """
        if self.state not in OVER:
            self._move(Signal.ABANDONED)
            self._renderer.close()
            self._builder.flush()

    @property
    def countable(self) -> int:
        """Characters that `count_usage` has to count, about."""
        return sum(len(message.text) for message in self._sent) + self.answer.size + len(self._called)

    def count_usage(self, count_tokens: CountTokens) -> Usage:
        """The tokens of what was sent and of the answer, the calls of tools included.

        May be called in another thread once the turn is over, since nothing changes its text any more.
        """
        texts = [message.text for message in self._sent]
        pictures = sum(message.picture_tokens for message in self._sent)
        return usage_of(texts, pictures, self.answer.text + self._called, count_tokens)

    # Reading.

    def _read(self) -> None:
        """Read until something must be supplied, the exchange is over, or more bytes are needed."""
        sse, fast_path = self._sse, self._fast_path
        try:
            while self._reading:
                message = self._interpreter.growing
                if message is not None and fast_path.armed and sse.at_boundary:
                    if fast_path.seen and not self._eof and fast_path.must_wait(sse):
                        self._all_read = True
                        break
                    self._take_growth(message)
                    if not self._reading:
                        break
                    if not self._eof and (sse.pos == len(sse.buffer) or fast_path.must_wait(sse)):
                        self._all_read = True
                        break
                record = sse.next()
                if record is None and self._eof:
                    record = sse.flush()
                    if record is None or self._is_cut_off(record):
                        self._end_of_input()
                        break
                if record is None:
                    self._all_read = True
                    if sse.pos < len(sse.buffer):
                        fast_path.disarm()  # what has begun to come is not for it
                    break
                before = self._records
                self._take_record(record)
                self._received += self._records > before
        except RecordTooLarge:
            self._fail(UpstreamFailed("The backend sent a record that is too large.", should_retry=False))
        sse.rest()  # whoever takes the events may have to wait for a slow client
        if not self.exchange_over and (self._more_kept or self.answer.size > self._max_answer_bytes):
            self._check_size()

    def _take_growth(self, message: Message) -> None:
        """Take all records that do nothing but lengthen the text of `message`, the one that is growing."""
        fast_path, sse, source = self._fast_path, self._sse, message.source
        if self._behind:
            fast_path.skip_outgrown(sse)
        while True:
            if self._plain_passes and (pieces := fast_path.take_plain(sse)):
                joined = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                if self._heeds_loose and (joined[0] == COLON or LOOSE_HINT.search(joined)):
                    self._take_warily(message, pieces)
                elif self._contract is None:
                    source.pass_unread(joined)
                    self._builder.add_unread(pieces, joined)
                elif TAG_HINT.search(joined):
                    self._take_warily(message, pieces)
                else:
                    self._pass(message, pieces)
                if self.exchange_over:
                    return
            elif self._plain_waits and (pieces := fast_path.take_plain(sse)):
                joined = b"".join(pieces)
                self._more_kept = True
                self._renderer.render(Grew(message, source.grow(joined, unescaped(joined))))
                if self._check_stop():
                    return
                self._see_what_passes()
            if sse.pos == len(sse.buffer):
                return
            if (taken := fast_path.take(sse)) is None:
                if not self._take_references(message):
                    return
            else:
                if self._space:
                    self._feed_space()
                if shown := source.grow(*taken):
                    self._renderer.render(Grew(message, shown))
            self._more_kept = True
            if self._check_stop():
                return
            self._see_what_passes()

    def _take_references(self, message: Message) -> bool:
        """Take a record that also adds to the references of `message`, if there is one."""
        known = self._interpreter.known_references(message)
        if known is None:
            return False
        taken = self._dialect.take_references(self._fast_path, self._sse, known)
        if taken is None:
            return False
        escaped, piece, added = taken
        self._records += 1
        if self._space:
            self._feed_space()
        if shown := message.source.grow(escaped, piece):
            self._renderer.render(Grew(message, shown))
        self._show(self._interpreter.change_references(message, added))
        return True

    def _take_warily(self, message: Message, pieces: list[bytes]) -> None:
        """Take plain pieces of which some may hold a loose mark, or matter to the contract."""
        at, wary = 0, self._wary(pieces)  # which stays so: no plain piece begins or ends code
        while at < len(pieces):
            if self._plain_passes:
                while wary[-1] < at:
                    wary.pop()
                if (end := wary[-1]) > at:
                    self._pass(message, pieces[at:end])
                    at = end
                    continue
            if self._space:
                self._feed_space()
            self._feed(message, pieces[at])
            at += 1
            if self._check_stop():
                return
            self._see_what_passes()

    def _wary(self, pieces: list[bytes]) -> list[int]:
        """Which of the plain pieces must not go by without a look where any may: the last one first, and
        before all of them the end.
        """
        heeds_loose = self._heeds_loose
        wary = {
            at
            for at, piece in enumerate(pieces)
            if heeds_loose and (piece[0] == COLON or LOOSE_HINT.search(piece) is not None)
        }
        if self._contract is not None:  # a tag may lie in several pieces
            ends = list(accumulate(map(len, pieces)))
            wary.update([bisect_right(ends, hint.start()) for hint in TAG_HINT.finditer(b"".join(pieces))])
        return [len(pieces), *sorted(wary, reverse=True)]

    def _pass(self, message: Message, pieces: list[bytes]) -> None:
        """Plain growth goes by unread; with a contract, white space at its end waits for what follows."""
        joined = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._contract is not None:
            if self._space:
                joined, pieces[0] = self._space + joined, self._space + pieces[0]
                self._space = b""
            if joined[-1] in ENDS_OF_SPACES and (end := without_space(joined)) < len(joined):
                if end < 0:
                    self._feed(message, joined)
                    self._see_what_passes()
                    return
                self._space, self._spaced = joined[end:], message
                shorten(pieces, len(joined) - end)
                joined = joined[:end]
                if not joined:
                    return
        message.source.pass_unread(joined)
        self._builder.add_unread(pieces, joined)

    def _feed_space(self) -> None:
        """What follows the white space that waits has to be looked at."""
        space, self._space = self._space, b""
        self._feed(cast(Message, self._spaced), space)
        self._see_what_passes()

    def _feed(self, message: Message, piece: bytes) -> None:
        self._more_kept = True
        self._renderer.render(Grew(message, message.source.grow(piece, unescaped(piece))))

    def _take_record(self, record: Record) -> None:
        if self._space:
            self._feed_space()
        data = record.data.strip()
        if not data:
            return
        if record.event == PING:
            self._take_ping(data)
            return
        self._records += 1
        self._more_kept = True
        if data == b"[DONE]":
            self.complete = True
            self._end()
            return
        if record.event == STORED_TURN:
            self._interpreter.damage.repair_all()
            return
        if record.event == ENCODING and data in DELTA_V1:
            self._dialect = DeltaDialect()
            self._fast_path.disarm()
            return
        try:
            value = strict_json(data)
        except ValueError:
            self._take_glued(Record(record.event, data))
            return
        if isinstance(value, dict):
            self._take_object(value, Record(record.event, data))
        else:
            self.facts.count_unknown("record")
            self._lose(data)

    def _take_ping(self, data: bytes) -> None:
        """Take a ping, which says nothing, unless it has run into a record behind it."""
        if (b'"' in data or b"\n" in data) and not is_quiet(data):
            self.facts.count_unknown("json")
            self._lose(data)

    def _take_glued(self, record: Record) -> None:
        """Take data that is not JSON: it may be several records on one line."""
        payloads = unglued(record.data)
        if len(payloads) < 2:
            self.facts.count_unknown("json")
            self._lose(record.data)
            return
        for data in payloads:
            if not self.exchange_over:
                self._take_record(Record(record.event, data))

    def _lose(self, data: bytes) -> None:
        """A record cannot be read: perhaps the answer lacks text now."""
        if self._interpreter.lose_record(data):
            self._dialect.lose()
            self._fast_path.disarm()

    def _take_object(self, value: JsonObject, record: Record) -> None:
        if is_content(value):
            self._take_envelope(value, record)
        elif "detail" in value:
            self._fail(error_from_response(200, record.data, secrets=self._secrets))
        elif value.get("type") == REFERENCES_PATCH:
            self._show(self._interpreter.patch_references(value))
            self._see_what_passes()
        elif not self._interpreter.aside(value) and record.event in ANSWER_EVENTS:
            self._lose(record.data)
        if self.facts.error is not None and not self.exchange_over:
            self._fail(self.facts.error)
        self.complete = self.complete or self._interpreter.whereabouts.handed_off
        self._check_stop()

    def _take_envelope(self, value: JsonObject, record: Record) -> None:
        growing, fast_path, dialect = self._interpreter.growing, self._fast_path, self._dialect
        if growing is not None and (piece := dialect.growth(value, growing.source)) is not None:
            self._grow(growing, piece)
            if not fast_path.has_begun:
                fast_path.disarm()
        elif (
            growing is not None and (changed := self._changed_references(value, record, growing)) is not None
        ):
            fast_path.disarm()  # the next record says where it belongs
            if not changed.fits:
                self.facts.count_unknown("delta")
            self._show(self._interpreter.change_references(growing, changed))
        else:
            fast_path.disarm()
            if self._interpreter.damage.pending and not dialect.is_whole(value):
                self._fail(UpstreamFailed(DAMAGED, should_retry=False))
                return
            reading = dialect.read(value, record.data)
            if reading.trouble is not Trouble.NONE:
                self.facts.count_unknown("delta")
            if reading.trouble is not Trouble.TEXT:
                if reading.envelope is not None:
                    if reading.formerly:
                        self._interpreter.rename(reading.formerly, reading.envelope)
                    self._show(
                        self._interpreter.receive(
                            reading.envelope,
                            same_text=reading.same_text,
                            same_citations=reading.same_citations,
                        )
                    )
            elif not self._interpreter.over and not self._interpreter.hides(reading.envelope or {}):
                self._fail(UpstreamFailed(DAMAGED, should_retry=False))
                return
        if self.facts.answering and self.state is State.WAITING:
            self._move(Signal.ANSWER_BEGAN)
        if self._builder.wanted is not None and self.state is State.ANSWERING:
            self._move(Signal.PICTURE_WANTED)
        growing = self._interpreter.growing
        if growing is not None and self._fast and not fast_path.armed:
            dialect.arm(fast_path, record, growing.source)
            if growing.source.is_behind:
                fast_path.disarm()  # what comes is to be compared with what has come
        if self._sse.ends_in_cr:
            fast_path.disarm()
        self._see_what_passes()

    def _changed_references(
        self, value: JsonObject, record: Record, growing: Message
    ) -> ReferencesChange | None:
        """What a record changes among the references of the message that is growing, if that is all."""
        known = self._interpreter.known_references(growing)
        if known is None or self._interpreter.damage.pending:
            return None
        return self._dialect.references(value, record.data, growing.source, known)

    def _grow(self, message: Message, piece: str) -> None:
        """The text of the message grows by a piece that was parsed."""
        escaped, source = json.dumps(piece)[1:-1].encode(), message.source
        passes = self._plain_passes and piece and not source.is_behind and is_plain(escaped)
        if passes and self._wary([escaped]) == [1]:
            self._pass(message, [escaped])
        elif shown := source.grow(escaped, piece):
            self._renderer.render(Grew(message, shown))

    def _see_what_passes(self) -> None:
        """Text was shown or held back: look again whether plain growth may go by."""
        growing = self._interpreter.growing
        self._plain_passes = (
            growing is not None and not growing.source.held and self._renderer.passes_through(growing)
        )
        self._heeds_loose = self._plain_passes and self._renderer.heeds_loose_marks
        self._plain_waits = not self._plain_passes and growing is not None and self._renderer.waits(growing)

    def _show(self, changes: Iterator[Change]) -> None:
        for change in changes:
            self._renderer.render(change)

    # Endings.

    def _check_stop(self) -> bool:
        """Whether the exchange is over, by a stop sequence or otherwise."""
        done = self._builder.stopped or (self._contract is not None and self._contract.done)
        if done and not self.exchange_over:
            self.facts.finish_reason = "stop"
            self._end_well(ExchangeEnded())
        return self.exchange_over

    def _check_size(self) -> bool:
        """Whether the answer, and what is kept beside it, may be as large as it is; if not, the turn has
        failed.
        """
        allowed = self.answer.size <= self._max_answer_bytes
        if self._more_kept:
            self._more_kept = False
            kept = self._dialect.kept + self._interpreter.kept + self._renderer.kept
            if self._contract is not None:
                kept += self._contract.kept
            allowed = allowed and kept <= self._max_kept_bytes
        if not allowed:
            self._fail(UpstreamFailed("The answer is too large to be passed on.", should_retry=False))
        return allowed

    def _end_of_input(self) -> None:
        if self._space:
            self._feed_space()
        facts, lost = self.facts, self._lost
        if facts.end_turn or facts.stream_complete or facts.confirmation is not None:
            self._end()
            return
        if lost is None and facts.answering:
            lost = UpstreamFailed(CUT_OFF, should_retry=False)
        elif lost is None:
            lost = UpstreamFailed("The backend closed the stream without an answer.")
        if (elsewhere := self._elsewhere(broken=True)) is not None:
            self._go_on(elsewhere, lost)
        else:
            self._fail(lost)

    def _is_cut_off(self, record: Record) -> bool:
        """Whether a record that lacks its end is a piece of one, and comes again elsewhere."""
        if self._interpreter.over or self._elsewhere(broken=True) is None:
            return False
        data = record.data.strip()
        try:
            strict_json(data)
        except ValueError:
            return record.event != PING and data != b"[DONE]"
        return False

    def _end(self) -> None:
        """The backend is done with this stream."""
        facts = self.facts
        if (elsewhere := self._elsewhere(broken=False)) is not None:
            self._go_on(elsewhere, UpstreamFailed(SILENT if self._is_silent else CUT_OFF, should_retry=False))
            return
        self._show(self._interpreter.release())
        if self._interpreter.damage.pending:
            self._fail(UpstreamFailed(DAMAGED, should_retry=False))
            return
        if self._is_silent:
            self._show(self._interpreter.fall_back())
        if self._is_silent and facts.finish_reason != "content_filter" and facts.confirmation is None:
            self._fail(UpstreamFailed(SILENT, should_retry=False))
        elif not self._check_stop():
            known = bool(facts.conversation_id)
            cut = facts.finish_reason == "length" and bool(facts.last_message_id)
            confirmation = facts.confirmation if known else None
            self._end_well(ExchangeEnded(confirmation, cut=known and cut and confirmation is None))

    @property
    def _is_silent(self) -> bool:
        """There is nothing to show."""
        return not self._renderer.began and not self._interpreter.pictures

    def _elsewhere(self, *, broken: bool) -> Elsewhere | None:
        """Where the rest of the answer is, if the stream that has ended does not have it."""
        facts = self.facts
        if facts.finish_reason == "content_filter" or facts.confirmation is not None:
            return None
        return self._interpreter.whereabouts.elsewhere(
            facts.conversation_id,
            self._received + self._fast_path.taken,
            broken=broken,
            answered=facts.end_turn,
            unfinished=self._is_silent or self._interpreter.is_amid,
        )

    def _go_on(self, elsewhere: Elsewhere, lost: ApiError) -> None:
        """The rest is elsewhere. Without it the turn fails: with `lost` where the backend did not say so."""
        self._unfollowed = lost
        handed_off = self._interpreter.whereabouts.handed_off
        self._guessed = elsewhere.kind is ElsewhereKind.HANDOFF and not handed_off
        if elsewhere.kind in UNFOLLOWED and not self._guessed:
            why = f"{UNFOLLOWED[elsewhere.kind]}; {SPENT.format(elsewhere.conversation_id)}"
            self._unfollowed = UpstreamFailed(why, should_retry=False)
        self._move(Signal.GOES_ON)
        self._builder.end(GoesOn(elsewhere))

    def _end_well(self, ended: ExchangeEnded) -> None:
        if self._interpreter.damage.pending:
            self._fail(UpstreamFailed(DAMAGED, should_retry=False))
        elif self._check_size():
            contract = self._contract
            if contract is not None and not (self._settled or ended.cut or ended.confirmation):
                ended = ExchangeEnded(question=self._settle(contract))
            self._move(Signal.ENDED)
            self._builder.end(ended)

    def _settle(self, contract: Contract, *, cut: bool = False) -> str:
        """See whether the answer is as it must be; if not, what the backend is to be asked."""
        verdict = contract.conclude(cut=cut)
        self._unkept = isinstance(verdict, Unkept)
        if isinstance(verdict, Unkept):
            return verdict.question
        self._keep(verdict)
        return ""

    def _settle_at_last(self) -> ApiError | None:
        """Nothing more is asked: decide what is not decided yet. The failure if there is no answer."""
        contract = self._contract
        if contract is None or self._settled:
            return None
        if not self._unkept:
            self._settle(contract, cut=self.facts.finish_reason == "length")
        if self._settled:
            return None
        given_up = contract.give_up()
        if isinstance(given_up, ApiError):
            return given_up
        self._keep(given_up)
        return None

    def _keep(self, kept: Kept) -> None:
        self._settled, self._closed = True, kept.closed
        self._renderer.keep(kept)
        if kept.calls:
            self._called = "".join(f"{call.name}{call.arguments}" for call in kept.calls)
            self.facts.finish_reason = "tool_calls"

    def _fail(self, error: ApiError) -> None:
        self._move(Signal.FAILURE)
        self._renderer.close()
        self._builder.end(Failed(error))

    def _move(self, signal: Signal) -> None:
        self.state = transition(self.state, signal)
        self._reading = self.state in READING
        self._unheard = self.state is State.ELSEWHERE
        self.exchange_over = self.state is State.EXCHANGE_ENDED or self.state in OVER
