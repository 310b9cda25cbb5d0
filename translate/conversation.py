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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from translate.backend import MAX_RECORD_BYTES, Interpreter, SseSplitter, TurnFacts
from translate.bounds import MAX_ANSWER_BYTES, MAX_KEPT_BYTES, Bounds
from translate.endings import Ending, Endings
from translate.growing_text import GrowingText
from translate.keeping import Keeping
from translate.states import OVER, READING, Signal, State, WrongState, transition
from translate.stream_reader import Halt, StreamReader
from translate.text import AnswerBuilder, Links, Renderer
from translate.values import (
    NEED_DATA,
    PAUSED,
    ApiError,
    CitationForm,
    Contract,
    CountTokens,
    Event,
    ExchangeEnded,
    Failed,
    Finished,
    GoesOn,
    Native,
    Picture,
    SentMessage,
    ShownCitation,
    Style,
    Usage,
    Waiting,
    usage_of,
)


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
        "_bounds",
        "_builder",
        "_endings",
        "_eof",
        "_events",
        "_interpreter",
        "_keeping",
        "_lost",
        "_max_record_bytes",
        "_met",
        "_reader",
        "_reading",
        "_renderer",
        "_sent",
        "_sse",
        "_text",
        "_unheard",
        "_waiting",
        "answer",
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
        contract = options.contract
        self.state = State.WAITING
        self.exchange_over = False
        """The present exchange is over, so that the rest of its stream is not read."""
        self._reading = self._waiting = True  # the state is one of READING, and WAITING
        self._unheard = False  # the answer goes on elsewhere: the rest of this stream is not wanted
        self._sent = sent
        self._builder = AnswerBuilder(options.stop, hidden=contract.hidden if contract is not None else "")
        self._events = self._builder.events
        self.answer = self._builder.answer
        """The text of the answer so far."""
        self._renderer = Renderer(
            self._builder,
            options.style,
            links,
            reasoning=options.reasoning,
            contract=contract,
            native=options.native,
            citations=options.citations,
        )
        self._interpreter = Interpreter(sent, secrets)
        self._bounds = Bounds(
            self.answer,
            self._interpreter,
            self._renderer,
            contract,
            max_answer_bytes=max_answer_bytes,
            max_kept_bytes=max_kept_bytes,
        )
        self._text = GrowingText(self._builder, self._renderer, contract, self._bounds)
        self._reader = StreamReader(
            self._interpreter,
            self._builder,
            self._renderer,
            self._text,
            self._bounds,
            secrets=secrets,
            fast=fast,
        )
        self._keeping = Keeping(contract, self._renderer, self.facts)
        self._endings = Endings(
            self._interpreter, self._renderer, self._reader, self._text, self._keeping, self._bounds
        )
        self._max_record_bytes = max_record_bytes
        self._met: Halt | ApiError | None = None  # why reading has stopped, if a picture is fetched first
        self._listen()

    def _listen(self, *, goes_on: bool = False) -> None:
        """Begin with a new stream, which goes on behind the last one or says anew how it speaks."""
        self._sse = SseSplitter(self._max_record_bytes)
        self._eof = False
        self._lost: ApiError | None = None  # how the stream broke
        self._all_read = True  # all that can be read has been read
        self._behind = False  # what was received last may be joined
        self._reader.listen(self._sse, goes_on=goes_on)

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
        return self._reader.records + self.answer.size

    @property
    def complete(self) -> bool:
        """The backend has said that it is done with this stream; before that, it may still be at work."""
        return self._reader.complete

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
            self._all_read = True
            met = self._reader.read(self._eof, self._behind)
            if met is not None or self._waiting:
                self._go_by(met)
            bounds = self._bounds
            if (
                (bounds.more_kept or self.answer.size > bounds.max_answer_bytes)
                and not self.exchange_over
                and (failure := bounds.failure(self._reader.dialect)) is not None
            ):
                self._end(Failed(failure))
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
            met, self._met = self._met, None
            self._go_by(met)
        if self._text.is_enough and not self.exchange_over:
            self._go_by(Halt.ENOUGH)
        self._text.look(self._interpreter.growing)
        self._builder.flush()

    def start_next_exchange(self, sent: Sequence[SentMessage], *, seamless: bool) -> None:
        """Another stream of the same turn begins, which will repeat `sent`.

        With `seamless` its text goes on in mid-sentence. Raises WrongState.
        """
        self._move(Signal.NEXT_EXCHANGE)
        self._keeping.begin()
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
        self._listen(goes_on=not fresh)
        if fresh:
            self._interpreter.begin_anew()
        else:
            self._interpreter.continue_stream()

    def give_up(self, *, timed_out: bool = False) -> None:
        """The rest of the answer cannot be had, or not in time: fail, unless what came may be all there is.

        Raises WrongState.
        """
        if self.state is not State.ELSEWHERE:
            raise WrongState(f"there is nothing to give up while the turn is {self.state.name}")
        self._end(self._endings.without_rest(timed_out=timed_out))
        self._builder.flush()

    def leave(self) -> None:
        """End the exchange well with what came, though the backend is still at work. Raises WrongState.

        If a picture of which only previews have come was held back, `PictureWanted` comes before the end.
        """
        if self.state is not State.ELSEWHERE:
            raise WrongState(f"there is nothing to leave while the turn is {self.state.name}")
        self._go_by(Halt.LEFT)
        self._builder.flush()

    def conclude(self, notes: Iterable[str] = ()) -> None:
        """The turn is over. Each of `notes` is added to the answer as a paragraph. Raises WrongState.

        `Failed` follows instead of `Finished` if the answer does not keep to what it has to.
        """
        if self.state is State.EXCHANGE_ENDED and (error := self._keeping.decide_at_last()) is not None:
            self._end(Failed(error))
        else:
            self._move(Signal.CONCLUDED)
            for note in notes:
                if not self._keeping.closed:
                    self._renderer.note(note)
            self._renderer.close()
            self._builder.end(Finished(self.facts.finish_reason))
        self._builder.flush()

    def do_without(self) -> bool:
        """The backend has not taken the question that asks once more for the answer: whether that is done
        without. The exchange is over then, and the turn is to be concluded.
        """
        if self.state is not State.ANSWERING or not self._keeping.do_without():
            return False
        self._move(Signal.ENDED)
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
        return sum(len(message.text) for message in self._sent) + self.answer.size + len(self._keeping.called)

    def count_usage(self, count_tokens: CountTokens) -> Usage:
        """The tokens of what was sent and of the answer, the calls of tools included.

        May be called in another thread once the turn is over, since nothing changes its text any more.
        """
        texts = [message.text for message in self._sent]
        pictures = sum(message.picture_tokens for message in self._sent)
        return usage_of(texts, pictures, self.answer.text + self._keeping.called, count_tokens)

    def _go_by(self, met: Halt | ApiError | None) -> None:
        """See where the turn stands after what was read, and what was met there."""
        if self._waiting and self.facts.answering:
            self._move(Signal.ANSWER_BEGAN)
        if met is None:
            return
        self._all_read = False
        if met is Halt.PICTURE:
            self._move(Signal.PICTURE_WANTED)
        elif (ending := self._endings.after(met, self._lost)) is not None:
            self._end(ending)
        else:
            self._met = met
            self._move(Signal.PICTURE_WANTED)

    def _end(self, ending: Ending) -> None:
        match ending:
            case GoesOn():
                self._move(Signal.GOES_ON)
            case ExchangeEnded():
                self._move(Signal.ENDED)
            case _:  # it has failed
                self._move(Signal.FAILURE)
                self._renderer.close()
        self._builder.end(ending)

    def _move(self, signal: Signal) -> None:
        self.state = transition(self.state, signal)
        self._reading = self.state in READING
        self._waiting = self.state is State.WAITING
        self._unheard = self.state is State.ELSEWHERE
        self.exchange_over = self.state is State.EXCHANGE_ENDED or self.state in OVER
