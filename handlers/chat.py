"""``POST /v1/chat/completions``."""

import time
import uuid

from handlers.answer import Answer
from handlers.base import BodyHandler
from handlers.service import new_id
from translate.payload import conversation
from translate.request import read_chat
from translate.turn import Turn
from translate.writer import StreamWriter, WholeWriter


class ChatHandler(BodyHandler):
    """A conversation with one answer, streamed or whole."""

    route = "chat"
    answer: Answer | None = None

    async def post(self) -> None:
        request = read_chat(self.body())
        model = self.service.catalogue.resolve(request.model)
        self.model_name = model.name
        payload, sent = conversation(model, request.messages, new_id)
        answer_id, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
        writer: StreamWriter | WholeWriter
        if request.stream:
            writer = StreamWriter(
                id=answer_id, created=created, model=request.model, include_usage=request.include_usage
            )
        else:
            writer = WholeWriter(id=answer_id, created=created, model=request.model)
        self.answer = Answer(self, Turn(writer, sent, stop=request.stop), writer)
        with self.service.admit(self.answer, self.route):
            await self.answer.run(self.caller_key, payload)

    def on_connection_close(self) -> None:
        if self.answer is not None:
            self.answer.client_gone()
