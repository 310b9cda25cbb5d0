"""Turns of text: one answer, an answer with an advertisement, two answers to choose from."""

from collections.abc import Iterator
from itertools import zip_longest

from simulator.answers import compose_answer
from simulator.final_answer import final_answer
from simulator.messages import text_content
from simulator.turn import Turn
from simulator.turn_steps import AppendText, SendRecord, TurnStep, UpdateMessage


def text(turn: Turn) -> Iterator[TurnStep]:
    """An answer."""
    yield from final_answer(turn, compose_answer(turn.prompt))


def advert(turn: Turn) -> Iterator[TurnStep]:
    """A second message, as some GPTs add; it starts with empty text before the first is finished."""
    first = turn.start_assistant_message(text_content(""))
    yield first
    yield turn.append_text(first.message.id, compose_answer(turn.prompt))
    paragraph = turn.prompt.localized(
        "Try **Example Tea** today, 10% off! [Shop](https://shop.example.com/)",
        "现在试试 **示例茶**，九折优惠！[商店](https://shop.example.com/)",
    )
    steps = final_answer(turn, paragraph)
    yield next(steps)
    yield turn.finish_message(first.message.id, end_turn=False)
    yield from steps


def variants(turn: Turn) -> Iterator[TurnStep]:
    """Two answers for the user to choose from, interleaved under two ids."""
    announcement = {"type": "num_variants_in_stream", "num_variants_in_stream": 2}
    yield SendRecord({**announcement, "display_treatment": "skippable"})
    parent_id = turn.parent_id
    starts, texts = [], []
    second = f"{turn.prompt.localized('Second answer', '第二个答案')}: {turn.prompt.quoted}"
    for answer in (compose_answer(turn.prompt), second):
        turn.parent_id = parent_id
        starts.append(turn.start_assistant_message(text_content("")))
        texts.append(turn.append_text(starts[-1].message.id, answer))
    yield from starts
    for pieces in zip_longest(*(text.pieces for text in texts)):
        for whole, piece in zip(texts, pieces, strict=True):
            if piece is not None:
                yield AppendText(whole.message_id, (piece,), whole.tokens)
    finishes: list[UpdateMessage] = [turn.finish_message(start.message.id, end_turn=True) for start in starts]
    yield from finishes
