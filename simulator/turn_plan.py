"""From a turn to the steps that it consists of."""

from collections.abc import Iterator

from simulator.exchange import Exchange
from simulator.faults import FAULTS
from simulator.final_answer import final_answer, needs_title, title_record
from simulator.frame_2026 import ending, handoff, opening
from simulator.kinds import steps_for, thoughts, thoughts_2026
from simulator.turn import Turn
from simulator.turn_steps import SendRecord, TriggerFault, TurnStep


def plan_turn(turn: Turn) -> Iterator[TurnStep]:
    """All steps of the turn, made while they are sent.

    Raises Refused at once when the request refers to what does not exist: a file (404), a pending Action
    (422).
    """
    if turn.request.action == "continue":
        unsent = turn.conversation.unsent_text.get(turn.request.parent_message_id, "")
        return _with_frame(turn, final_answer(turn, unsent))
    return _with_frame(turn, steps_for(turn))


def _with_frame(turn: Turn, body: Iterator[TurnStep]) -> Iterator[TurnStep]:
    """`body` after the echo, with the faults that belong to no kind of turn."""
    fault = FAULTS.get(turn.knobs.fault)
    if turn.exchange:
        yield opening(turn.exchange, turn.conversation.id)
    if fault and fault.position == "after_headers" and fault.action != "echo_only":
        yield TriggerFault(fault)
    yield from turn.accept_messages()
    if fault and fault.action == "echo_only":
        yield TriggerFault(fault)
    if turn.exchange:
        if turn.knobs.handoff == "start":
            yield handoff(turn.exchange, turn.conversation.id, turn.knobs)
        if turn.exchange.thinks and not turn.exchange.is_pro:
            yield from thoughts_2026(turn)
    elif turn.version.thinks:
        yield from thoughts(turn)
    yield from body
    if turn.exchange:
        yield from _ending(turn, turn.exchange)
    if fault and fault.position == "mid" and not turn.is_answered:
        # A turn without an answer has no middle; a record follows for the faults that cut one.
        yield TriggerFault(fault)
        yield SendRecord({})


def _ending(turn: Turn, exchange: Exchange) -> Iterator[TurnStep]:
    yield from ending(exchange, turn.conversation.id)
    if needs_title(turn):
        yield title_record(turn)
    details = turn.limits.details(turn.key, turn.knobs)
    yield SendRecord({**details, "conversation_id": turn.conversation.id})
