"""`POST /v1/chat/completions`."""

import time
import uuid
from dataclasses import dataclass

from handlers.answer import AnswerHandler, AnswerParts
from translate import Options
from translate.openai import ChatRequest, ChatStream, WholeChat, read_chat
from translate.values import AnswerFormat, Style
from turns import Prompt, TurnRequest


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What the settings say of answers: see `STYLE`, `REASONING`, `STREAM_ANNOTATIONS` and `ERROR_NOTE`."""

    style: Style
    reasoning: bool
    stream_annotations: bool
    error_note: bool


class ChatHandler(AnswerHandler):
    """A conversation with one answer, streamed or whole."""

    route = "chat"

    def initialize(self, parts: AnswerParts, chat: ChatOptions) -> None:
        """`parts` are those of every answer, `chat` says how answers to chat requests look."""
        self.parts = parts
        self.chat = chat

    async def post(self) -> None:
        """Answer a chat request. Raises ApiError while nothing was sent."""
        request = read_chat(self.body())
        model = self.parts.catalogue.resolve(request.model)
        self.check_limits(self.caller, model)
        style = Style(model.style) if model.style else self.chat.style
        turn = TurnRequest(
            self.caller,
            Prompt(model, request.messages),
            Options(request.stop, style, self.chat.reasoning),
            self.public_base(),
        )
        format = self._format(request)
        await self.respond(self.parts.turns.turn(turn, format), format)

    def _format(self, request: ChatRequest) -> AnswerFormat:
        answer_id, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
        if not request.stream:
            return WholeChat(id=answer_id, created=created, model=request.model)
        return ChatStream(
            id=answer_id,
            created=created,
            model=request.model,
            include_usage=request.include_usage,
            annotate=self.chat.stream_annotations,
            error_note=self.chat.error_note,
        )
