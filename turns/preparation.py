"""What is posted to begin a turn: the GPT's description, the uploads, the payload."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from accounts import Caller, Credential, KeyKind
from media import Content
from translate.backend import (
    PostedConversation,
    Wishes,
    conversation,
    folded,
    one_system_message,
    preflight,
    with_long_texts_as_files,
)
from translate.values import PICTURE, RESEARCH, Attachment, ChatMessage, JsonObject, Model, Place
from turns.attachments import AttachmentUploader
from turns.failures import as_api_error
from upstream import UpstreamError
from upstream.gpts import GptDescriptions

NEVER_TEMPORARY: Final = (PICTURE, RESEARCH)
"""Hints that the backend does not follow in temporary chats (protocol notes, section 20.1)."""


def new_id() -> str:
    """A fresh UUID."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a caller asks of a model. `contents` are attachments of the messages that were read before.

    `effort` is how long the model should think, in OpenAI's words, and `hints` is what it should make use of;
    both beside what the model's name and the settings ask for. With `stored` the conversation is no temporary
    one, and is hidden at the end, whatever the settings say.

    With a `place` the messages go on there, on the account that has it (`home`, see `Slot.home`). With
    `lasting` others may go on with this conversation: it is no temporary one, and is hidden unless the
    settings let all be listed.
    """

    model: Model
    messages: Sequence[ChatMessage]
    contents: Mapping[Attachment, Content] = field(default_factory=dict)
    effort: str = ""
    hints: tuple[str, ...] = ()
    stored: bool = False
    place: Place | None = None
    home: str = ""
    lasting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptOptions:
    """What the settings say of prompts: `HISTORY=temporary`, `REASONING_EFFORT`, `SYSTEM_HINTS`,
    `PROMPT_FORM` and `TEXT_FILE_BYTES` (0 for never).
    """

    temporary: bool = False
    effort: str = ""
    hints: tuple[str, ...] = ()
    fold: bool = False
    text_file_bytes: int = 0


class Preparation:
    """Makes prompts fit to be posted."""

    def __init__(
        self,
        descriptions: GptDescriptions,
        uploader: AttachmentUploader,
        options: PromptOptions,
        *,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self._descriptions = descriptions
        self._uploader = uploader
        self._options = options
        self._new_id = new_id

    def wishes(self, prompt: Prompt) -> Wishes:
        """What the answer to `prompt` is to be like: the request counts before the model's name, and that
        before the settings. A conversation that draws or does research cannot be temporary.
        """
        model, options = prompt.model, self._options
        hints = tuple(dict.fromkeys((*prompt.hints, *model.hints, *options.hints)))
        listed = any(hint in NEVER_TEMPORARY for hint in hints)
        return Wishes(
            effort=prompt.effort or model.effort or options.effort,
            hints=hints,
            temporary=options.temporary and not (listed or prompt.stored or prompt.lasting or prompt.place),
        )

    def formed(self, messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
        """The messages in the form in which they are put to the backend."""
        return (folded if self._options.fold else one_system_message)(messages)

    def hides(self, prompt: Prompt) -> bool:
        """Whether the conversation is to be hidden after it, though the others are not."""
        return prompt.stored or (self._options.temporary and not self.wishes(prompt).temporary)

    def preflight(self, prompt: Prompt) -> JsonObject:
        """What the backend may be told before `prompt` is ready to be posted."""
        return preflight(prompt.model, self._new_id, self.wishes(prompt), prompt.place)

    async def prepare(
        self, prompt: Prompt, credential: Credential, caller: Caller
    ) -> tuple[Model, PostedConversation]:
        """Describe the model, upload what is attached, and return the model and what is to be posted.

        `caller` is whose files the prompt may name.

        May take some seconds, for a GPT or for large files. Raises ApiError.
        """
        options = self._options
        model = await self._described(prompt.model, credential)
        messages = self.formed(prompt.messages)
        contents = prompt.contents
        if options.text_file_bytes and credential.kind is not KeyKind.POOL:  # the file may be elsewhere then
            messages, files = with_long_texts_as_files(messages, options.text_file_bytes)
            texts = {attachment: Content(data, "text/plain") for attachment, data in files.items()}
            contents = {**contents, **texts}
        attachments = [part for message in messages for part in message.attachments]
        uploads = await self._uploader.upload_all(credential, attachments, contents, caller)
        posted = conversation(
            model, messages, self._new_id, uploads=uploads, wishes=self.wishes(prompt), place=prompt.place
        )
        return model, posted

    async def _described(self, model: Model, credential: Credential) -> Model:
        """`model` with what the backend must be told about it."""
        if not model.gizmo_id:
            return model
        try:
            return replace(model, gizmo=await self._descriptions.get(model.gizmo_id, credential))
        except UpstreamError as error:
            raise as_api_error(error) from None
