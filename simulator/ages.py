"""How the web backend's records looked at four moments of its history."""

from dataclasses import dataclass, field

from simulator.messages import JsonObject, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """What sets one moment apart. ``early_finish``: finish_details appear that many tokens before the end."""

    has_status: bool = True
    has_parent_id: bool = True
    has_is_complete: bool = True
    has_channel: bool = False
    typed_moderation: bool = False
    thinks: bool = False
    system_weight: float = 0.0
    stop: JsonObject = field(default_factory=lambda: {"type": "stop", "stop_tokens": [100260]})
    early_finish: int = 0
    padding: int = 0
    pointer_scheme: str = "file-service://"
    finished: bool = True
    assistant_metadata: JsonObject = field(default_factory=dict)


_METADATA_2024: JsonObject = {
    "citations": [],
    "content_references": [],
    "gizmo_id": None,
    "message_type": "next",
    "default_model_slug": "gpt-4o",
    "model_switcher_deny": [],
}

AGES: dict[str, Age] = {
    "2023-05": Age(
        has_status=False,
        has_parent_id=False,
        has_is_complete=False,
        system_weight=1.0,
        stop={"type": "stop", "stop": "<|diff_marker|>"},
        early_finish=9,
    ),
    "2023-12": Age(),
    "2024": Age(
        has_channel=True,
        typed_moderation=True,
        stop={"type": "stop", "stop_tokens": [200002]},
        padding=32,
        finished=False,
        assistant_metadata=_METADATA_2024,
    ),
    "2025": Age(
        has_channel=True,
        typed_moderation=True,
        thinks=True,
        stop={"type": "stop", "stop_tokens": [200002]},
        padding=8,
        assistant_metadata={
            **_METADATA_2024,
            "request_id": "sim",
            "serialization_metadata": {"custom_symbol_offsets": []},
        },
    ),
}


def envelope(message: Message, conversation_id: str, age: Age) -> JsonObject:
    """The record that shows ``message`` as a whole."""
    shown: JsonObject = {
        "id": message.id,
        "author": {"role": message.role, "name": message.name, "metadata": {}},
        "create_time": message.create_time,
        "update_time": None,
        "content": message.content,
    }
    if age.has_status:
        shown["status"] = message.status
    shown |= {
        "end_turn": message.end_turn,
        "weight": age.system_weight if message.role == "system" else message.weight,
        "metadata": _metadata(message, age),
        "recipient": message.recipient,
    }
    if age.has_channel:
        shown["channel"] = message.channel
    return {"message": shown, "conversation_id": conversation_id, "error": None}


def _metadata(message: Message, age: Age) -> JsonObject:
    decoration = (
        age.assistant_metadata if message.role == "assistant" and "model_slug" in message.metadata else {}
    )
    metadata = {**decoration, **message.metadata}
    if not age.has_parent_id:
        metadata.pop("parent_id", None)
    if not age.has_is_complete:
        metadata.pop("is_complete", None)
    return metadata
