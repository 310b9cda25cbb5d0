"""Delta v1: each record changes one of several trees (protocol notes, section 13).

A record is `{"p": path, "o": operation, "v": value, "c": channel}`; a missing `p`, `o` or `c` is that of the
delta record before. Records that are no delta change nothing about this. Each message has a channel of its
own.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from simulator.dialects.writer import Record
from simulator.messages import JsonObject, Message, growth_path, text_of, with_appended_text, with_changes
from simulator.protocol_versions import ProtocolVersion, envelope, message_json, metadata_json
from simulator.turn_steps import AppendText, SendRecord, StartMessage, UpdateMessage, WrittenStep

Operation = tuple[str, str, Any]
"""Path, operation, value."""
_ANSWER_PATH = "/message/content/parts/0"


class DeltaWriter:
    """Writes the delta records of one turn; see `DialectWriter`.

    `escape`: JSON is ASCII. `surrogates`: a character beyond U+FFFF is split over two appends, as two lone
    escapes (ASCII only). In a version that thinks, the last piece of a text is part of the patch that
    finishes the message, and typed records accompany the turn (protocol notes, section 13.3).
    """

    def __init__(
        self, conversation_id: str, version: ProtocolVersion, *, escape: bool, surrogates: bool
    ) -> None:
        self._conversation_id = conversation_id
        self._version = version
        self._splits_surrogates = surrogates and escape
        self._encode: Callable[[object], str] = json.JSONEncoder(ensure_ascii=escape).encode
        self._messages: dict[str, Message] = {}
        self._channels: dict[str, int] = {}
        self._last: tuple[str, str, int] | None = None
        self._held_back: tuple[str, Operation] | None = None
        """Message id and last piece, until it is known whether a patch finishes the message."""
        self._has_marked_answer = False
        self._title: JsonObject | None = None

    def opening(self) -> Iterator[Record]:
        """The name of the encoding, as a JSON string."""
        yield Record((b'"v1"',), "delta_encoding")
        if self._version.thinks:
            yield self._plain({"type": "resume_conversation_token", "kind": "conduit", "token": ""})

    def closing(self) -> Iterator[Record]:
        """What was held back; in a version that thinks, the typed records after the end."""
        yield from self._release()
        if not self._version.thinks:
            return
        yield self._typed("message_marker", marker="last_token", event="last")
        yield self._typed("server_ste_metadata", metadata={"tool_invoked": False, "plan_type": "plus"})
        yield self._typed("message_stream_complete")
        if self._title:
            yield self._plain(self._title)
        yield self._typed("conversation_detail_metadata", banner_info=None, blocked_features=[])

    def write(self, step: WrittenStep, message: Message | None) -> Iterator[Record]:
        """See `DialectWriter`; this one keeps the messages itself."""
        if isinstance(step, SendRecord):
            if step.record.get("type") == "title_generation":
                self._title = step.record
            if step.record.get("type") != "moderation":
                yield from self._release()
            yield self._plain(step.record)
        elif isinstance(step, StartMessage):
            yield from self._start(step.message)
        elif isinstance(step, AppendText):
            yield from self._growth(step)
        elif isinstance(step, UpdateMessage):
            yield from self._update(step)
        else:
            raise ValueError("no kind of turn before 2026 edits places of a message")

    def _start(self, message: Message) -> Iterator[Record]:
        yield from self._release()
        if self._version.thinks and message.role == "user" and message.status == "finished_successfully":
            yield self._typed("input_message", input_message=message_json(message, self._version))
            return
        self._messages[message.id] = message
        channel = self._channels.setdefault(message.id, len(self._channels))
        value = envelope(message, self._conversation_id, self._version)
        yield self._delta("", "add", {**value, "error_code": None}, channel, starts_message=True)

    def _growth(self, step: AppendText) -> Iterator[Record]:
        yield from self._release()
        message = self._messages[step.message_id]
        path = _path(message.content)
        channel = self._channels[step.message_id]
        content = with_appended_text(message.content, "".join(step.pieces))
        self._messages[step.message_id] = with_changes(message, {"content": content})
        *pieces, last = step.pieces
        for piece in pieces:
            yield from self._append(path, piece, channel, step.tokens)
        if self._version.thinks:
            self._held_back = step.message_id, (path, "append", last)
        else:
            yield from self._append(path, last, channel, step.tokens)

    def _append(self, path: str, piece: str, channel: int, tokens: float) -> Iterator[Record]:
        for part in _halves(piece) if self._splits_surrogates else (piece,):
            yield self._delta(path, "append", part, channel, tokens=tokens)
        if self._version.thinks and not self._has_marked_answer and path == _ANSWER_PATH:
            self._has_marked_answer = True
            yield self._typed("message_marker", marker="user_visible_token", event="first")

    def _update(self, step: UpdateMessage) -> Iterator[Record]:
        before = self._messages[step.message_id]
        after = with_changes(before, step.changes)
        self._messages[step.message_id] = after
        channel = self._channels[step.message_id]
        patch = list(self._operations(before, after, step.changes))
        if self._held_back and self._held_back[0] == step.message_id and "status" in step.changes:
            patch.insert(0, self._held_back[1])
            self._held_back = None
        yield from self._release()
        shown = metadata_json(after, self._version)
        metadata = {name: shown[name] for name in step.changes.get("metadata", {}) if name in shown}
        added = ("/message/metadata", "append", metadata)
        if metadata and self._version.thinks:
            patch.append(added)
        if patch:
            value = [{"p": path, "o": operation, "v": v} for path, operation, v in patch]
            yield self._delta("", "patch", value, channel)
        if metadata and not self._version.thinks:
            yield self._delta(*added, channel)

    def _operations(self, before: Message, after: Message, changes: JsonObject) -> Iterator[Operation]:
        """The operations of a patch for all changed fields but metadata."""
        if "content" in changes:
            yield _content_change(before.content, after.content)
        for name in ("status", "end_turn"):
            if name in changes and (name != "status" or self._version.has_status):
                yield f"/message/{name}", "replace", changes[name]

    def _release(self) -> Iterator[Record]:
        """Write the piece that was held back, since no patch finishes its message."""
        if self._held_back:
            message_id, (path, _, piece) = self._held_back
            self._held_back = None
            yield from self._append(path, piece, self._channels[message_id], 1.0)

    def _delta(
        self,
        path: str,
        operation: str,
        value: object,
        channel: int,
        *,
        starts_message: bool = False,
        tokens: float = 0.0,
    ) -> Record:
        """A delta without what is as in the last one; one that starts a message always names its channel."""
        record: JsonObject = {}
        last_path, last_operation, last_channel = self._last or (None, None, None)
        if path != last_path:
            record |= {"p": path, "o": operation}
        elif operation != last_operation:
            record["o"] = operation
        record["v"] = value
        if starts_message or channel != last_channel:
            record["c"] = channel
        self._last = path, operation, channel
        return Record((self._encode(record).encode(),), "delta", tokens)

    def _typed(self, kind: str, **fields: object) -> Record:
        return self._plain({"type": kind, **fields, "conversation_id": self._conversation_id})

    def _plain(self, record: JsonObject) -> Record:
        return Record((self._encode(record).encode(),))


def _path(content: JsonObject) -> str:
    return "/message/content/" + "/".join(map(str, growth_path(content)))


def _halves(piece: str) -> tuple[str, ...]:
    """`piece` cut inside its first character beyond U+FFFF, if it has one."""
    for index, character in enumerate(piece):
        if character > "\uffff":
            code = ord(character) - 0x10000
            high, low = chr(0xD800 + (code >> 10)), chr(0xDC00 + (code & 0x3FF))
            return piece[:index] + high, low + piece[index + 1 :]
    return (piece,)


def _content_change(before: JsonObject, after: JsonObject) -> Operation:
    """Append or truncate where the text only grows or shrinks, else replace."""
    growing = ("text", "execution_output")
    if before["content_type"] == after["content_type"] and before["content_type"] in growing:
        old, new = text_of(before), text_of(after)
        if new.startswith(old):
            return _path(before), "append", new[len(old) :]
        if old.startswith(new):
            return _path(before), "truncate", len(new)
    return "/message/content", "replace", after
