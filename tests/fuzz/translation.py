"""Runs one case through the translator: the one place where the fuzzer knows how that is done."""

import gc
import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType

from tests.fuzz.cases import Case
from tests.golden.playback import Gallery, Shelf
from tests.translate.player import Player
from tests.translate.reading import CREATED, ID, MODEL, chat_stream
from translate import Conversation, Options
from translate.openai import WholeChat
from translate.values import AnswerFormat, ApiError

MAX_RECORD = 30_000
"""The limit of one record, in bytes, that the translator is given."""
CHECK_BUFFERS_EVERY = 20
"""Chunks. To look at all that a turn holds takes longer than to feed it one chunk."""


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
    player = _play(case, chat_stream(annotate=True), fast=fast)
    facts, answer = player.conversation.facts, player.conversation.answer
    told = (facts.conversation_id, facts.model_slug, *facts.unknown)
    return Streamed(player.out, answer.text, answer.size, player.error, told)


def whole_answer(case: Case) -> bytes | ApiError:
    """The answer as one JSON object, or its error. Raises as `stream_answer`."""
    player = _play(case, WholeChat(id=ID, created=CREATED, model=MODEL), fast=True)
    json.loads(player.out)
    return player.out if player.error is None else player.error


def _play(case: Case, format: AnswerFormat, *, fast: bool) -> Player:
    """The turn at its end. What is asserted here holds at any time."""
    conversation = Conversation(
        case.sent,
        Options(case.stop, case.style, case.reasoning),
        Shelf(),
        max_record_bytes=MAX_RECORD,
        fast=fast,
    )
    gallery = Gallery()
    player = Player(conversation, format, lambda _: None) if case.fails_to_fetch else None
    player = player or Player(conversation, format, gallery.address)
    _feed(player, case.chunks)
    ended = player.ended
    if case.next_exchange and ended is not None and (ended.cut or ended.confirmation is not None):
        player.go_on(())
        _feed(player, (case.next_exchange,))
    conversation.count_usage(len)
    player.close()
    conversation.receive_data(b"data: [DONE]\n\n")
    assert player.drain() == b"", "the turn writes something after its end"
    return player


def _feed(player: Player, chunks: Sequence[bytes]) -> None:
    played = player.play_piecewise(chunks)
    for number, (chunk, _) in enumerate(zip(chunks, played, strict=False)):
        if number % CHECK_BUFFERS_EVERY == CHECK_BUFFERS_EVERY - 1:
            assert _buffered(player.conversation) <= MAX_RECORD + 2 * len(chunk) + 65536, "a buffer grows"
    for _ in played:
        pass  # the end of input


def _buffered(turn: Conversation) -> int:
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
