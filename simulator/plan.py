"""From a request to the steps of its turn."""

from collections.abc import Iterator

from simulator.answering import answer
from simulator.faults import FAULTS
from simulator.kinds import steps_of
from simulator.kinds.thinking import thinking
from simulator.steps import Break, Note, Step
from simulator.turn import Turn


def plan(turn: Turn) -> Iterator[Step]:
    """All steps of the turn, made as they are played.

    Raises Refused at once when the request asks for what is not there: a file, a waiting Action.
    """
    if turn.request.action == "continue":
        return _whole(turn, answer(turn, turn.conversation.rest.get(turn.request.parent_message_id, "")))
    return _whole(turn, steps_of(turn))


def _whole(turn: Turn, body: Iterator[Step]) -> Iterator[Step]:
    fault = FAULTS.get(turn.knobs.fault)
    if fault and fault.place == "after_headers" and fault.action != "echo_only":
        yield Break(fault)
    yield from turn.prelude()
    if fault and fault.action == "echo_only":
        yield Break(fault)
    if turn.age.thinks:
        yield from thinking(turn)
    yield from body
    if fault and fault.place == "mid" and not turn.answered:
        # A turn without an answer has no middle; a record follows for the faults that cut one.
        yield Break(fault)
        yield Note({})
