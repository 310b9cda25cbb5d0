"""Runs a turn and reads what it wrote, as strictly as the strictest client."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from tests.translate.player import Fetch, Follow, Player, address, nowhere
from translate import Conversation, Options
from translate.backend import MAX_RECORD_BYTES
from translate.bounds import MAX_ANSWER_BYTES, MAX_KEPT_BYTES
from translate.openai.chat import ChatStream, WholeChat
from translate.values import ApiError, CitationForm, Native, SentMessage
from translate.values.style import Style

Json = dict[str, object]

ID, CREATED, MODEL = "chatcmpl-1", 1795333147, "gpt-4-s"
MAX_LINE = 64 * 1024

QUESTION = (SentMessage("u1", "user", "Hello"),)


@dataclass
class Reading:
    """What a client of a stream saw."""

    chunks: list[Json] = field(default_factory=list)
    deltas: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Json | None = None
    error: Json | None = None
    done: bool = False

    @property
    def text(self) -> str:
        return "".join(self.deltas)


@dataclass
class Answer(Reading):
    """The same, and how it came to be."""

    player: Player = field(kw_only=True)

    @property
    def failure(self) -> ApiError:
        """The turn's error, which must be there."""
        assert self.player.error is not None
        return self.player.error

    @property
    def conversation(self) -> Conversation:
        """The conversation that said it."""
        return self.player.conversation


def cut(stream: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """`stream` in pieces of the given sizes, over and over; no sizes: as a whole."""
    at, endless = 0, cycle(sizes or [len(stream) or 1])
    while at < len(stream):
        size = next(endless)
        yield stream[at : at + size]
        at += size


class Files:
    """Addresses for files of the sandbox; what ends in `.secret` cannot be had."""

    has_room = False

    def sandbox(self, message_id: str, path: str) -> str | None:
        return None if path.endswith(".secret") else f"https://files.example/{message_id}{path}"


def answer(
    stream: bytes,
    *,
    sent: Sequence[SentMessage] = QUESTION,
    stop: Sequence[str] = (),
    sizes: Sequence[int] = (),
    fast: bool = True,
    behind: bool = False,
    include_usage: bool = False,
    max_record_bytes: int = MAX_RECORD_BYTES,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
    max_kept_bytes: int = MAX_KEPT_BYTES,
    style: Style = Style.WEB,
    reasoning: bool = False,
    fetch: Fetch = address,
    follow: Follow = nowhere,
    native: frozenset[Native] = frozenset(),
    citations: CitationForm = CitationForm.HOST,
) -> Answer:
    """The streamed answer to `stream`; a failed one ends in an error event, without a note."""
    conversation = Conversation(
        sent,
        Options(stop, style, reasoning, native=native, citations=citations),
        Files(),
        fast=fast,
        max_record_bytes=max_record_bytes,
        max_answer_bytes=max_answer_bytes,
        max_kept_bytes=max_kept_bytes,
    )
    player = Player(conversation, chat_stream(include_usage=include_usage), fetch, follow, behind=behind)
    player.play(cut(stream, sizes))
    player.close()
    return Answer(**vars(read(player.out)), player=player)


def chat_stream(
    *,
    include_usage: bool = False,
    annotate: bool = False,
    error_note: bool = False,
    thinking: bool = False,
) -> ChatStream:
    """The format that `read` reads."""
    return ChatStream(
        id=ID,
        created=CREATED,
        model=MODEL,
        include_usage=include_usage,
        annotate=annotate,
        error_note=error_note,
        thinking=thinking,
    )


def whole_answer(
    stream: bytes,
    *,
    sent: Sequence[SentMessage] = QUESTION,
    sizes: Sequence[int] = (),
    fast: bool = True,
    reasoning: bool = False,
) -> Json:
    """The completion object for `stream`, which must not fail."""
    conversation = Conversation(sent, Options(reasoning=reasoning), fast=fast)
    player = Player(conversation, WholeChat(id=ID, created=CREATED, model=MODEL))
    assert player.play(cut(stream, sizes)) == b""
    assert player.error is None
    completion = json.loads(player.close())
    assert isinstance(completion, dict)
    return completion


def records_read(seen: Answer) -> int:
    """How many records were read in full; all others were told by their bytes."""
    return seen.conversation.progress - seen.conversation.answer.size


def content_of(completion: Json) -> str:
    """The text in a completion object."""
    content = completion["choices"][0]["message"]["content"]  # type: ignore[index]
    assert isinstance(content, str)
    return content


def data_lines(out: bytes) -> Iterator[bytes]:
    """The payloads of the events in `out`, whose framing must have no victims."""
    *events, rest = out.split(b"\n\n")
    assert rest == b"", "the last event has no blank line behind it"
    for event in events:
        if event.startswith(b":"):
            assert b"\n" not in event
            continue
        assert event.startswith(b"data: ")
        assert len(event) < MAX_LINE
        line = event.decode()
        assert line.splitlines() == [line], "a client that splits like str.splitlines loses this"
        assert min(line) >= " ", "a raw control character"
        yield event[len(b"data: ") :]


def read(out: bytes) -> Reading:
    """Read a whole stream, checking all that holds for any stream."""
    seen = Reading()
    for payload in data_lines(out):
        assert not seen.done, "something comes behind [DONE]"
        assert seen.error is None, "something comes behind the error"
        if payload == b"[DONE]":
            seen.done = True
            continue
        chunk = json.loads(payload)
        json.dumps(chunk, ensure_ascii=False).encode()  # raises on lone surrogates
        if "error" in chunk:
            seen.error = chunk["error"]
        else:
            _read_chunk(chunk, seen)
    assert seen.done == (seen.error is None) == (seen.finish_reason is not None)
    return seen


def _read_chunk(chunk: Json, seen: Reading) -> None:
    head = {key: chunk[key] for key in ("id", "object", "created", "model")}
    assert head == {"id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": MODEL}
    choices = chunk["choices"]
    assert isinstance(choices, list)
    if not choices:
        assert seen.usage is None, "usage comes once"
        seen.usage = chunk["usage"]  # type: ignore[assignment]
    for choice in choices:
        assert seen.finish_reason is None, "a choice comes behind the finish reason"
        delta = choice["delta"]
        assert ("role" in delta) == (not seen.chunks), "the role comes first and once"
        if "role" not in delta and "content" in delta:
            assert delta["content"], "an empty delta of content"
            seen.deltas.append(delta["content"])
        seen.finish_reason = choice["finish_reason"]
    seen.chunks.append(chunk)
