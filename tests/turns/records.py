"""What the backend streams: records of messages, and the end."""

import json
from typing import Any


def record(
    text: str = "",
    *,
    id: str = "a1",
    done: bool = True,
    finish: str = "stop",
    content: dict[str, Any] | None = None,
    conversation_id: str = "c1",
    **message: Any,
) -> bytes:
    """A snapshot record of an assistant's message."""
    about: dict[str, Any] = {
        "id": id,
        "author": {"role": "assistant"},
        "content": content or {"content_type": "text", "parts": [text]},
        "status": "finished_successfully" if done else "in_progress",
        "end_turn": True if done and finish == "stop" else None,
        "recipient": "all",
        "metadata": {"model_slug": "gpt-4"} | ({"finish_details": {"type": finish}} if done else {}),
    } | message
    value = {"message": about, "conversation_id": conversation_id, "error": None}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def asks_permission(domain: str = "api.example.com", *, login: bool = False) -> bytes:
    """A GPT asks whether it may call a host, and the exchange ends."""
    target = {"target_message_id": "call-1"}
    always = target | {"operation_hash": "hash-1"}
    actions = [
        {"name": "allow", "type": "allow", "allow": target},
        {"name": "always_allow", "type": "always_allow", "always_allow": always},
    ]
    body = {"domain": domain, "operation": "getItem", "actions": actions}
    asked = {"type": "oauth_required" if login else "confirm_action", "body": body}
    return record(
        id="ask-1",
        author={"role": "tool", "name": "plugin.getItem"},
        metadata={"jit_plugin_data": {"from_server": asked}},
        end_turn=None,
    )


DONE = b"data: [DONE]\n\n"
CUT = record("Half a sen", done=True, finish="max_tokens") + DONE


def picture(pointer: str = "file-service://file-1", prompt: str = "a cat", *, id: str = "t1") -> bytes:
    """A record with a picture that a tool has drawn."""
    part = {
        "content_type": "image_asset_pointer",
        "asset_pointer": pointer,
        "width": 8,
        "height": 8,
        "metadata": {"dalle": {"prompt": prompt}},
    }
    content = {"content_type": "multimodal_text", "parts": [part]}
    return record(id=id, content=content, author={"role": "tool", "name": "dalle.text2im"}, end_turn=None)
