"""A stored conversation as the end of a stream: for a turn of which pieces were lost on the way.

The backend keeps what it says. GET `conversation/{id}` shows it as a tree of messages (protocol notes,
section 3); the turn's are those between the message it answers and `current_node`. Each is written as a
snapshot, which any reader of a stream takes, and takes no harm from seeing twice: messages are told apart
by their ids.
"""

from collections.abc import Sequence
from typing import Final

from translate.backend.content import is_finished
from translate.backend.pictures import shows_last_revision
from translate.values import JsonObject, json_bytes, json_object, object_at, text_at

DONE: Final = b"data: [DONE]\n\n"
STORED_TURN: Final = b"stored_turn"
"""The name of an event of our own: all messages of the turn follow, also what was damaged before."""
MAX_CHAIN: Final = 2000
"""Messages between a question and its answer; real turns have a few dozen."""
AT_WORK: Final = (3, 5, 6, 7)
"""Numbers that `async_status` has while something is still to come."""


def is_at_work(async_status: object) -> bool:
    """Whether a conversation says that something is still to come; statuses are numbers, or names."""
    if isinstance(async_status, str):
        return any(name in async_status.lower() for name in ("streaming", "realtime"))
    return async_status in AT_WORK


class StoredTurn:
    """The turn that answers the message `parent_message_id`; fed with the conversation at each look."""

    def __init__(self, parent_message_id: str) -> None:
        self.answered = False
        """The backend has begun to answer: there is a message after the question."""
        self.finished = False
        """The last message is complete, and is one that ends a turn."""
        self.settled = False
        """The last message is complete, and the backend says that it ends the turn."""
        self.ended = False
        """The same, whatever the backend says of being at work: where it was interrupted, for ever."""
        self.drawn = False
        """The last message is a picture as it stays, or says that drawing has failed."""
        self.earlier: frozenset[str] = frozenset()
        """The messages of other turns that the conversation had when this one was first seen."""
        self._parent_message_id = parent_message_id
        self._last: int | None = None  # hash of the last conversation
        self._shown: dict[str, int] = {}  # hashes of the records that were given, by node

    def feed(self, body: bytes) -> bytes:
        """Records for what is new since the last look. Raises ValueError if it is no conversation.

        A conversation has up to some MB, and is looked at again and again: nothing is read of one that is as
        it was, and what was given is not kept.
        """
        if (whole := hash(body)) == self._last:
            return b""
        data = json_object(body)
        if data is None or not isinstance(data.get("mapping"), dict):
            raise ValueError("not a conversation")
        out = []
        conversation_id, first = text_at(data, "conversation_id"), not self._shown
        chain = self._chain(object_at(data, "mapping"), text_at(data, "current_node"))
        if first:
            self.earlier = _others(object_at(data, "mapping"), chain)
        last = chain[-1][1] if chain else {}
        for node_id, message in chain + [found for _, tool in chain for found in _reports(tool)]:
            envelope = {"message": message, "conversation_id": conversation_id, "error": None}
            record = b"data: " + json_bytes(envelope) + b"\n\n"
            if self._shown.get(node_id) != (shown := hash(record)):
                self._shown[node_id] = shown
                out.append(record)
        self._judge(last, data)
        self._last = whole
        if not out:
            return b""
        # The blank lines end a record that was cut off where the pieces were lost.
        begin = b"event: %b\ndata: {}\n\n" % STORED_TURN if first else b""
        return b"\n\n" + begin + b"".join(out)

    def _chain(self, mapping: JsonObject, node_id: str) -> list[tuple[str, JsonObject]]:
        """The turn's messages with the ids of their nodes, oldest first."""
        found: list[tuple[str, JsonObject]] = []
        for _ in range(MAX_CHAIN):
            node = object_at(mapping, node_id)
            if not node or node_id == self._parent_message_id:
                break
            if message := object_at(node, "message"):
                found.append((node_id, message))
            node_id = text_at(node, "parent")
        return found[::-1]

    def _judge(self, last: JsonObject, conversation: JsonObject) -> None:
        role, recipient = object_at(last, "author").get("role"), last.get("recipient") or "all"
        metadata = object_at(last, "metadata")
        asks = bool(object_at(metadata, "jit_plugin_data"))
        self.answered = role in ("assistant", "tool")
        # Pictures of today are a tool's last word, and may not say so; a card says that one is still to come.
        of_today = role == "tool" and "async_status" in conversation and not metadata.get("ui_card")
        failed = object_at(last, "content").get("content_type") == "system_error"
        self.drawn = of_today and (failed or shows_last_revision(last))
        self.finished = self.answered and recipient == "all" and (is_finished(last) or self.drawn)
        says_so = self.drawn or ((role == "assistant" or of_today) and last.get("end_turn") is True)
        self.ended = self.finished and (says_so or asks)
        self.settled = self.ended and not is_at_work(conversation.get("async_status"))


def _others(mapping: JsonObject, chain: Sequence[tuple[str, JsonObject]]) -> frozenset[str]:
    """The messages that do not stand behind the first one of a turn; there are none in a new conversation."""
    ours, others = {node_id for node_id, _ in chain[:1]}, {""}
    for node_id in mapping:
        path: dict[str, None] = {}
        while node_id not in ours and node_id not in others and node_id not in path:
            path[node_id] = None
            node_id = text_at(object_at(mapping, node_id), "parent")
        (ours if node_id in ours else others).update(path)
    return frozenset(node_id for node_id in others if object_at(mapping, node_id).get("message"))


def _reports(tool: JsonObject) -> list[tuple[str, JsonObject]]:
    """The report of a research, which stands in the state of a tool's widget once it is done."""
    sdk = object_at(object_at(tool, "metadata"), "chatgpt_sdk")
    state = json_object(text_at(sdk, "widget_state"))
    if state is None or state.get("status") != "completed":
        return []
    report = object_at(state, "report_message")
    report_id = text_at(report, "id") or f"{text_at(tool, 'id')}-report"
    told = {
        "id": report_id,
        "author": {"role": "assistant"},
        "recipient": "all",
        "status": "finished_successfully",
        "end_turn": True,
        "content": {"content_type": "text", **object_at(report, "content")},
        "metadata": {**object_at(report, "metadata"), "is_async_task_result_message": True},
    }
    return [(report_id, told)] if report else []
