"""What is posted to begin a turn: the GPT's description, the uploads, the payload."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from accounts import Credential
from media import Content
from translate.backend import PostedConversation, conversation
from translate.values import Attachment, ChatMessage, Model
from turns.attachments import AttachmentUploader
from turns.failures import as_api_error
from upstream import UpstreamError
from upstream.gpts import GptDescriptions


def new_id() -> str:
    """A fresh UUID."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a caller asks of a model. `contents` are attachments of the messages that were read before."""

    model: Model
    messages: Sequence[ChatMessage]
    contents: Mapping[Attachment, Content] = field(default_factory=dict)


class Preparation:
    """Makes prompts fit to be posted. With `temporary` the conversations are never listed."""

    def __init__(
        self,
        descriptions: GptDescriptions,
        uploader: AttachmentUploader,
        *,
        temporary: bool,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self._descriptions = descriptions
        self._uploader = uploader
        self._temporary = temporary
        self._new_id = new_id

    async def prepare(self, prompt: Prompt, credential: Credential) -> tuple[Model, PostedConversation]:
        """Describe the model, upload what is attached, and return the model and what is to be posted.

        May take some seconds, for a GPT or for large files. Raises ApiError.
        """
        model = await self._described(prompt.model, credential)
        attachments = [part for message in prompt.messages for part in message.attachments]
        uploads = await self._uploader.upload_all(credential, attachments, prompt.contents)
        posted = conversation(
            model, prompt.messages, self._new_id, uploads=uploads, temporary=self._temporary
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
