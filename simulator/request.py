"""The body of POST conversation: its validation, and the fields that matter (protocol notes, section 4)."""

import uuid
from dataclasses import dataclass
from typing import Any

from simulator.messages import JsonObject, text_of
from simulator.refusals import Refused, invalid

NEW_CHAT_ROOT = "client-created-root"
"""What `parent_message_id` may be in a new chat since 2026."""
ACTIONS = ("next", "continue", "variant")
ROLES = ("system", "user", "assistant", "tool", "critic", "developer")
MODES = ("primary_assistant", "gizmo_interaction", "gizmo_test", "plugins")

Problem = tuple[list[str | int], str, str]
"""`loc`, `msg` and `type`, as `invalid` takes them."""
_NO_UUID_AS_PARENT: Problem = (["parent_message_id"], "value is not a valid uuid", "type_error.uuid")


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One element of `messages`; its id is the one that the caller gave it."""

    id: str
    role: str
    name: str | None
    content: JsonObject
    metadata: JsonObject
    recipient: str

    @property
    def text(self) -> str:
        """See `text_of`."""
        return text_of(self.content)

    @property
    def image_parts(self) -> list[JsonObject]:
        """Those of its parts that are pictures."""
        parts = self.content.get("parts") or []
        return [part for part in parts if isinstance(part, dict) and part.get("asset_pointer")]

    @property
    def attached_file_ids(self) -> list[str]:
        """Ids of its pictures and attachments, without repetitions."""
        pointers = [str(part["asset_pointer"]).rpartition("//")[2] for part in self.image_parts]
        attached = self.metadata.get("attachments") or []
        ids = pointers + [str(entry["id"]) for entry in attached if isinstance(entry, dict) and "id" in entry]
        return list(dict.fromkeys(ids))


@dataclass(frozen=True, slots=True)
class ConversationRequest:
    """A valid request.

    `wants_delta`: it accepts delta v1 (`supported_encodings`). `wants_event_stream`: it wants no WebSocket
    (`force_use_sse`). `system_hints` are those of the request or, where it has none, of its last message.
    """

    action: str
    messages: tuple[SentMessage, ...]
    conversation_id: str | None
    parent_message_id: str
    model: str
    gizmo_id: str | None
    temporary: bool
    wants_delta: bool
    wants_event_stream: bool
    websocket_request_id: str | None
    system_hints: tuple[str, ...]
    thinking_effort: str | None

    @property
    def names_sources(self) -> bool:
        """Whether a message has `selected_sources`; nothing is drawn then (protocol notes, section 20.1)."""
        return any("selected_sources" in message.metadata for message in self.messages)

    @property
    def attached_file_ids(self) -> list[str]:
        """Ids of the files attached to the question, which is the last user message."""
        users = [message for message in self.messages if message.role == "user"]
        return users[-1].attached_file_ids if users else []


def parse_request(data: object) -> ConversationRequest:
    """The request in a parsed JSON body. Raises Refused (422) with all problems, in the style of FastAPI."""
    if not isinstance(data, dict):
        raise Refused(invalid([([], "value is not a valid dict", "type_error.dict")]))
    problems = [*_check_fields(data), *_check_mode(data)]
    sent = data.get("messages") or []
    if not isinstance(sent, list):
        problems.append((["messages"], "value is not a valid list", "type_error.list"))
        sent = []
    for index, message in enumerate(sent):
        problems += [(["messages", index, *loc], msg, kind) for loc, msg, kind in _check_message(message)]
    if problems:
        raise Refused(invalid(problems))
    mode = data.get("conversation_mode") or {}
    return ConversationRequest(
        action=data["action"],
        messages=tuple(_sent(message) for message in sent),
        conversation_id=data.get("conversation_id"),
        parent_message_id=data["parent_message_id"],
        model=data["model"],
        gizmo_id=mode.get("gizmo_id"),
        temporary=data.get("history_and_training_disabled") is True,
        wants_delta="v1" in (data.get("supported_encodings") or []),
        wants_event_stream=data.get("force_use_sse") is True,
        websocket_request_id=data.get("websocket_request_id"),
        system_hints=_hints(data, sent),
        thinking_effort=data.get("thinking_effort"),
    )


def check_parent(request: ConversationRequest) -> None:
    """Raises Refused (422) for the root of a new chat, which the protocol knows since 2026 only."""
    if request.parent_message_id == NEW_CHAT_ROOT:
        raise Refused(invalid([_NO_UUID_AS_PARENT]))


def _hints(data: JsonObject, sent: list[JsonObject]) -> tuple[str, ...]:
    last = (sent[-1].get("metadata") or {}) if sent else {}
    given = data.get("system_hints") or last.get("system_hints") or []
    given = given if isinstance(given, list) else [given]
    return tuple(hint for hint in given if isinstance(hint, str))


def _sent(message: JsonObject) -> SentMessage:
    author = _author(message)
    return SentMessage(
        id=message["id"],
        role=author["role"],
        name=author.get("name"),
        content=message["content"],
        metadata=message.get("metadata") or {},
        recipient=message.get("recipient") or "all",
    )


def _author(message: JsonObject) -> Any:
    """The message's author; clients of early 2023 send a `role` instead."""
    return message.get("author", {"role": message.get("role")})


