"""What the translator makes of a recording, record by record: `python server.py explain FILE`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, assert_never

from recordings.turn import RecordedStream, RecordedTurn
from translate import Conversation, Options, State
from translate.backend import PING, Record, RecordTooLarge, SseSplitter, is_content
from translate.values import (
    NEED_DATA,
    PAUSED,
    Cited,
    CodeDelta,
    ExchangeEnded,
    Failed,
    Finished,
    GoesOn,
    ItemEnded,
    ItemStarted,
    JsonObject,
    OutputDelta,
    Picture,
    PictureShown,
    PictureWanted,
    ReasoningDelta,
    Refused,
    SentMessage,
    TextDelta,
    ToolCalled,
    WebUsed,
    json_object,
    object_at,
    text_at,
)

MAX_SHOWN: Final = 100
"""Characters of a record's text that are shown."""


def explain(turn: RecordedTurn) -> Iterator[str]:
    """Lines for a person: how the turn ended, then each record, and what came out of it."""
    status, code = turn.error
    error = f", {status} {code}" if status else ""
    unknown = "".join(f", {count} x unknown {kind}" for kind, count in turn.unknown.items())
    yield f"{turn.reason}{error}{unknown}; {len(turn.exchanges)} exchange(s)"
    reading = _Reading()
    for number, exchange in enumerate(turn.exchanges, 1):
        for stream in exchange:
            yield ""
            yield f"exchange {number}{_HOW[stream.goes_on]}, {stream.at:.3f} s"
            reading.begin(stream)
            yield from reading.explained(stream)
    if turn.streams:
        yield ""
        yield from reading.left(failed=status > 0)
        yield from ["text:", *(f"    {line}" for line in reading.text.splitlines())]


_HOW: Final[Mapping[str, str]] = {
    "": "",
    "fresh": " goes on, from the start of its answer",
    "behind": " goes on, behind what has come",
}


class _Reading:
    """A turn as the translator reads it, stream by stream: `begin` each one, then have it `explained`."""

    def __init__(self) -> None:
        self._sent: Sequence[SentMessage] = ()
        self._conversation = self._new()
        self._ended = ExchangeEnded()  # how the last exchange ended, if it ended well

    def _new(self) -> Conversation:
        return Conversation(self._sent, Options(reasoning=True), _Links(), fast=False)

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._conversation.answer.text

    def begin(self, stream: RecordedStream) -> None:
        """The stream goes on with what came, if that fits; an attempt after a failure begins anew."""
        state = self._conversation.state
        if not stream.goes_on:
            self._sent = [SentMessage(message_id, role, "") for message_id, role in stream.sent]
        if stream.goes_on and state is State.ELSEWHERE:
            self._conversation.continue_stream(fresh=stream.goes_on == "fresh")
        elif not stream.goes_on and state is State.EXCHANGE_ENDED:
            self._conversation.start_next_exchange(self._sent, seamless=self._ended.cut)
        else:
            self._conversation = self._new()

    def explained(self, stream: RecordedStream) -> Iterator[str]:
        """Its records, and what they make."""
        reader = _Records()
        for piece in stream.pieces:
            if piece.gap:
                yield f"{piece.at:9.3f}  {piece.gap} bytes were not kept"
            for raw, record in reader.read(piece.data):
                yield from self._lines(piece.at, raw, record)
        rest, record = reader.flush()
        self._conversation.receive_data(rest)
        self._conversation.receive_eof()
        at = stream.pieces[-1].at if stream.pieces else stream.at
        yield from self._lines(at, b"", record, named="end of the stream")

    def left(self, *, failed: bool) -> Iterator[str]:
        """What is shown at the end where the rest was not waited for, and the turn did not fail for that."""
        if self._conversation.state is State.ELSEWHERE and not failed:
            self._conversation.leave()
            yield "the rest was not waited for"
            yield from (f"{'':11}{effect}" for effect in self._effects())

    def _lines(self, at: float, raw: bytes, record: Record | None, *, named: str = "") -> Iterator[str]:
        conversation = self._conversation
        before = dict(conversation.facts.unknown)
        over = conversation.exchange_over or conversation.state is State.ELSEWHERE
        unread = ": not read, the stream is over" if over and record is not None else ""
        conversation.receive_data(raw)
        effects = list(self._effects())
        for kind, count in conversation.facts.unknown.items():
            if count > before.get(kind, 0):
                effects.insert(0, f"NOT UNDERSTOOD ({kind})")
        what = " / ".join(filter(None, (named, describe(record) if record is not None else "")))
        yield f"{at:9.3f}  {what}{unread}"
        yield from (f"{'':11}{effect}" for effect in effects)

    def _effects(self) -> Iterator[str]:
        """The events that a record has made, in words; pieces of one text are one."""
        conversation = self._conversation
        text, reasoning = b"", b""
        while (event := conversation.next_event()) is not NEED_DATA and event is not PAUSED:
            match event:
                case TextDelta():
                    text += b"".join(event.pieces)
                case ReasoningDelta():
                    reasoning += b"".join(event.pieces)
                case PictureWanted():
                    conversation.supply(Picture("picture"))
                    yield "-> picture wanted"
                case ItemStarted():
                    yield f"-> begins: {event.kind.name.lower()}"
                case ItemEnded():
                    yield f"-> ends: {event.kind.name.lower()}"
                case Cited():
                    yield "-> citation"
                case ToolCalled() | Refused() | CodeDelta() | OutputDelta() | WebUsed():
                    # An answer is explained as plain text, without what it has to keep to.
                    yield f"-> {type(event).__name__}"
                case PictureShown():
                    yield "-> picture"
                case ExchangeEnded():
                    self._ended = event
                    yield "-> exchange ended" + (", cut by length" if event.cut else "")
                case GoesOn():
                    yield f"-> goes on elsewhere ({event.elsewhere.kind.value})"
                case Finished():
                    yield f"-> finished: {event.reason}"
                case Failed():
                    yield f"-> FAILED: {event.error.status} {event.error.message}"
                case _:
                    assert_never(event)
        if reasoning:
            yield f'-> reasoning "{reasoning.decode()}"'
        if text:
            yield f'-> text "{text.decode()}"'


