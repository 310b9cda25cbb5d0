"""``POST /v1/chat/completions``."""

import time
import uuid

from handlers.answer import Answer
from handlers.base import BodyHandler
from handlers.service import new_id
from translate.backend.payload import PostedConversation, conversation
from translate.conversation import Turn
from translate.openai.chat import StreamWriter, WholeWriter
from translate.openai.request import read_chat
from translate.values import Style
from turns.assets import Assets
from turns.attachments import upload_all
from turns.runner import Dialogue


class ChatHandler(BodyHandler):
    """A conversation with one answer, streamed or whole."""

    route = "chat"
    answer: Answer | None = None

    async def post(self) -> None:
        request = read_chat(self.body())
        service, settings = self.service, self.service.settings
        model = service.catalogue.resolve(request.model)
        self.may_spend(model)
        answer_id, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
        writer: StreamWriter | WholeWriter
        if request.stream:
            writer = StreamWriter(
                id=answer_id,
                created=created,
                model=request.model,
                include_usage=request.include_usage,
                annotate=settings.stream_annotations,
            )
        else:
            writer = WholeWriter(id=answer_id, created=created, model=request.model)
        assets = Assets(service, self.caller_key, self.public_base())
        turn = Turn(
            writer,
            stop=request.stop,
            style=Style(model.style or settings.style),
            links=assets,
            reasoning=settings.reasoning,
        )
        dialogue = Dialogue(service, self.caller_key, model, turn, assets)
        self.answer = Answer(self, dialogue, writer)

        async def prepare() -> PostedConversation:
            dialogue.model = await service.describe(model, self.caller_key)
            attachments = [part for message in request.messages for part in message.attachments]
            uploads = await upload_all(service, self.caller_key, attachments)
            temporary = settings.history == "temporary"
            return conversation(
                dialogue.model, request.messages, new_id, uploads=uploads, temporary=temporary
            )

        with service.admit(self.answer, self.route):
            await self.answer.run(prepare)

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if self.answer is not None:
            self.answer.client_gone()
