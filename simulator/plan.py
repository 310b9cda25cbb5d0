"""From a request to the steps of its turn."""

from collections.abc import Iterator

from simulator.answers import compose
from simulator.faults import FAULTS
from simulator.steps import Break, Step
from simulator.turn import Turn


def plan(turn: Turn) -> Iterator[Step]:
    """All steps of the turn, made as they are played."""
    fault = FAULTS.get(turn.knobs.fault)
    early = fault if fault and fault.place == "after_headers" else None
    if early and early.action != "echo_only":
        yield Break(early)
    yield from turn.prelude()
    if early:
        yield Break(early)
    unsaid = turn.conversation.rest.pop(turn.request.parent_message_id, "")
    if turn.request.action == "continue":
        yield from turn.answer(unsaid)
    else:
        yield from turn.answer(compose(turn.prompt))
