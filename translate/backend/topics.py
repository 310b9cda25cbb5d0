"""What is said on the user's WebSocket of today, without the socket (protocol notes, section 20.7).

One socket carries many topics: the turns of one's own conversations, and news of all of them. A message of
the socket is an object or a list of objects; what was missed comes as `catchups` in the reply to a
subscription, and may come live once more.
"""

from collections import deque
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from translate.backend.stored import DONE, is_at_work
from translate.values import (
    JsonObject,
    json_bytes,
    json_object,
    json_text,
    object_at,
    objects_at,
    parsed_json,
    text_at,
    well_formed,
)

NEWS: Final = "conversations"
"""The topic that tells of all conversations of the user."""
MAX_KNOWN: Final = 20_000
"""Ids of items that are remembered, to tell repeated ones."""
_ENDS: Final = ("message_stream_complete", "[DONE]")
_OVER: Final = ("async-task-completed", "async-task-complete", "async-task-end", "stop")


def read_user_socket(body: bytes) -> str:
    """The address in the answer to GET `celsius/ws/user`, or ""."""
    data = json_object(body)
    return "" if data is None else text_at(data, "websocket_url")


def socket_greeting() -> str:
    """What is sent first."""
    presence = {"type": "presence", "state": "foreground"}
    return json_text([{"id": 1, "command": {"type": "connect", "presence": presence}}])


def topic_subscription(number: int, topic_id: str) -> str:
    """Asks for all of a topic, from its start; `number` is a new one for each command."""
    command = {"type": "subscribe", "topic_id": topic_id, "offset": "0"}
    return json_text([{"id": number, "command": command}])


def topic_cancellation(number: int, topic_id: str) -> str:
    """Ends a subscription."""
    return json_text([{"id": number, "command": {"type": "unsubscribe", "topic_id": topic_id}}])


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """One message of a topic. `key` tells it from others of the topic, and is "" if nothing does."""

    topic_id: str
    key: str
    payload: JsonObject


def read_topics(message: str | bytes) -> list[TopicMessage] | None:
    """The messages in what the socket brought, in order, missed ones included; None if it is damaged."""
    try:
        data = parsed_json(message)
    except ValueError:
        return None
    if not isinstance(data, list):
        data = [data]
    found: list[TopicMessage] = []
    for item in data:
        if not isinstance(item, dict):
            return None
        if item.get("type") == "reply":
            found += map(_topic_message, objects_at(object_at(item, "reply"), "catchups"))
        elif item.get("type") == "message":
            found.append(_topic_message(item))
    return found


def _topic_message(item: JsonObject) -> TopicMessage:
    payload = object_at(item, "payload")
    key = text_at(object_at(payload, "payload"), "stream_item_id") or text_at(item, "offset")
    return TopicMessage(text_at(item, "topic_id"), key, payload)


class TopicEnd(Enum):
    """What a message means for whoever reads the topic."""

    NOT_YET = auto()
    ENDED = auto()
    """The turn is over, and this was the last of it."""
    MISSING = auto()
    """Messages before it have not come: the topic must be read anew."""


class TurnTopic:
    """Turns the messages of one turn's topic into records of its stream; each comes once."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._order: deque[str] = deque()

    def take(self, message: TopicMessage) -> tuple[bytes, TopicEnd]:
        """The records of a message, and what follows from it."""
        inner = object_at(message.payload, "payload")
        kind = text_at(inner, "type")
        if kind == "done":
            return (DONE, TopicEnd.ENDED) if self._order else (b"", TopicEnd.MISSING)
        if kind == "error":
            error = {"error": well_formed(text_at(inner, "message")) or "unknown"}
            return b"data: " + json_bytes(error) + b"\n\n", TopicEnd.ENDED
        if kind != "stream-item" or message.key in self._known:
            return b"", TopicEnd.NOT_YET
        parent = text_at(inner, "parent_stream_item_id")
        if parent and parent not in self._known:
            return b"", TopicEnd.MISSING
        self._remember(message.key)
        item = well_formed(text_at(inner, "encoded_item"))
        ended = any(end in item for end in _ENDS) and _says_end(item)
        return item.encode() + b"\n\n", TopicEnd.ENDED if ended else TopicEnd.NOT_YET

    def _remember(self, key: str) -> None:
        if key:
            self._known.add(key)
            self._order.append(key)
            if len(self._order) > MAX_KNOWN:
                self._known.discard(self._order.popleft())


def _says_end(item: str) -> bool:
    """Whether a record says that the stream is over, and does not only quote such words."""
    for line in item.splitlines():
        data = line.removeprefix("data:").strip()
        record = json_object(data) if data.startswith("{") else None
        if data == "[DONE]" or (record is not None and record.get("type") == _ENDS[0]):
            return True
    return False


def news_of(message: TopicMessage, conversation_id: str, earlier: Container[str] = ()) -> tuple[bytes, bool]:
    """What news tell of one conversation: its messages as records, and whether its task is over.

    Those whose ids are in `earlier` are left out: news come from the start of their topic, and other turns of
    the conversation may have had some.
    """
    update = object_at(message.payload, "payload")
    if text_at(update, "conversation_id") != conversation_id:
        return b"", False
    content = object_at(update, "update_content")
    messages = [object_at(content, "message"), *objects_at(content, "messages")]
    messages += [object_at(part, "message") for part in objects_at(update, "updates")]
    messages += [object_at(part, "message") for part in objects_at(content, "updates")]
    envelopes = [
        {"message": one, "conversation_id": conversation_id}
        for one in messages
        if one and text_at(one, "id") not in earlier
    ]
    out = b"".join(b"data: " + json_bytes(envelope) + b"\n\n" for envelope in envelopes)
    status = content.get("conversation_async_status", update)
    over = status is not update and not is_at_work(status)
    return out, over or text_at(update, "update_type") in _OVER