def describe(record: Record) -> str:
    """What a record is taken for by its form."""
    name = f"{record.event.decode(errors='replace')}: " if record.event else ""
    data = record.data.strip()
    if record.event == PING:
        return "ping"
    if data == b"[DONE]":
        return f"{name}end"
    value = json_object(data)
    if value is None:
        return f"{name}no JSON object, {len(data)} bytes: {_short(data.decode(errors='replace'))}"
    if is_content(value):
        is_snapshot = "message" in value and not isinstance(value["message"], str)
        return f"{name}snapshot of {_message(value)}" if is_snapshot else f"{name}delta {_delta(value)}"
    kind = text_at(value, "type")
    return (
        f"{name}record of type {kind}"
        if kind
        else f"{name}record with {', '.join(map(_short, value)) or 'nothing'}"
    )


def _delta(value: JsonObject) -> str:
    path, operation = value.get("p"), value.get("o")
    where = f"{operation or '(the same)'} at {path if path is not None else '(the same place)'}"
    changed = value.get("v")
    if isinstance(changed, dict) and isinstance(changed.get("message"), dict):
        return f"{where}: {_message(changed)}"
    if isinstance(changed, list):
        paths = [f"{part.get('o')} {part.get('p')}" for part in changed if isinstance(part, dict)]
        return f"{where}: {', '.join(paths[:8])}"
    return f"{where}: {_short(str(changed))}"


def _message(envelope: JsonObject) -> str:
    message = object_at(envelope, "message")
    if not message:
        return "no message"
    author, content = object_at(message, "author"), object_at(message, "content")
    facts = [
        text_at(author, "role") or "nobody",
        text_at(author, "name"),
        text_at(content, "content_type"),
        text_at(message, "channel"),
        f"to {to}" if (to := text_at(message, "recipient")) not in ("", "all") else "",
        text_at(message, "status"),
    ]
    return f"message {_short(text_at(message, 'id'))}: {', '.join(filter(None, facts))}"


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


class _Links:
    """Leaves links to files of the sandbox as they are."""

    has_room = False

    def sandbox(self, message_id: str, path: str) -> str:
        """The address of a file."""
        return f"sandbox:{path}"


class _Records:
    """Cuts a stream into the bytes of its records."""

    def __init__(self) -> None:
        self._sse = SseSplitter()
        self._raw = bytearray()
        self._line = bytearray()

    def read(self, data: bytes) -> Iterator[tuple[bytes, Record | None]]:
        """The records that are whole now, with their bytes."""
        for line in data.splitlines(keepends=True):
            self._line += line
            if not line.endswith((b"\n", b"\r")):
                continue
            self._sse.push(bytes(self._line))
            self._raw += self._line
            self._line.clear()
            try:
                records = list(iter(self._sse.next, None))
            except RecordTooLarge:
                records = []
            if records:
                yield bytes(self._raw), records[-1]
                self._raw.clear()

    def flush(self) -> tuple[bytes, Record | None]:
        """What is left, and the record in it."""
        self._sse.push(bytes(self._line))
        try:
            record = self._sse.flush()
        except RecordTooLarge:
            record = None
        return bytes(self._raw + self._line), record
