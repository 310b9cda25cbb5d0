"""Turns of text: one answer, one with an advertisement after it, two that compete."""

from collections.abc import Iterator
from itertools import zip_longest

from simulator.answering import answer
from simulator.answers import compose
from simulator.messages import text_content
from simulator.steps import Grow, Note, Revise, Step
from simulator.turn import Turn


def text(turn: Turn) -> Iterator[Step]:
    """An answer."""
    yield from answer(turn, compose(turn.prompt))


def advert(turn: Turn) -> Iterator[Step]:
    """A second message that starts with empty text before the first is finished, as some GPTS add."""
    first = turn.begin_assistant(text_content(""))
    yield first
    yield turn.grow(first.message.id, compose(turn.prompt))
    paragraph = turn.prompt.either(
        "Try **Example Tea** today, 10% off! [Shop](https://shop.example.com/)",
        "现在试试 **示例茶**，九折优惠！[商店](https://shop.example.com/)",
    )
    steps = answer(turn, paragraph)
    yield next(steps)
    yield turn.finish(first.message.id, end_turn=False)
    yield from steps


def variants(turn: Turn) -> Iterator[Step]:
    """Two answers for the user to choose from, interleaved under two ids."""
    variants_record = {"type": "num_variants_in_stream", "num_variants_in_stream": 2}
    yield Note({**variants_record, "display_treatment": "skippable"})
    parent_id = turn.parent_id
    begins, grows = [], []
    for said in (
        compose(turn.prompt),
        f"{turn.prompt.either('Second answer', '第二个答案')}: {turn.prompt.quoted}",
    ):
        turn.parent_id = parent_id
        begins.append(turn.begin_assistant(text_content("")))
        grows.append(turn.grow(begins[-1].message.id, said))
    yield from begins
    for pieces in zip_longest(*(grow.pieces for grow in grows)):
        for grow, piece in zip(grows, pieces, strict=True):
            if piece is not None:
                yield Grow(grow.message_id, (piece,), grow.tokens)
    finishes: list[Revise] = [turn.finish(begin.message.id, end_turn=True) for begin in begins]
    yield from finishes