def _check_fields(data: JsonObject) -> list[Problem]:
    problems: list[Problem] = []
    action = data.get("action")
    if action not in ACTIONS:
        problems.append((["action"], "value is not a valid enumeration member", "type_error.enum"))
    if action in ("next", "variant") and not data.get("messages"):
        problems.append(
            (["messages"], "ensure this value has at least 1 items", "value_error.list.min_items")
        )
    if action == "continue" and not data.get("conversation_id"):
        problems.append((["conversation_id"], "field required", "value_error.missing"))
    if not isinstance(data.get("model"), str) or not data["model"]:
        problems.append((["model"], "field required", "value_error.missing"))
    if data.get("parent_message_id") != NEW_CHAT_ROOT and not _is_uuid(data.get("parent_message_id")):
        problems.append(_NO_UUID_AS_PARENT)
    given = data.get("conversation_id")
    if given is not None and not _is_uuid(given):
        problems.append((["conversation_id"], "value is not a valid uuid", "type_error.uuid"))
    return problems


def _check_mode(data: JsonObject) -> list[Problem]:
    mode = data.get("conversation_mode")
    if mode is not None and (not isinstance(mode, dict) or mode.get("kind") not in MODES):
        return [(["conversation_mode", "kind"], "value is not a valid enumeration member", "type_error.enum")]
    has_gizmo = mode is not None and isinstance(mode.get("gizmo_id"), str) and bool(mode["gizmo_id"])
    wants_gizmo = data.get("model") == "gpt-4-gizmo" or (mode or {}).get("kind") == "gizmo_interaction"
    if wants_gizmo and not has_gizmo:
        return [(["conversation_mode", "gizmo_id"], "field required", "value_error.missing")]
    return []


def _check_message(message: Any) -> list[Problem]:
    if not isinstance(message, dict):
        return [([], "value is not a valid dict", "type_error.dict")]
    problems: list[Problem] = []
    if not _is_uuid(message.get("id")):
        problems.append((["id"], "value is not a valid uuid", "type_error.uuid"))
    author = _author(message)
    if not isinstance(author, dict) or author.get("role") not in ROLES:
        problems.append((["author", "role"], "value is not a valid enumeration member", "type_error.enum"))
    content = message.get("content")
    if not isinstance(content, dict) or not isinstance(content.get("content_type"), str):
        return [*problems, (["content", "content_type"], "field required", "value_error.missing")]
    return problems + _check_content(content)


def _check_content(content: JsonObject) -> list[Problem]:
    if content["content_type"] not in ("text", "multimodal_text"):
        return []
    parts = content.get("parts")
    if not isinstance(parts, list):
        return [(["content", "parts"], "value is not a valid list", "type_error.list")]
    problems: list[Problem] = []
    for index, part in enumerate(parts):
        if isinstance(part, str):
            continue
        if not isinstance(part, dict) or not isinstance(part.get("content_type"), str):
            problems.append((["content", "parts", index], "str type expected", "type_error.str"))
    return problems


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False
