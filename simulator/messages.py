"""Messages of a conversation, as the backend keeps them (protocol notes, section 7.1)."""

import copy
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

JsonObject = dict[str, Any]


def new_id() -> str:
    """A fresh id for a message or a conversation, a UUID."""
    return str(uuid.uuid4())


_EDITABLE = ("content", "metadata", "status", "end_turn")


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one place of a message; `path` leads there from the message (a field, then keys)."""

    path: tuple[str | int, ...]
    operation: Literal["append", "replace", "truncate", "remove"]
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in its present state.

    `content` always has a `content_type`; `create_time` is in Unix seconds.
    """

    role: str
    content: JsonObject
    id: str = field(default_factory=new_id)
    name: str | None = None
    status: str = "in_progress"
    end_turn: bool | None = None
    weight: float = 1.0
    metadata: JsonObject = field(default_factory=dict)
    recipient: str = "all"
    channel: str | None = None
    create_time: float | None = None
    author_metadata: JsonObject = field(default_factory=dict)

    @property
    def text(self) -> str:
        """See `text_of`."""
        return text_of(self.content)


def text_content(text: str) -> JsonObject:
    """Content of type `text` (protocol notes, section 7.4)."""
    return {"content_type": "text", "parts": [text]}


def code_content(text: str, language: str = "python") -> JsonObject:
    """Content of type `code`, a tool call; `language` is python, json or unknown."""
    return {"content_type": "code", "language": language, "text": text}


def text_of(content: JsonObject) -> str:
    """The readable text of a content: the strings among its `parts`, or its `text`; "" without either."""
    parts = content.get("parts")
    if isinstance(parts, list):
        return "\n".join(part for part in parts if isinstance(part, str))
    text = content.get("text")
    return text if isinstance(text, str) else ""


def is_account_context(content: JsonObject) -> bool:
    """Whether the content belongs to the account's settings and is no part of the conversation."""
    return content["content_type"] in ("user_editable_context", "model_editable_context")


def growth_path(content: JsonObject) -> tuple[str | int, ...]:
    """Keys and indexes that lead to the string which grows while content of this type is streamed."""
    if content["content_type"] == "text":
        return "parts", 0
    if content["content_type"] == "thoughts":
        return "thoughts", 0, "content"
    return ("text",)


def with_appended_text(content: JsonObject, text: str) -> JsonObject:
    """A copy of `content` with `text` appended at its `growth_path`."""
    changed: JsonObject = copy.deepcopy(content)
    *path, last = growth_path(content)
    parent: Any = changed
    for key in path:
        parent = parent[key]
    parent[last] += text
    return changed


def with_edits(message: Message, edits: Iterable[Edit]) -> Message:
    """A copy of `message` with some places changed.

    By `append` a text or a list grows by one of its kind and an object takes in an object; places on the way
    that do not exist are made. `truncate` has the new length.
    """
    whole: JsonObject = {name: copy.deepcopy(getattr(message, name)) for name in _EDITABLE}
    for edit in edits:
        *path, last = edit.path
        parent: Any = whole
        for key in path:
            parent = parent.setdefault(key, {}) if isinstance(parent, dict) else parent[key]
        if edit.operation == "remove":
            del parent[last]
        elif edit.operation == "truncate":
            parent[last] = parent[last][: edit.value]
        elif edit.operation == "replace" or (isinstance(parent, dict) and last not in parent):
            parent[last] = edit.value
        elif isinstance(parent[last], dict):
            parent[last] |= edit.value
        else:
            parent[last] += edit.value
    return replace(message, **whole)


def with_changes(message: Message, changes: JsonObject) -> Message:
    """A copy of `message` with `changes` by field name; `metadata` is merged, other fields are replaced."""
    if "metadata" in changes:
        changes = {**changes, "metadata": {**message.metadata, **changes["metadata"]}}
    return replace(message, **changes)
