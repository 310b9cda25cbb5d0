"""Runs one case through the translator: the one place where the fuzzer knows how that is done."""

import gc
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType

from tests.fuzz.cases import Case
from tests.golden.playback import Gallery, Shelf
from tests.translate.reading import CREATED, ID, MODEL
from translate.conversation import Cut, Turn
from translate.openai.chat import StreamWriter, WholeWriter, Writer
from translate.openai.errors import envelope
from translate.values.errors import ApiError

MAX_RECORD = 30_000
"""The limit of one record, in bytes, that the translator is given."""
CHECK_BUFFERS_EVERY = 20
"""Chunks. To look at all that a turn holds takes longer than to feed it one chunk."""
MAX_PICTURES = 10_000


@dataclass(frozen=True, slots=True)
class Streamed:
    """A streamed answer: its bytes, the text that the writer says it wrote, and how it ended."""

    written: bytes
    text: str
    size: int
    error: ApiError | None
    facts: tuple[str, ...]
    """What the turn remembers besides its text: ids, the model's name, names of unknown things."""


def stream_answer(case: Case, *, fast: bool) -> Streamed:
    """The whole answer as a stream. Raises AssertionError, or whatever the translator raises."""
    writer = StreamWriter(id=ID, created=CREATED, model=MODEL, include_usage=False, annotate=True)
    turn, written = _run(case, writer, fast=fast)
    written = writer.open() + written
    written += turn.finish() if turn.error is None else writer.fail(turn.error, note=False)
    state = turn.state
    facts = (state.conversation_id, state.model_slug, *state.unknown)
    return Streamed(written, writer.answer, writer.size, turn.error, facts)


def whole_answer(case: Case) -> bytes | ApiError:
    """The answer as one JSON object, or its error. Raises as `stream_answer`."""
    turn, written = _run(case, WholeWriter(id=ID, created=CREATED, model=MODEL), fast=True)
    assert written == b""
    if turn.error is None:
        return turn.finish()
    json.loads(envelope(turn.error))
    return turn.error


def _run(case: Case, writer: Writer, *, fast: bool) -> tuple[Turn, bytes]:
    """The turn at its end, and what it wrote. What is asserted here holds at any time."""
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
    written = list(_feed(turn, case.chunks, fails_to_fetch=case.fails_to_fetch))
    if case.next_exchange and (step := turn.follow_up()) is not None:
        turn.resume((), seamless=isinstance(step, Cut))
        written += _feed(turn, (case.next_exchange,), fails_to_fetch=False)
    turn.close()
    turn.count(len)
    written.append(turn.abandon())
    assert turn.feed(b"data: [DONE]\n\n") == b"", "the turn writes something after its end"
    return turn, b"".join(written)


def _feed(turn: Turn, chunks: Iterable[bytes], *, fails_to_fetch: bool) -> Iterator[bytes]:
    gallery, fetched = Gallery(), 0
    for number, chunk in enumerate(chunks):
        yield turn.feed(chunk)
        while (asset := turn.wanted) is not None:
            fetched += 1
            assert fetched < MAX_PICTURES, "the turn never stops asking for pictures"
            yield turn.supply(None if fails_to_fetch else gallery.address(asset))
            yield turn.feed(b"")
        if number % CHECK_BUFFERS_EVERY == CHECK_BUFFERS_EVERY - 1:
            assert _buffered(turn) <= MAX_RECORD + 2 * len(chunk) + 65536, "a buffer grows without end"
        if turn.done:
            break
    turn.eof()
    while (asset := turn.wanted) is not None:
        yield turn.supply(gallery.address(asset))
    assert turn.done


def _buffered(turn: Turn) -> int:
    """Bytes in the largest buffer that the turn, or what belongs to it, holds."""
    seen, left, largest = {id(turn)}, [turn], 0
    while left:
        for found in gc.get_referents(left.pop()):
            if isinstance(found, bytearray):
                largest = max(largest, len(found))
            elif id(found) not in seen and not isinstance(found, type | FunctionType | ModuleType):
                seen.add(id(found))
                left.append(found)
    return largest
