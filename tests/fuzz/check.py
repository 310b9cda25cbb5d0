"""One run of the translator over any bytes, and all that must hold whatever they are."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.fuzz.mutations import TEXTS, VALUES, mutated
from tests.fuzz.seeds import Seed, seeds
from tests.golden.playback import Gallery, Shelf
from tests.translate.reading import CREATED, ID, MODEL, Reading, read
from translate.backend.websocket_frames import EndFinder, Frame, Gap, StartFinder, read_frame
from translate.backend.websocket_frames import Sequence as Numbers
from translate.conversation import Cut, Turn
from translate.openai.chat import StreamWriter, WholeWriter, Writer
from translate.openai.errors import envelope
from translate.values.errors import ApiError
from translate.values.style import Style

MAX_RECORD = 30_000
GROWTH = 40
"""Bytes written at most per byte read, next to ``SLACK``: a chunk of one character is about 200 bytes."""
SLACK = 100_000


@dataclass(frozen=True, slots=True)
class Case:
    """What is fed, in which pieces, and to what kind of turn."""

    seed: Seed
    chunks: tuple[bytes, ...]
    style: Style
    stop: tuple[str, ...]
    fails_to_fetch: bool
    reasoning: bool
    again: bytes
    """What comes of a second exchange, where the first leads to one."""


def case_of(chance: random.Random) -> Case:
    """A case, by chance."""
    seed, other = chance.choice(seeds()), chance.choice(seeds())
    if seed.frames:
        stream = b"".join(bodies(_damaged_frames(chance, seed.frames)))
        if chance.random() < 0.5:
            stream = mutated(chance, stream, other.stream)
    else:
        stream = mutated(chance, seed.stream, other.stream)
    return Case(
        seed,
        tuple(_cut(chance, stream)),
        chance.choice(list(Style)),
        chance.choice(((), (), (), ("tea",), ("`", "\n\n"), ("🔥",))),
        chance.random() < 0.2,
        chance.random() < 0.3,
        mutated(chance, chance.choice(seeds()).stream, b"") if chance.random() < 0.3 else b"",
    )


def bodies(frames: Sequence[str | bytes]) -> Iterator[bytes]:
    """What comes out of frames, as a reader of the socket would have it."""
    numbers, end, start = Numbers(), EndFinder(), StartFinder()
    judged: bool | None = None
    for message in frames:
        frame = read_frame(message)
        if not isinstance(frame, Frame):
            continue
        try:
            if not numbers.take(frame.sequence):
                continue
        except Gap:
            numbers.skip_to(frame.sequence)
        numbers.acknowledgement()
        if judged is None:
            judged = start.judge(frame.body)
        yield frame.body
        if end.found(frame.body) or not frame.more:
            return


def check(case: Case) -> None:
    """Raises AssertionError, or whatever the translator raises, which is worse."""
    slow = _run(case, fast=False)
    fast = _run(case, fast=True)
    assert fast.seen.text == slow.seen.text, "the two roads differ"
    assert fast.reason == slow.reason
    assert type(fast.error) is type(slow.error)
    whole = _run_whole(case)
    if slow.error is None:
        assert whole == slow.seen.text
    assert slow.state_size < 2_000_000


@dataclass(frozen=True, slots=True)
class _Run:
    seen: Reading
    error: ApiError | None
    reason: str | None
    state_size: int


def _run(case: Case, *, fast: bool) -> _Run:
    writer = StreamWriter(id=ID, created=CREATED, model=MODEL, include_usage=False, annotate=True)
    turn, out = _fed(case, writer, fast=fast)
    out = writer.open() + out
    out += turn.finish() if turn.error is None else writer.fail(turn.error, note=False)
    seen = read(out)
    read_bytes = sum(map(len, (*case.chunks, case.again)))
    assert writer.size <= len(out)
    assert len(out) <= GROWTH * read_bytes + SLACK, "it says far more than it was told"
    if not case.stop:
        assert "".join(seen.deltas) == writer.answer, "a delta repeats or loses something"
    state = turn.state
    size = sum(map(len, (state.conversation_id, state.model_slug, *state.unknown)))
    return _Run(seen, turn.error, seen.finish_reason, size)


def _run_whole(case: Case) -> str | None:
    turn, out = _fed(case, WholeWriter(id=ID, created=CREATED, model=MODEL), fast=True)
    assert out == b""
    if turn.error is not None:
        json.loads(envelope(turn.error))
        return None
    completion = json.loads(turn.finish())
    json.dumps(completion, ensure_ascii=False).encode()  # raises on lone surrogates
    content = completion["choices"][0]["message"]["content"]
    assert isinstance(content, str)
    return content


def _fed(case: Case, writer: Writer, *, fast: bool) -> tuple[Turn, bytes]:
    """As the service feeds a turn. What is checked here holds at any time."""
    turn = Turn(
        writer,
        case.seed.sent,
        stop=case.stop,
        style=case.style,
        links=Shelf(),
        max_record_bytes=MAX_RECORD,
        reasoning=case.reasoning,
        fast=fast,
    )
    gallery, out, fetched = Gallery(), [], 0
    for chunk in case.chunks:
        out.append(turn.feed(chunk))
        while (asset := turn.wanted) is not None:
            fetched += 1
            assert fetched < 10_000, "pictures without end"
            out.append(turn.supply(None if case.fails_to_fetch else gallery.address(asset)))
            out.append(turn.feed(b""))
        assert len(turn._sse.buffer) <= MAX_RECORD + 2 * len(chunk) + 65536, "the buffer grows"
        if turn.done:
            break
    turn.eof()
    while (asset := turn.wanted) is not None:
        out.append(turn.supply(gallery.address(asset)))
    assert turn.done
    if case.again and (step := turn.follow_up()) is not None:
        turn.resume((), seamless=isinstance(step, Cut))
        out += _again(turn, case.again)
    turn.close()
    turn.count(len)
    out.append(turn.abandon())
    assert turn.feed(b"data: [DONE]\n\n") == b"", "something comes after the end"
    return turn, b"".join(out)


def _again(turn: Turn, stream: bytes) -> list[bytes]:
    gallery, out = Gallery(), [turn.feed(stream)]
    while (asset := turn.wanted) is not None:
        out += [turn.supply(gallery.address(asset)), turn.feed(b"")]
    turn.eof()
    while (asset := turn.wanted) is not None:
        out.append(turn.supply(gallery.address(asset)))
    assert turn.done
    return out


def _cut(chance: random.Random, stream: bytes) -> Iterator[bytes]:
    """In pieces of one size, or of many; seldom byte by byte, which is slow."""
    way, at = chance.random(), 0
    sizes = (100_000,) if way < 0.4 else (1, 5, 300) if way < 0.6 else (700, 1024, 4096)
    if way > 0.95 and len(stream) < 8000:
        sizes = (1,)
    while at < len(stream):
        size = chance.choice(sizes)
        yield stream[at : at + size]
        at += size


def _damaged_frames(chance: random.Random, frames: Sequence[str]) -> list[str | bytes]:
    damaged: list[str | bytes] = list(frames)
    for _ in range(chance.choice((0, 1, 2, 5))):
        at = chance.randrange(len(damaged))
        how = chance.randrange(5)
        if how == 0:
            del damaged[at]
        elif how == 1:
            damaged.insert(chance.randint(0, len(damaged)), damaged[at])
        elif how == 2:
            damaged[at] = damaged[at][: chance.randint(0, 300)]
        elif how == 3:
            frame = json.loads(frames[chance.randrange(len(frames))])
            place = chance.choice((frame, frame["data"]))
            place[chance.choice(list(place))] = chance.choice((*VALUES, *TEXTS))
            damaged.insert(at, json.dumps(frame))
        else:
            damaged.insert(at, chance.choice((b"\xff", b"", "[]", "1", '{"type": "system"}', "{" * 2000)))
        if not damaged:
            return [""]
    return damaged
