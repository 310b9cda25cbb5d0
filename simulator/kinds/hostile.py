"""Answers of no healthy backend: marks without measure, references that contradict each other."""

import json
from collections.abc import Iterator

from simulator.final_answer import final_answer
from simulator.kinds.marked_text import OPEN, SEPARATOR, MarkedText, Source, mark, marked_answer
from simulator.turn import Turn
from simulator.turn_steps import TurnStep

USUAL_SIZE = 1000
"""Marks, or thousands of characters of one, unless the knob `tokens` has another number."""


def many_marks(turn: Turn) -> Iterator[TurnStep]:
    """Marks of all sorts that nothing explains, one after the other."""
    kinds = ("cite", "entity", "hologram", "genui")
    marks = [mark(kinds[number % 4], f"turn0search{number}") for number in range(_size(turn))]
    yield from final_answer(turn, "".join(f"{each} " for each in marks) + "Bye.")


def open_marks(turn: Turn) -> Iterator[TurnStep]:
    """Marks that are begun and never closed."""
    yield from final_answer(turn, f"{OPEN}cite{SEPARATOR}" * _size(turn) + "Bye.")


def huge_mark(turn: Turn) -> Iterator[TurnStep]:
    """One mark of so many thousand characters, which is closed."""
    widget = {"chart": {"rows": ["x" * 990] * _size(turn)}}
    yield from final_answer(turn, f"Look: {mark('genui', json.dumps(widget))} Bye.")


def contradiction(turn: Turn) -> Iterator[TurnStep]:
    """One mark with two references, references of plain words and of nothing, and places that are wrong."""
    text = MarkedText()
    text.say("Tea is ")
    text.cite(Source("One", "https://one.example/", "One"), 0)
    text.say(" hot.")
    again = {**text.references[0], "alt": "([Two](https://two.example/))", "start_idx": 900, "end_idx": -4}
    words = {**again, "matched_text": "Tea", "alt": "Coffee", "type": "followup_a"}
    blank = {**again, "matched_text": "", "alt": "Nothing", "type": "attribution"}
    text.references += [again, words, blank]
    yield from marked_answer(turn, text)


def _size(turn: Turn) -> int:
    return turn.knobs.tokens or USUAL_SIZE
