"""Delta v1 as it is in 2026 (protocol notes, section 20.3).

A message begins with a bare `{"v": {"message": ...}, "c": n}` after the first; patches are lists; what is
left out is as in the last delta.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from simulator.dialects.writer import Record
from simulator.messages import (
    Edit,
    JsonObject,
    Message,
    growth_path,
    with_appended_text,
    with_changes,
    with_edits,
)
from simulator.protocol_versions import ProtocolVersion, envelope, message_json, metadata_json
from simulator.turn_steps import (
    AppendText,
    EditMessage,
    SendRecord,
    StartMessage,
    UpdateMessage,
    WrittenStep,
)

Change = JsonObject
"""`p`, `o` and `v`, with the whole path."""
_TEXT = "/message/content/parts/0"
PIECES_IN_A_LIST = 3


class DeltaWriter2026:
    """Writes the delta records of one turn; see `DialectWriter`.

    `escape`: JSON is ASCII. `loose`: rarer forms of the same: a string without a path right after a message,
    lists without an operation or with that of another, paths relative to that of their patch.
    """

    def __init__(self, conversation_id: str, version: ProtocolVersion, *, escape: bool, loose: bool) -> None:
        self._conversation_id = conversation_id
        self._version = version
        self._loose = loose
        self._encode: Callable[[object], str] = json.JSONEncoder(ensure_ascii=escape).encode
        self._messages: dict[str, Message] = {}
        self._counters: dict[str, int] = {}
        self._last: tuple[str, str | None, int] | None = None
        """Path, operation and counter of the last delta; an operation of None is never left out."""
        self._marked: set[str] = set()

    def opening(self) -> Iterator[Record]:
        """The name of the encoding, as a JSON string."""
        yield Record((b'"v1"',), "delta_encoding")

    def closing(self) -> Iterator[Record]:
        """None: the typed records at the end are steps of the turn."""
        return iter(())

    def write(self, step: WrittenStep, message: Message | None) -> Iterator[Record]:
        """See `DialectWriter`; this one keeps the messages itself."""
        if isinstance(step, SendRecord):
            yield self._plain(step.record)
        elif isinstance(step, StartMessage):
            yield from self._start(step.message)
        elif isinstance(step, AppendText):
            yield from self._growth(step)
        elif isinstance(step, EditMessage):
            message = with_edits(self._messages[step.message_id], step.edits)
            self._messages[step.message_id] = message
            yield from self._changes(step.message_id, [_change(edit) for edit in step.edits], step.tokens)
            if message.content["content_type"] == "thoughts":
                yield from self._first_marker(message)
        else:
            yield from self._update(step)

    def root_error(self, record: JsonObject) -> Record:
        """An error record as a delta at the root."""
        counter = len(self._counters)
        return self._record({"p": "", "o": "add", "v": record, "c": counter}, ("", "add", counter))

    def _start(self, message: Message) -> Iterator[Record]:
        if message.role == "user":
            echo = {"type": "input_message", "input_message": message_json(message, self._version)}
            yield self._plain({**echo, "conversation_id": self._conversation_id})
            return
        self._messages[message.id] = message
        is_first = not self._counters
        counter = self._counters.setdefault(message.id, len(self._counters))
        value = envelope(message, self._conversation_id, self._version)
        place = {"p": "", "o": "add"} if is_first else {}
        yield self._record({**place, "v": value, "c": counter}, ("", "add", counter))

    def _growth(self, step: AppendText) -> Iterator[Record]:
        message = self._messages[step.message_id]
        path = "/message/content/" + "/".join(map(str, growth_path(message.content)))
        counter = self._counters[step.message_id]
        content = with_appended_text(message.content, "".join(step.pieces))
        self._messages[step.message_id] = with_changes(message, {"content": content})
        if self._loose and self._last == ("", "add", counter) and path == _TEXT:
            # A string right after the message that it belongs to needs no path.
            self._last = path, "append", counter
        pieces = list(step.pieces)
        while pieces:
            batch = pieces[:PIECES_IN_A_LIST] if self._loose and len(pieces) % 5 == 0 else pieces[:1]
            del pieces[: len(batch)]
            if len(batch) > 1:
                listed = [{"p": path, "o": "append", "v": piece} for piece in batch]
                yield self._bare_list(listed, counter, step.tokens * len(batch))
            else:
                yield self._delta(path, "append", batch[0], counter, step.tokens)
            yield from self._first_marker(message)

    def _update(self, step: UpdateMessage) -> Iterator[Record]:
        after = with_changes(self._messages[step.message_id], step.changes)
        self._messages[step.message_id] = after
        changes: list[Change] = []
        if "content" in step.changes:
            changes.append({"p": "/message/content", "o": "replace", "v": after.content})
        changes += [
            {"p": f"/message/{name}", "o": "replace", "v": step.changes[name]}
            for name in ("status", "end_turn")
            if name in step.changes
        ]
        shown = metadata_json(after, self._version)
        metadata = {name: shown[name] for name in step.changes.get("metadata", {}) if name in shown}
        if metadata:
            changes.append({"p": "/message/metadata", "o": "append", "v": metadata})
        yield from self._changes(step.message_id, changes, is_patch=True)
        if step.changes.get("end_turn"):
            yield self._marker(after, "last_token", "last")

    def _changes(
        self, message_id: str, changes: list[Change], tokens: float = 0.0, *, is_patch: bool = False
    ) -> Iterator[Record]:
        """One delta, or a patch for several changes."""
        counter = self._counters[message_id]
        if len(changes) == 1 and not is_patch:
            (change,) = changes
            yield self._delta(change["p"], change["o"], change["v"], counter, tokens)
        elif changes and self._loose:
            relative = [{**change, "p": change["p"].removeprefix("/message")} for change in changes]
            yield self._delta("/message", "patch", relative, counter)
        elif changes:
            yield self._delta("", "patch", changes, counter)

    def _first_marker(self, message: Message) -> Iterator[Record]:
        if message.id in self._marked:
            return
        self._marked.add(message.id)
        if message.content["content_type"] == "thoughts":
            yield self._marker(message, "cot_token", "first")
        elif message.recipient == "all":
            yield self._marker(message, "user_visible_token", "first")
            if message.channel == "final":
                yield self._marker(message, "final_channel_token", "first")

    def _marker(self, message: Message, marker: str, event: str) -> Record:
        record = {"type": "message_marker", "conversation_id": self._conversation_id}
        return self._plain({**record, "message_id": message.id, "marker": marker, "event": event})

    def _bare_list(self, changes: list[Change], counter: int, tokens: float) -> Record:
        """A patch that does not say so: without an operation, or with that of another."""
        last_path, _, last_counter = self._last or (None, None, None)
        form: JsonObject = {} if last_path == "" else {"p": "", "o": "add"}
        form["v"] = changes
        if counter != last_counter:
            form["c"] = counter
        return self._record(form, ("", None, counter), tokens)

    def _delta(self, path: str, operation: str, value: Any, counter: int, tokens: float = 0.0) -> Record:
        """A delta without what is as in the last one."""
        record: JsonObject = {}
        last_path, last_operation, last_counter = self._last or (None, None, None)
        if path != last_path:
            record |= {"p": path, "o": operation}
        elif operation != last_operation:
            record["o"] = operation
        if operation != "remove":
            record["v"] = value
        if counter != last_counter:
            record["c"] = counter
        return self._record(record, (path, operation, counter), tokens)

    def _record(self, record: JsonObject, last: tuple[str, str | None, int], tokens: float = 0.0) -> Record:
        self._last = last
        return Record((self._encode(record).encode(),), "delta", tokens)

    def _plain(self, record: JsonObject) -> Record:
        return Record((self._encode(record).encode(),))


def _change(edit: Edit) -> Change:
    path = "/message/" + "/".join(map(str, edit.path))
    return {"p": path, "o": edit.operation, "v": edit.value}
