"""The bodies of POST ``backend-api/conversation``: a new conversation, its continuation, a confirmation.

Each message of the history becomes one element of one ``messages`` array, with a fresh id and its
own role. The backend takes the last user message as the question and echoes the others.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import ujson

from translate.backend.gizmo import conversation_mode
from translate.backend.interpreter import Confirmation, Sent
from translate.values import (
    GPT_35_TURBO,
    Attachment,
    ChatMessage,
    JsonObject,
    Model,
    picture_tokens,
    well_formed,
)


class Uploaded(Protocol):
    """A file on the backend. ``width`` and ``height`` are 0 unless it is a picture."""

    @property
    def file_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def media_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def file_tokens(self) -> int | None: ...


def conversation(
    model: Model,
    messages: Sequence[ChatMessage],
    new_id: Callable[[], str],
    *,
    uploads: Mapping[Attachment, Uploaded] | None = None,
    temporary: bool = False,
) -> tuple[bytes, list[Sent]]:
    """The body, and what it sends in the form in which the interpreter will meet it again.

    ``new_id`` gives a fresh UUID at each call. A new conversation has no ``conversation_id``, and a
    random ``parent_message_id``. Each attachment of ``messages`` must be in ``uploads``.
    """
    uploads = uploads or {}
    sent = [
        Sent(new_id(), message.role, well_formed(message.text), _picture_tokens(message, uploads))
        for message in messages
    ]
    files = [[uploads[attachment] for attachment in message.attachments] for message in messages]
    body = _common(model, temporary)
    body |= {
        "action": "next",
        "messages": [_message(*pair) for pair in zip(sent, files, strict=True)],
        "parent_message_id": new_id(),
    }
    return _dump(body), sent


def continuation(model: Model, conversation_id: str, parent_id: str, *, temporary: bool = False) -> bytes:
    """Goes on with an answer that was cut by length; ``parent_id`` is the cut message."""
    body = _common(model, temporary)
    body |= {"action": "continue", "conversation_id": conversation_id, "parent_message_id": parent_id}
    return _dump(body)


def confirmation(
    model: Model,
    conversation_id: str,
    asked: Confirmation,
    answer: Literal["allow", "always_allow", "deny"],
    new_id: Callable[[], str],
    *,
    temporary: bool = False,
) -> tuple[bytes, list[Sent]]:
    """Answers a GPT that asked whether it may call a host."""
    data: JsonObject = {"type": answer}
    if answer == "always_allow":
        data["operation_hash"] = asked.operation_hash
    user_action = {"data": data, "target_message_id": asked.target_message_id}
    message_id = new_id()
    body = _common(model, temporary)
    body |= {
        "action": "next",
        "conversation_id": conversation_id,
        "parent_message_id": asked.message_id,
        "messages": [
            {
                "id": message_id,
                "author": {"role": "tool", "name": asked.tool},
                "content": {"content_type": "text", "parts": [""]},
                "recipient": "all",
                "metadata": {"jit_plugin_data": {"from_client": {"user_action": user_action}}},
            }
        ],
    }
    return _dump(body), [Sent(message_id, "tool", "")]


def _common(model: Model, temporary: bool) -> JsonObject:
    body: JsonObject = {
        "model": model.slug,
        "timezone_offset_min": 0,
        "history_and_training_disabled": temporary,
        "force_paragen": False,
        "force_rate_limit": False,
        "force_use_sse": True,  # not over a WebSocket, where the backend lets us choose
    }
    if model.gizmo_id:
        if model.gizmo is None:
            raise ValueError("a GPT needs its description")
        body["conversation_mode"] = conversation_mode(model.gizmo)
    else:
        body |= {"conversation_mode": {"kind": "primary_assistant"}, "suggestions": []}
    if model.slug == GPT_35_TURBO.slug:
        body["arkose_token"] = None
    return body


def _message(sent: Sent, files: Sequence[Uploaded]) -> JsonObject:
    """Pictures stand in the parts, before the text, and among the attachments; other files only there."""
    pictures = [_picture(file) for file in files if file.width]
    content: JsonObject = {"content_type": "text", "parts": [sent.text]}
    if pictures:
        content = {"content_type": "multimodal_text", "parts": [*pictures, sent.text]}
    return {
        "id": sent.id,
        "author": {"role": sent.role},
        "content": content,
        "metadata": {"attachments": [_attachment(file) for file in files]} if files else {},
    }


def _picture_tokens(message: ChatMessage, uploads: Mapping[Attachment, Uploaded]) -> int:
    return sum(
        picture_tokens(file.width, file.height, attachment.detail)
        for attachment in message.attachments
        if (file := uploads[attachment]).width and file.height
    )


def _picture(file: Uploaded) -> JsonObject:
    return {
        "content_type": "image_asset_pointer",
        "asset_pointer": f"file-service://{file.file_id}",
        "size_bytes": file.size,
        "width": file.width,
        "height": file.height,
    }


def _attachment(file: Uploaded) -> JsonObject:
    about: JsonObject = {
        "id": file.file_id,
        "name": file.name,
        "size": file.size,
        "mimeType": file.media_type,
    }
    if file.width:
        about |= {"width": file.width, "height": file.height}
    if file.file_tokens is not None:
        about["fileTokenSize"] = file.file_tokens
    return about


def _dump(body: JsonObject) -> bytes:
    return ujson.dumps(body, escape_forward_slashes=False).encode()
