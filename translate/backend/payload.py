"""The bodies of POST `backend-api/conversation`: a new conversation, its continuation, a confirmation.

Each message of the history becomes one element of one `messages` array, with a fresh id and its
own role. The backend takes the last user message as the question and echoes the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import ujson

from translate.backend.gizmo import conversation_mode
from translate.values import (
    GPT_35_TURBO,
    Attachment,
    ChatMessage,
    Confirmation,
    JsonObject,
    Model,
    SentMessage,
    picture_tokens,
    well_formed,
)


class Uploaded(Protocol):
    """A file on the backend, with what a message that attaches it must tell (protocol notes, section 4.5)."""

    @property
    def file_id(self) -> str:
        """Such as `file-Ab12`."""

    @property
    def name(self) -> str:
        """The name that the model and its tools see."""

    @property
    def media_type(self) -> str:
        """Such as `image/png`."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def width(self) -> int:
        """In pixels; 0 unless it is a picture."""

    @property
    def height(self) -> int:
        """In pixels; 0 unless it is a picture."""

    @property
    def file_tokens(self) -> int | None:
        """How many tokens the backend's index counted; None without an index."""


@dataclass(frozen=True, slots=True)
class PostedConversation:
    """What one POST `backend-api/conversation` says.

    `body` is the JSON object, `parent_message_id` the id of the message that it answers or continues, and
    `sent` its messages in the form in which the interpreter meets them again, oldest first.
    """

    body: JsonObject
    parent_message_id: str
    sent: tuple[SentMessage, ...] = ()

    @property
    def message_id(self) -> str:
        """The id of the last message, which is the question; "" for a continuation, which sends none."""
        return self.sent[-1].id if self.sent else ""

    def encode(self, websocket_request_id: str = "") -> bytes:
        """The JSON to be posted.

        `websocket_request_id` is an id of our choice with which the backend marks the frames of the answer,
        if that comes over the account's WebSocket (protocol notes, section 12).
        """
        body = self.body
        if websocket_request_id:
            body = {**body, "websocket_request_id": websocket_request_id}
        return ujson.dumps(body, escape_forward_slashes=False).encode()


def conversation(
    model: Model,
    messages: Sequence[ChatMessage],
    new_id: Callable[[], str],
    *,
    uploads: Mapping[Attachment, Uploaded] | None = None,
    temporary: bool = False,
) -> PostedConversation:
    """A new conversation (protocol notes, sections 4.1 to 4.3, and 4.5 for attachments).

    `new_id` gives a fresh UUID at each call. A new conversation has no `conversation_id`, and a random
    `parent_message_id`. Each attachment of `messages` must be in `uploads`.

    Raises:
        ValueError: the model is a GPT without its description.
    """
    uploads = uploads or {}
    sent = [
        SentMessage(new_id(), message.role, well_formed(message.text), _picture_tokens(message, uploads))
        for message in messages
    ]
    files = [[uploads[attachment] for attachment in message.attachments] for message in messages]
    parent_id = new_id()
    body = _common(model, temporary)
    body |= {
        "action": "next",
        "messages": [_message(*pair) for pair in zip(sent, files, strict=True)],
        "parent_message_id": parent_id,
    }
    return PostedConversation(body, parent_id, tuple(sent))


def continuation(
    model: Model, conversation_id: str, parent_id: str, *, temporary: bool = False
) -> PostedConversation:
    """Go on with an answer that was cut by length (protocol notes, section 4.6).

    `parent_id` is the id of the cut message.

    Raises:
        ValueError: the model is a GPT without its description.
    """
    body = _common(model, temporary)
    body |= {"action": "continue", "conversation_id": conversation_id, "parent_message_id": parent_id}
    return PostedConversation(body, parent_id)


def confirmation(
    model: Model,
    conversation_id: str,
    asked: Confirmation,
    answer: Literal["allow", "always_allow", "deny"],
    new_id: Callable[[], str],
    *,
    temporary: bool = False,
) -> PostedConversation:
    """Answer a GPT that asked whether it may call a host (protocol notes, section 11).

    Raises:
        ValueError: the model is a GPT without its description.
    """
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
    return PostedConversation(body, asked.message_id, (SentMessage(message_id, "tool", ""),))


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


def _message(sent: SentMessage, files: Sequence[Uploaded]) -> JsonObject:
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
