"""The bodies of a post to the backend: a new conversation, its continuation, a confirmation.

Each message of the history becomes one element of one `messages` array, with a fresh id and its
own role. The backend takes the last user message as the question and echoes the others.

Every body has two forms, with the same messages: that of `f/conversation`, which backends of today have, and
that of `conversation`, which all have had since 2023 (protocol notes, section 20.1).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Protocol

from translate.backend.gizmo import conversation_mode, mode_of_today
from translate.values import (
    GPT_35_TURBO,
    Attachment,
    ChatMessage,
    Confirmation,
    JsonObject,
    Model,
    Place,
    SentMessage,
    json_bytes,
    picture_tokens,
    system_hints,
    thinking_effort,
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
class Wishes:
    """What the answers of a turn are to be like: `effort` in OpenAI's words, `hints` in ours.

    With `temporary` the conversation is never listed. What the model cannot do, by the backend's list of
    models, is not asked for.
    """

    effort: str = ""
    hints: tuple[str, ...] = ()
    temporary: bool = False


NO_WISHES: Final = Wishes()


@dataclass(frozen=True, slots=True)
class PostedConversation:
    """What one post says.

    `make_body` gives the JSON object for `f/conversation` if it is called with true, else that for
    `conversation`. It is made anew each time: it is needed once, and an answer takes minutes.
    `parent_message_id` is the id of the message that it answers or continues, and `sent` its messages in the
    form in which the interpreter meets them again, oldest first.
    """

    make_body: Callable[[bool], JsonObject]
    parent_message_id: str
    sent: tuple[SentMessage, ...] = ()

    @property
    def message_id(self) -> str:
        """The id of the last message, which is the question; "" for a continuation, which sends none."""
        return self.sent[-1].id if self.sent else ""

    def encode(self, websocket_request_id: str = "") -> bytes:
        """The JSON to be posted to `conversation`.

        `websocket_request_id` is an id of our choice with which the backend marks the frames of the answer,
        if that comes over the account's WebSocket (protocol notes, section 12).
        """
        return _encoded(self.make_body(False), websocket_request_id)

    def encode_for_today(self, websocket_request_id: str = "", *, prepared: bool) -> bytes:
        """The JSON to be posted to `f/conversation`; `prepared` if the backend has taken its preflight."""
        state = "success" if prepared else "failure"
        body = self.make_body(True)
        body["client_prepare_state"] = state
        return _encoded(body, websocket_request_id)


def conversation(
    model: Model,
    messages: Sequence[ChatMessage],
    new_id: Callable[[], str],
    *,
    uploads: Mapping[Attachment, Uploaded] | None = None,
    wishes: Wishes = NO_WISHES,
    place: Place | None = None,
) -> PostedConversation:
    """A new conversation (protocol notes, sections 4.1 to 4.3, and 4.5 for attachments), or with `place` more
    messages in one that there is.

    `new_id` gives a fresh UUID at each call. A new conversation has no `conversation_id`, and a random
    `parent_message_id`. Each attachment of `messages` must be in `uploads`.

    Raises:
        ValueError: the model is a GPT without its description.
    """
    uploads = uploads or {}
    sent = tuple(
        SentMessage(new_id(), message.role, well_formed(message.text), _picture_tokens(message, uploads))
        for message in messages
    )
    files = tuple(tuple(uploads[attachment] for attachment in message.attachments) for message in messages)
    hints = tuple(system_hints(wishes.hints, model.listed))
    say = partial(_question, sent, files, hints, place)
    return _posted(model, wishes, new_id() if place is None else place.parent_id, say, sent)


def continuation(
    model: Model, conversation_id: str, parent_id: str, *, wishes: Wishes = NO_WISHES
) -> PostedConversation:
    """Go on with an answer that was cut by length (protocol notes, section 4.6).

    `parent_id` is the id of the cut message.

    Raises:
        ValueError: the model is a GPT without its description.
    """
    say: Callable[[], JsonObject] = partial(dict, action="continue", conversation_id=conversation_id)
    return _posted(model, wishes, parent_id, say)


def confirmation(
    model: Model,
    conversation_id: str,
    asked: Confirmation,
    answer: Literal["allow", "always_allow", "deny"],
    new_id: Callable[[], str],
    *,
    wishes: Wishes = NO_WISHES,
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
    said: JsonObject = {
        "action": "next",
        "conversation_id": conversation_id,
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
    sent = (SentMessage(message_id, "tool", ""),)
    return _posted(model, wishes, asked.message_id, partial(dict, said), sent)


def preflight(
    model: Model, new_id: Callable[[], str], wishes: Wishes = NO_WISHES, place: Place | None = None
) -> JsonObject:
    """The body of POST `f/conversation/prepare`, before a new conversation, or with `place` before more
    messages in one that there is (protocol notes, section 20.1).

    It is that of a new conversation without its messages; nothing of the user's words goes along.
    """
    query = {"id": new_id(), "author": {"role": "user"}, "content": {"content_type": "text", "parts": [""]}}
    body = _today(model, wishes) | ({"conversation_id": place.conversation_id} if place is not None else {})
    return body | {
        "action": "next",
        "parent_message_id": new_id() if place is None else place.parent_id,
        "partial_query": query,
        "client_prepare_state": "none",
        "client_prepare_dispatch": "immediate",
        "client_prepare_source": "context_change",
    }


def _posted(
    model: Model,
    wishes: Wishes,
    parent_id: str,
    say: Callable[[], JsonObject],
    sent: tuple[SentMessage, ...] = (),
) -> PostedConversation:
    """`say` makes what all bodies have in common, but for the parent."""
    if model.gizmo_id and model.gizmo is None:
        raise ValueError("a GPT needs its description")
    return PostedConversation(partial(_body, model, wishes, parent_id, say), parent_id, sent)


def _body(
    model: Model, wishes: Wishes, parent_id: str, say: Callable[[], JsonObject], today: bool
) -> JsonObject:
    body = (_today if today else _older)(model, wishes) | say()
    body["parent_message_id"] = parent_id
    return body


def _today(model: Model, wishes: Wishes) -> JsonObject:
    """What all bodies for `f/conversation` have.

    `supports_buffering` is left out: it invites the backend to hand the stream off to another connection.
    """
    gizmo_id = model.gizmo.id if model.gizmo is not None else model.gizmo_id
    mode = mode_of_today(gizmo_id) if gizmo_id else {"kind": "primary_assistant"}
    body = _wished(model, wishes) | {
        "model": model.slug,
        "conversation_mode": mode,
        "timezone_offset_min": 0,
        "supported_encodings": ["v1"],
    }
    if wishes.temporary:
        body["history_and_training_disabled"] = True
    return body


def _older(model: Model, wishes: Wishes) -> JsonObject:
    """What all bodies for `conversation` have; backends of 2023 miss any of it."""
    body = _wished(model, wishes) | {
        "model": model.slug,
        "timezone_offset_min": 0,
        "history_and_training_disabled": wishes.temporary,
        "force_paragen": False,
        "force_rate_limit": False,
        "force_use_sse": True,  # not over a WebSocket, where the backend lets us choose
    }
    if model.gizmo is not None:
        body["conversation_mode"] = conversation_mode(model.gizmo)
    else:
        body |= {"conversation_mode": {"kind": "primary_assistant"}, "suggestions": []}
    if model.slug == GPT_35_TURBO.slug:
        body["arkose_token"] = None
    return body


def _wished(model: Model, wishes: Wishes) -> JsonObject:
    """Fields that are there only if something is asked for."""
    body: JsonObject = {}
    if hints := system_hints(wishes.hints, model.listed):
        body["system_hints"] = hints
    if effort := thinking_effort(wishes.effort, model.listed):
        body["thinking_effort"] = effort
    return body


def _encoded(body: JsonObject, websocket_request_id: str) -> bytes:
    if websocket_request_id:
        body = {**body, "websocket_request_id": websocket_request_id}
    return json_bytes(body)


def _question(
    sent: Sequence[SentMessage],
    files: Sequence[Sequence[Uploaded]],
    hints: Sequence[str],
    place: Place | None,
) -> JsonObject:
    """The hints stand in the last message, which is the question."""
    messages = [
        _message(message, attached, hints if message is sent[-1] else ())
        for message, attached in zip(sent, files, strict=True)
    ]
    said: JsonObject = {"action": "next", "messages": messages}
    if place is not None:
        said["conversation_id"] = place.conversation_id
    return said


def _message(sent: SentMessage, files: Sequence[Uploaded], hints: Sequence[str]) -> JsonObject:
    """Pictures stand in the parts, before the text, and among the attachments; other files only there."""
    metadata: JsonObject = {"attachments": [_attachment(file) for file in files]} if files else {}
    if hints:
        metadata["system_hints"] = list(hints)
    pictures = [_picture(file) for file in files if file.width]
    content: JsonObject = {"content_type": "text", "parts": [sent.text]}
    if pictures:
        content = {"content_type": "multimodal_text", "parts": [*pictures, sent.text]}
    return {
        "id": sent.id,
        "author": {"role": sent.role},
        "content": content,
        "metadata": metadata,
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
        "mime_type": file.media_type,  # its name of today
    }
    if file.width:
        about |= {"width": file.width, "height": file.height}
    if file.file_tokens is not None:
        about["fileTokenSize"] = file.file_tokens
    return about
