"""The typed records that open, hand off and end a turn of 2026 (2026 notes, sections 2.2 and 7.1)."""

from collections.abc import Iterator

from simulator.exchange import Exchange
from simulator.knobs import Knobs
from simulator.turn_steps import HandOff, SendRecord


def opening(exchange: Exchange, conversation_id: str) -> SendRecord:
    """The token by which the turn can be resumed."""
    token = {"type": "resume_conversation_token", "kind": "topic", "token": exchange.token}
    return SendRecord({**token, "conversation_id": conversation_id})


def handoff(exchange: Exchange, conversation_id: str, knobs: Knobs) -> HandOff:
    """The end of the answer; with `handoff=silent` nothing says that the turn goes on elsewhere."""
    described = _described(exchange, conversation_id)
    if knobs.handoff == "silent":
        return HandOff((described,))
    ways = [
        {"type": "resume_sse_endpoint", "topic_id": exchange.topic_id},
        {"type": "subscribe_ws_topic", "topic_id": exchange.topic_id},
    ]
    record = {
        "type": "stream_handoff",
        "conversation_id": conversation_id,
        "turn_exchange_id": exchange.id,
        "options": {"sse": ways[:1], "ws": ways[1:]}.get(knobs.handoff_ways, ways),
    }
    return HandOff((described, SendRecord(record)))


def ending(exchange: Exchange, conversation_id: str) -> Iterator[SendRecord]:
    """What answered, and the end of the turn's stream."""
    yield _described(exchange, conversation_id)
    yield SendRecord({"type": "message_stream_complete", "conversation_id": conversation_id})


def _described(exchange: Exchange, conversation_id: str) -> SendRecord:
    record = {"type": "server_ste_metadata", "metadata": exchange.ste_metadata()}
    return SendRecord({**record, "conversation_id": conversation_id})
