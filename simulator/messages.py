"""Messages of a conversation, as the backend keeps them."""

import copy
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

JsonObject = dict[str, Any]


def new_id() -> str:
    """A message or conversation id."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it stands. ``content`` always has a ``content_type``; times are Unix seconds."""

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

    @property
    def text(self) -> str:
        """The text a person would read: the strings among ``parts``, or ``text``."""
        return text_of(self.content)


def text_content(text: str) -> JsonObject:
    """Content of ordinary text."""
    return {"content_type": "text", "parts": [text]}


def code_content(text: str, language: str = "python") -> JsonObject:
    """Content of a call: ``language`` is python, json or unknown."""
    return {"content_type": "code", "language": language, "text": text}


def text_of(content: JsonObject) -> str:
    """See `Message.text`."""
    parts = content.get("parts")
    if isinstance(parts, list):
        return "\n".join(part for part in parts if isinstance(part, str))
    text = content.get("text")
    return text if isinstance(text, str) else ""


def is_context(content: JsonObject) -> bool:
    """Whether it is part of the account's settings rather than of the talk."""
    return content["content_type"] in ("user_editable_context", "model_editable_context")


def growth_path(content: JsonObject) -> tuple[str | int, ...]:
    """Where content of its type grows."""
    if content["content_type"] == "text":
        return "parts", 0
    if content["content_type"] == "thoughts":
        return "thoughts", 0, "content"
    return ("text",)


def grown(content: JsonObject, text: str) -> JsonObject:
    """``content`` with ``text`` appended where it grows."""
    changed: JsonObject = copy.deepcopy(content)
    *way, last = growth_path(content)
    place: Any = changed
    for step in way:
        place = place[step]
    place[last] += text
    return changed


def revised(message: Message, changes: JsonObject) -> Message:
    """``message`` with ``changes`` by field name; ``metadata`` is merged, not replaced."""
    if "metadata" in changes:
        changes = {**changes, "metadata": {**message.metadata, **changes["metadata"]}}
    return replace(message, **changes)
