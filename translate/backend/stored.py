"""A stored conversation as the end of a stream: for a turn of which pieces were lost on the way.

The backend keeps what it says. GET `conversation/{id}` shows it as a tree of messages (protocol notes,
section 3); the turn's are those between the message it answers and `current_node`. Each is written as a
snapshot, which any reader of a stream takes, and takes no harm from seeing twice: messages are told apart
by their ids.
"""

from typing import Final

import ujson

from translate.backend.content import is_finished
from translate.values import JsonObject, json_object, object_at, text_at

DONE: Final = b"data: [DONE]\n\n"
STORED_TURN: Final = b"stored_turn"
"""The name of an event of our own: all messages of the turn follow, also what was damaged before."""
MAX_CHAIN: Final = 2000
"""Messages between a question and its answer; real turns have a few dozen."""


class StoredTurn:
    """The turn that answers the message `parent_message_id`; fed with the conversation at each look."""

    def __init__(self, parent_message_id: str) -> None:
        self.answered = False
        """The backend has begun to answer: there is a message after the question."""
        self.finished = False
        """The last message is complete, and is one that ends a turn."""
        self.settled = False
        """The last message is complete, and the backend says that it ends the turn."""
        self._parent_message_id = parent_message_id
        self._shown: dict[str, bytes] = {}

    def feed(self, body: bytes) -> bytes:
        """Records for what is new since the last look. Raises ValueError if it is no conversation."""
        data = json_object(body)
        if data is None or not isinstance(data.get("mapping"), dict):
            raise ValueError("not a conversation")
        out = []
        conversation_id, first = text_at(data, "conversation_id"), not self._shown
        message: JsonObject = {}
        for node_id, message in self._chain(object_at(data, "mapping"), text_at(data, "current_node")):
            envelope = {"message": message, "conversation_id": conversation_id, "error": None}
            record = b"data: " + ujson.dumps(envelope).encode() + b"\n\n"
            if self._shown.get(node_id) != record:
                self._shown[node_id] = record
                out.append(record)
        self._judge(message)
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

    def _judge(self, last: JsonObject) -> None:
        role, recipient = object_at(last, "author").get("role"), last.get("recipient") or "all"
        asks = bool(object_at(object_at(last, "metadata"), "jit_plugin_data"))
        self.answered = role in ("assistant", "tool")
        self.finished = self.answered and recipient == "all" and is_finished(last)
        self.settled = self.finished and ((role == "assistant" and last.get("end_turn") is True) or asks)
