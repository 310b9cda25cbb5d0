"""The web backend's protocol at five dates of its history, and how a message looks in each.

The knob `age` chooses one of them.
"""

from dataclasses import dataclass, field

from simulator.messages import JsonObject, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolVersion:
    """What distinguishes the protocol of one date (protocol notes, sections 6, 7 and 13).

    `has_...`: the field is present in messages. `moderation_has_type`: so is `type` in moderation records.
    `thinks`: reasoning comes before the answer, and messages have named channels. `has_2025_tools`: pictures
    and searches have the tool names of 2025, citations have private-use marks. `default_dialect` is snapshot
    or delta; `delta_on_request`: `supported_encodings` in a request gets delta v1. `stop_details` are the
    `finish_details` of a message that ends by itself; they appear `early_finish_tokens` before the end.
    `snapshot_padding`, `delta_padding`: payloads are padded with spaces to a multiple of so many bytes.
    `has_finished_snapshot`: the last snapshot of a message says that it is finished. `has_store`: GPTs can be
    searched for, as since January 2024. `is_2026`: the routes, records and delta forms of 2026, turns that go
    on elsewhere, and thoughts only where the model thinks.
    """

    has_status: bool = True
    has_parent_id: bool = True
    has_is_complete: bool = True
    has_channel: bool = False
    moderation_has_type: bool = False
    thinks: bool = False
    has_2025_tools: bool = False
    default_dialect: str = "snapshot"
    delta_on_request: bool = False
    system_message_weight: float = 0.0
    stop_details: JsonObject = field(default_factory=lambda: {"type": "stop", "stop_tokens": [100260]})
    early_finish_tokens: int = 0
    snapshot_padding: int = 0
    delta_padding: int = 0
    has_finished_snapshot: bool = True
    has_store: bool = False
    is_2026: bool = False
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
_METADATA_2026: JsonObject = {"citations": [], "content_references": [], "can_save": True}
_STOP_2024: JsonObject = {"type": "stop", "stop_tokens": [200002]}

PROTOCOL_VERSIONS: dict[str, ProtocolVersion] = {
    "2023-05": ProtocolVersion(
        has_status=False,
        has_parent_id=False,
        has_is_complete=False,
        system_message_weight=1.0,
        stop_details={"type": "stop", "stop": "<|diff_marker|>"},
        early_finish_tokens=9,
    ),
    "2023-12": ProtocolVersion(),
    "2024": ProtocolVersion(
        has_store=True,
        has_channel=True,
        moderation_has_type=True,
        delta_on_request=True,
        stop_details=_STOP_2024,
        snapshot_padding=32,
        delta_padding=8,
        has_finished_snapshot=False,
        assistant_metadata=_METADATA_2024,
    ),
    "2025": ProtocolVersion(
        has_store=True,
        has_channel=True,
        moderation_has_type=True,
        thinks=True,
        has_2025_tools=True,
        default_dialect="delta",
        delta_on_request=True,
        stop_details=_STOP_2024,
        assistant_metadata=_METADATA_2025,
    ),
    "2026": ProtocolVersion(
        has_store=True,
        has_channel=True,
        moderation_has_type=True,
        thinks=True,
        has_2025_tools=True,
        delta_on_request=True,
        is_2026=True,
        stop_details=_STOP_2024,
        assistant_metadata=_METADATA_2026,
    ),
}
"""By value of the knob `age`."""


def envelope(message: Message, conversation_id: str, version: ProtocolVersion) -> JsonObject:
    """The record that holds a whole message (protocol notes, section 7.1)."""
    return {"message": message_json(message, version), "conversation_id": conversation_id, "error": None}


def message_json(message: Message, version: ProtocolVersion) -> JsonObject:
    """A message with the fields that it has in that version."""
    fields: JsonObject = {
        "id": message.id,
        "author": {"role": message.role, "name": message.name, "metadata": message.author_metadata},
        "create_time": message.create_time,
        "update_time": None,
        "content": message.content,
    }
    if version.has_status:
        fields["status"] = message.status
    fields |= {
        "end_turn": message.end_turn,
        "weight": message.weight,
        "metadata": metadata_json(message, version),
        "recipient": message.recipient,
    }
    if version.has_channel:
        fields["channel"] = message.channel
    return fields


def metadata_json(message: Message, version: ProtocolVersion) -> JsonObject:
    """The metadata that a message has in that version."""
    is_generated = message.role == "assistant" and "model_slug" in message.metadata
    metadata = {**(version.assistant_metadata if is_generated else {}), **message.metadata}
    if not version.has_parent_id:
        metadata.pop("parent_id", None)
    if not version.has_is_complete:
        metadata.pop("is_complete", None)
    return metadata
