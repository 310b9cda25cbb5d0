"""Delta v1: each record changes a tree per channel, and leaves out what is as in the record before.

A record is ``{"p": path, "o": operation, "v": value, "c": channel}``; a missing p, o or c is that of the
previous delta record. Records that are no delta don't touch this. Each message has a channel of its own.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from simulator.ages import Age, envelope, shown_message, shown_metadata
from simulator.dialects import Frame
from simulator.messages import JsonObject, Message, grown, growth_path, revised, text_of
from simulator.steps import Begin, Grow, Note, Revise

Operation = tuple[str, str, Any]  # path, operation, value
_VISIBLE = "/message/content/parts/0"


class DeltaDialect:
    """Writes one conversation's turn in the manner of ``age``.

    ``escape`` chooses ASCII JSON. ``surrogates`` splits characters beyond the basic plane over two appends,
    as lone escapes (ASCII only). In an age that thinks, the last piece of a text comes inside the patch that
    finishes it, and typed records accompany the turn.
    """

    def __init__(self, conversation_id: str, age: Age, *, escape: bool, surrogates: bool) -> None:
        self._conversation_id = conversation_id
        self._age = age
        self._surrogates = surrogates and escape
        self._encode: Callable[[object], str] = json.JSONEncoder(ensure_ascii=escape).encode
        self._shown: dict[str, Message] = {}
        self._channels: dict[str, int] = {}
        self._last: tuple[str, str, int] | None = None
        self._held: tuple[str, Operation] | None = None
        self._marked = False
        self._title: JsonObject | None = None

    def opening(self) -> Iterator[Frame]:
        """The encoding's name, as a JSON string."""
        yield Frame((b'"v1"',), "delta_encoding")
        if self._age.thinks:
            yield self._data({"type": "resume_conversation_token", "kind": "conduit", "token": ""})

    def closing(self) -> Iterator[Frame]:
        """The end of the turn, and some records after it."""
        yield from self._release()
        if not self._age.thinks:
            return
        yield self._typed("message_marker", marker="last_token", event="last")
        yield self._typed("server_ste_metadata", metadata={"tool_invoked": False, "plan_type": "plus"})
        yield self._typed("message_stream_complete")
        if self._title:
            yield self._data(self._title)
        yield self._typed("conversation_detail_metadata", banner_info=None, blocked_features=[])

    def write(self, step: Begin | Grow | Revise | Note, message: Message | None) -> Iterator[Frame]:
        """See `Dialect`."""
        if isinstance(step, Note):
            if step.record.get("type") == "title_generation":
                self._title = step.record
            if step.record.get("type") != "moderation":
                yield from self._release()
            yield self._data(step.record)
        elif isinstance(step, Begin):
            yield from self._begin(step.message)
        elif isinstance(step, Grow):
            yield from self._grow(step)
        else:
            yield from self._revise(step)

    def _begin(self, message: Message) -> Iterator[Frame]:
        yield from self._release()
        if self._age.thinks and message.role == "user" and message.status == "finished_successfully":
            echo = shown_message(message, self._age)
            yield self._typed("input_message", input_message=echo)
            return
        self._shown[message.id] = message
        channel = self._channels.setdefault(message.id, len(self._channels))
        value = envelope(message, self._conversation_id, self._age)
        yield self._delta("", "add", {**value, "error_code": None}, channel, begins=True)

    def _grow(self, step: Grow) -> Iterator[Frame]:
        yield from self._release()
        message = self._shown[step.message_id]
        path = "/message/content/" + "/".join(map(str, growth_path(message.content)))
        channel = self._channels[step.message_id]
        self._shown[step.message_id] = revised(
            message, {"content": grown(message.content, "".join(step.pieces))}
        )
        *pieces, last = step.pieces
        for piece in pieces:
            yield from self._append(path, piece, channel, step.tokens)
        if self._age.thinks:
            self._held = step.message_id, (path, "append", last)
        else:
            yield from self._append(path, last, channel, step.tokens)

    def _append(self, path: str, piece: str, channel: int, tokens: float) -> Iterator[Frame]:
        for part in _halves(piece) if self._surrogates else (piece,):
            yield self._delta(path, "append", part, channel, tokens=tokens)
        if self._age.thinks and not self._marked and path == _VISIBLE:
            self._marked = True
            yield self._typed("message_marker", marker="user_visible_token", event="first")

    def _revise(self, step: Revise) -> Iterator[Frame]:
        before = self._shown[step.message_id]
        after = revised(before, step.changes)
        self._shown[step.message_id] = after
        channel = self._channels[step.message_id]
        patch = list(self._operations(before, after, step.changes))
        if self._held and self._held[0] == step.message_id and "status" in step.changes:
            patch.insert(0, self._held[1])
            self._held = None
        yield from self._release()
        shown = shown_metadata(after, self._age)
        metadata = {name: shown[name] for name in step.changes.get("metadata", {}) if name in shown}
        added = ("/message/metadata", "append", metadata)
        if metadata and self._age.thinks:
            patch.append(added)
        if patch:
            value = [{"p": path, "o": operation, "v": v} for path, operation, v in patch]
            yield self._delta("", "patch", value, channel)
        if metadata and not self._age.thinks:
            yield self._delta(*added, channel)

    def _operations(self, before: Message, after: Message, changes: JsonObject) -> Iterator[Operation]:
        """What a patch does for the changed fields, except metadata."""
        if "content" in changes:
            yield _content_change(before.content, after.content)
        for name in ("status", "end_turn"):
            if name in changes and (name != "status" or self._age.has_status):
                yield f"/message/{name}", "replace", changes[name]

    def _release(self) -> Iterator[Frame]:
        """Write the piece that was held back for a closing patch."""
        if self._held:
            message_id, (path, _, piece) = self._held
            self._held = None
            yield from self._append(path, piece, self._channels[message_id], 1.0)

    def _delta(
        self,
        path: str,
        operation: str,
        value: object,
        channel: int,
        *,
        begins: bool = False,
        tokens: float = 0.0,
    ) -> Frame:
        """A delta record without what it shares with the last; a message that begins names its channel."""
        record: JsonObject = {}
        last_path, last_operation, last_channel = self._last or (None, None, None)
        if path != last_path:
            record |= {"p": path, "o": operation}
        elif operation != last_operation:
            record["o"] = operation
        record["v"] = value
        if begins or channel != last_channel:
            record["c"] = channel
        self._last = path, operation, channel
        return Frame((self._encode(record).encode(),), "delta", tokens)

    def _typed(self, kind: str, **fields: object) -> Frame:
        return self._data({"type": kind, **fields, "conversation_id": self._conversation_id})

    def _data(self, record: JsonObject) -> Frame:
        return Frame((self._encode(record).encode(),))


def _halves(piece: str) -> tuple[str, ...]:
    """``piece`` cut inside its first character beyond the basic plane, if it has one."""
    for index, character in enumerate(piece):
        if character > "\uffff":
            code = ord(character) - 0x10000
            high, low = chr(0xD800 + (code >> 10)), chr(0xDC00 + (code & 0x3FF))
            return piece[:index] + high, low + piece[index + 1 :]
    return (piece,)


def _content_change(before: JsonObject, after: JsonObject) -> Operation:
    """From one content to the other: by append or truncate where it grows, else by replacing it."""
    if before["content_type"] == after["content_type"] and before["content_type"] in (
        "text",
        "execution_output",
    ):
        old, new = text_of(before), text_of(after)
        path = "/message/content/" + "/".join(map(str, growth_path(before)))
        if new.startswith(old):
            return path, "append", new[len(old) :]
        if old.startswith(new):
            return path, "truncate", len(new)
    return "/message/content", "replace", after
