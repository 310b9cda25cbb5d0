"""How the web backend's records looked at four moments of its history."""

from dataclasses import dataclass, field

from simulator.messages import JsonObject, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """What sets one moment apart.

    ``dialect`` is the usual one, ``delta_on_request`` whether ``supported_encodings`` gets delta v1.
    ``early_finish``: finish_details appear that many tokens before the end. ``padding``, ``delta_padding``:
    payloads are padded to a multiple. ``finished``: snapshots end with a finished one. ``thinks``: reasoning
    comes before the answer, and messages have channels with names. ``new_tools``: pictures and searches under
    the names of 2025, citations by private-use marks.
    """

    has_status: bool = True
    has_parent_id: bool = True
    has_is_complete: bool = True
    has_channel: bool = False
    typed_moderation: bool = False
    thinks: bool = False
    new_tools: bool = False
    dialect: str = "snapshot"
    delta_on_request: bool = False
    system_weight: float = 0.0
    stop: JsonObject = field(default_factory=lambda: {"type": "stop", "stop_tokens": [100260]})
    early_finish: int = 0
    padding: int = 0
    delta_padding: int = 0
    finished: bool = True
    assistant_metadata: JsonObject = field(default_factory=dict)


_METADATA_2024: JsonObject = {
    "citations": [],
    "content_references": [],
    "gizmo_id": None,
    "default_model_slug": "gpt-4o",
    "model_switcher_deny": [],
}
_METADATA_2025: JsonObject = {
    **_METADATA_2024,
    "request_id": "00000000-sim",
    "requested_model_slug": "auto",
    "serialization_metadata": {"custom_symbol_offsets": []},
}
_STOP_2024: JsonObject = {"type": "stop", "stop_tokens": [200002]}

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
        delta_on_request=True,
        stop=_STOP_2024,
        padding=32,
        delta_padding=8,
        finished=False,
        assistant_metadata=_METADATA_2024,
    ),
    "2025": Age(
        has_channel=True,
        typed_moderation=True,
        thinks=True,
        new_tools=True,
        dialect="delta",
        delta_on_request=True,
        stop=_STOP_2024,
        assistant_metadata=_METADATA_2025,
    ),
}


def envelope(message: Message, conversation_id: str, age: Age) -> JsonObject:
    """The record that shows ``message`` as a whole."""
    return {"message": shown_message(message, age), "conversation_id": conversation_id, "error": None}


def shown_message(message: Message, age: Age) -> JsonObject:
    """A message with the fields it has in that age."""
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
        "weight": message.weight,
        "metadata": shown_metadata(message, age),
        "recipient": message.recipient,
    }
    if age.has_channel:
        shown["channel"] = message.channel
    return shown


def shown_metadata(message: Message, age: Age) -> JsonObject:
    """The metadata that a message has in that age."""
    generated = message.role == "assistant" and "model_slug" in message.metadata
    metadata = {**(age.assistant_metadata if generated else {}), **message.metadata}
    if not age.has_parent_id:
        metadata.pop("parent_id", None)
    if not age.has_is_complete:
        metadata.pop("is_complete", None)
    return metadata
