"""What the backend says about a GPT ("gizmo", in its words): the description that a conversation repeats.

A path of the backend takes the id of a GPT in both forms, but a conversation needs the short one, which
only the description holds, and the whole description (protocol notes, sections 4.2 and 4.4).
"""

import json

from translate.values import Gizmo, JsonObject, is_short_id, json_bytes, object_at, short_id, text_at

MAX_GIZMO_BYTES = 1 << 20
"""Longest description that is taken: it is some KB, and goes along with each conversation."""


def read_gizmo(content: bytes, requested_id: str) -> Gizmo:
    """The description in `content`, the backend's answer for the GPT `requested_id` (short id or slug).

    Raises ValueError with what is wrong with it.
    """
    if len(content) > MAX_GIZMO_BYTES:
        raise ValueError(f"it is larger than {MAX_GIZMO_BYTES} bytes")
    try:
        info = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    return as_gizmo(info, requested_id)


def as_gizmo(info: object, requested_id: str) -> Gizmo:
    """`info`, parsed JSON, as the description of the GPT `requested_id` (short id or slug).

    Raises ValueError if it is none, is about another GPT, or cannot be written into a request again.
    """
    gizmo_id = text_at(object_at(info, "gizmo"), "id") if isinstance(info, dict) else ""
    if not isinstance(info, dict) or not is_short_id(gizmo_id):
        raise ValueError("it has no id")
    if short_id(requested_id) != gizmo_id:
        raise ValueError("it is about another GPT")
    try:
        # It will stand some levels down in the body of a request.
        json_bytes([[[info]]], finite=True)
    except (ValueError, OverflowError):
        raise ValueError("it cannot be written as JSON") from None
    return Gizmo(gizmo_id, info)


def conversation_mode(gizmo: Gizmo) -> JsonObject:
    """The value of `conversation_mode` in a request of before 2025 for a conversation with this GPT."""
    return {"kind": "gizmo_interaction", "gizmo_id": gizmo.id, "gizmo": gizmo.info}


def mode_of_today(gizmo_id: str) -> JsonObject:
    """The value of `conversation_mode` in a request of today: the short id in `gizmo_id` is enough."""
    return {"kind": "gizmo_interaction", "gizmo_id": short_id(gizmo_id)}
