"""The typed records that open, hand off and end a turn of 2026 (protocol notes, sections 20.2 and 20.7)."""

from collections.abc import Iterator

from simulator.exchange import Exchange
from simulator.knobs import Knobs
from simulator.messages import JsonObject
from simulator.turn_steps import HandOff, SendRecord


def presentation(conversation_id: str) -> list[JsonObject]:
    """What the knob `unknown` inserts: records that only a page needs (protocol notes, section 20.2)."""
    about = {"conversation_id": conversation_id}
    order = {"logical_answer_id": "l1", "revision": 1, "updates": []}
    return [
        {"type": "streaming_parent_patch", **about, **order},
        {"type": "safety_review_update", **about, "active": True, "message": "Extra checks are running."}
        | {"protection_type": "cyber"},
        {"type": "safety_review_update", **about, "active": False, "message": None}
        | {"protection_type": "cyber"},
        {"type": "conversation_async_status", **about, "async_status": 3},
        {"type": "system_hint_suggestion", "chips": []},
        {"type": "toast", "level": "info", "message": "Not for the answer", "toast_id": "t1"},
        {"type": "ads", "visibility": "none", "content": None},
        {"type": "beacon_ui_response", "payload": "Not for the answer"},
        {"type": "perf_stats", "stats": {}},
        {"type": "main_stream_complete", "metadata": {}},
        {"type": "url_moderation", **about, "url_moderation_result": {"full_url": "https://x.example/"}},
        {"type": "sim_future_record", "payload": {"message": "not one"}},
    ]


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
