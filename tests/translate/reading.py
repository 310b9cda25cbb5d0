"""Runs a turn and reads what it wrote, as strictly as the strictest client."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from translate.backend.content import Asset
from translate.backend.interpreter import Sent
from translate.backend.sse import MAX_RECORD_BYTES
from translate.conversation import Turn
from translate.openai.chat import StreamWriter, WholeWriter
from translate.values.errors import ApiError
from translate.values.style import Style

Json = dict[str, object]

ID, CREATED, MODEL = "chatcmpl-1", 1795333147, "gpt-4-s"
MAX_LINE = 64 * 1024

QUESTION = (Sent("u1", "user", "Hello"),)


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
    """The same, and the turn that wrote it."""

    turn: Turn = field(kw_only=True)

    @property
    def failure(self) -> ApiError:
        """The turn's error, which must be there."""
        assert self.turn.error is not None
        return self.turn.error


def cut(stream: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """``stream`` in pieces of the given sizes, over and over; no sizes: as a whole."""
    at, endless = 0, cycle(sizes or [len(stream) or 1])
    while at < len(stream):
        size = next(endless)
        yield stream[at : at + size]
        at += size


def address(asset: Asset) -> str:
    """Where a picture is to be found once it was fetched."""
    return f"https://files.example/{asset.file_id}.png"


Fetch = Callable[[Asset], str | None]


def run(turn: Turn, chunks: Iterable[bytes], fetch: Fetch = address) -> Iterator[bytes]:
    """Feed ``turn`` as its caller does: until it is done, to the end of input, with pictures when wanted."""
    for chunk in chunks:
        yield turn.feed(chunk)
        while (asset := turn.wanted) is not None:
            yield turn.supply(fetch(asset))
            yield turn.feed(b"")
        if turn.done:
            break
    turn.eof()
    while (asset := turn.wanted) is not None:
        yield turn.supply(fetch(asset))
    assert turn.done


class Files:
    """Addresses for files of the sandbox; what ends in ``.secret`` cannot be had."""

    def sandbox(self, message_id: str, path: str) -> str | None:
        return None if path.endswith(".secret") else f"https://files.example/{message_id}{path}"


def answer(
    stream: bytes,
    *,
    sent: Sequence[Sent] = QUESTION,
    stop: Sequence[str] = (),
    sizes: Sequence[int] = (),
    fast: bool = True,
    include_usage: bool = False,
    max_record_bytes: int = MAX_RECORD_BYTES,
    style: Style = Style.WEB,
    fetch: Fetch = address,
) -> Answer:
    """The streamed answer to ``stream``; a failed one ends in an error event, without a note."""
    writer = StreamWriter(id=ID, created=CREATED, model=MODEL, include_usage=include_usage)
    turn = Turn(
        writer,
        sent,
        stop=stop,
        fast=fast,
        max_record_bytes=max_record_bytes,
        style=style,
        links=Files(),
    )
    out = writer.open() + b"".join(run(turn, cut(stream, sizes), fetch))
    out += turn.finish() if turn.error is None else writer.fail(turn.error, note=False)
    seen = read(out)
    return Answer(**vars(seen), turn=turn)


def whole_answer(
    stream: bytes, *, sent: Sequence[Sent] = QUESTION, sizes: Sequence[int] = (), fast: bool = True
) -> Json:
    """The completion object for ``stream``, which must not fail."""
    turn = Turn(WholeWriter(id=ID, created=CREATED, model=MODEL), sent, fast=fast)
    assert b"".join(run(turn, cut(stream, sizes))) == b""
    assert turn.error is None
    completion = json.loads(turn.finish())
    assert isinstance(completion, dict)
    return completion


def content_of(completion: Json) -> str:
    """The text in a completion object."""
    content = completion["choices"][0]["message"]["content"]  # type: ignore[index]
    assert isinstance(content, str)
    return content


def data_lines(out: bytes) -> Iterator[bytes]:
    """The payloads of the events in ``out``, whose framing must have no victims."""
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
