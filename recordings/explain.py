"""What the translator makes of a recording, record by record: `python server.py explain FILE`."""

from collections.abc import Iterator
from typing import Final

from recordings.turn import RecordedExchange, RecordedTurn
from translate import Conversation, Options, State
from translate.backend import PING, Record, RecordTooLarge, SseSplitter, is_content
from translate.values import (
    NEED_DATA,
    PAUSED,
    Cited,
    Event,
    ExchangeEnded,
    Failed,
    Finished,
    ItemEnded,
    ItemStarted,
    JsonObject,
    Picture,
    PictureShown,
    PictureWanted,
    ReasoningDelta,
    SentMessage,
    TextDelta,
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
    conversation: Conversation | None = None
    for number, exchange in enumerate(turn.exchanges, 1):
        yield ""
        yield f"exchange {number}, {exchange.at:.3f} s"
        sent = [SentMessage(message_id, role, "") for message_id, role in exchange.sent]
        if conversation is not None and conversation.state is State.EXCHANGE_ENDED:
            conversation.start_next_exchange(sent, seamless=True)
        else:
            conversation = Conversation(sent, Options(reasoning=True), _Links(), fast=False)
        yield from _explained(conversation, exchange)
    if conversation is not None:
        yield ""
        yield from ["text:", *(f"    {line}" for line in conversation.answer.text.splitlines())]


def _explained(conversation: Conversation, exchange: RecordedExchange) -> Iterator[str]:
    reader = _Records()
    for piece in exchange.pieces:
        if piece.gap:
            yield f"{piece.at:9.3f}  {piece.gap} bytes were not kept"
        for raw, record in reader.read(piece.data):
            yield from _lines(piece.at, conversation, raw, record)
    rest, record = reader.flush()
    conversation.receive_data(rest)
    conversation.receive_eof()
    at = exchange.pieces[-1].at if exchange.pieces else exchange.at
    yield from _lines(at, conversation, b"", record, named="end of the stream")


def _lines(
    at: float, conversation: Conversation, raw: bytes, record: Record | None, *, named: str = ""
) -> Iterator[str]:
    before = dict(conversation.facts.unknown)
    unread = ": not read, the exchange is over" if conversation.exchange_over and record is not None else ""
    conversation.receive_data(raw)
    effects = list(_effects(conversation))
    for kind, count in conversation.facts.unknown.items():
        if count > before.get(kind, 0):
            effects.insert(0, f"NOT UNDERSTOOD ({kind})")
    what = " / ".join(filter(None, (named, describe(record) if record is not None else "")))
    yield f"{at:9.3f}  {what}{unread}"
    yield from (f"{'':11}{effect}" for effect in effects)


def _effects(conversation: Conversation) -> Iterator[str]:
    """The events that a record has made, in words; pieces of one text are one."""
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
            case _:
                yield from _other(event)
    if reasoning:
        yield f'-> reasoning "{reasoning.decode()}"'
    if text:
        yield f'-> text "{text.decode()}"'


def _other(event: Event) -> Iterator[str]:
    match event:
        case ItemStarted(kind) | ItemEnded(kind):
            yield f"-> {'begins' if isinstance(event, ItemStarted) else 'ends'}: {kind.name.lower()}"
        case Cited():
            yield "-> citation"
        case PictureShown():
            yield "-> picture"
        case ExchangeEnded():
            yield "-> exchange ended" + (", cut by length" if event.cut else "")
        case Finished(reason):
            yield f"-> finished: {reason}"
        case Failed(error):
            yield f"-> FAILED: {error.status} {error.message}"


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
        return bytes(self._raw + self._line), self._sse.flush()
