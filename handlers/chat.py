"""`POST /v1/chat/completions`, and `/v1/completions` of before it."""

import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import Final

from accounts import Caller
from handlers.answer import AnswerParts
from handlers.emulation import Emulated, computed
from handlers.lasting import Course, LastingHandler, Said
from handlers.sides import side_answerer
from translate import Options
from translate.openai import (
    ChatRequest,
    ChatStream,
    CompletionStream,
    JsonBody,
    WholeChat,
    WholeCompletion,
    chat_request,
    completion_request,
)
from translate.values import SEARCH, AnswerFormat, CitationForm, JsonObject, Model, Style
from turns import Prompt, Runner, TurnRequest

HEAVY: Final = ("tools", "functions", "response_format")
"""Fields that take long to read if they are large."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What the settings say of answers: see `STYLE`, `REASONING`, `THINKING_KEEPALIVE`, `STREAM_ANNOTATIONS`
    and `ERROR_NOTE`. `side_model` answers side requests, empty for none: see `SIDE_MODEL`.
    """

    style: Style
    citations: CitationForm
    reasoning: bool
    thinking_keepalive: bool
    stream_annotations: bool
    error_note: bool
    side_model: str

    def style_for(self, caller: Caller, model: Model) -> Style:
        """How an answer of `model` looks: as the model says, else the key, else the settings."""
        said = model.style or (caller.grant.style if caller.grant is not None else "")
        return Style(said) if said else self.style


class ChatHandler(LastingHandler):
    """A conversation with one answer, streamed or whole."""

    route = "chat"
    tells_units = True

    def initialize(self, parts: AnswerParts, chat: ChatOptions) -> None:
        """`parts` are those of every answer, `chat` says how answers to chat requests look."""
        self.parts = parts
        self.chat = chat

    def new_body(self) -> JsonBody:
        """JSON."""
        return JsonBody()

    async def post(self) -> None:
        """Answer a chat request. Raises ApiError while nothing was sent."""
        await self.respond(*await self._turn())

    async def _turn(self) -> tuple[Runner, AnswerFormat]:
        """What makes the answer, and its format. While it runs, nobody else keeps the request."""
        data = await self.parsed(JsonBody.read_object)
        emulation, size = self.parts.emulation, self.whole_body().other_bytes
        tools = size if any(map(data.get, HEAVY)) else 0
        request = await computed(tools, self._read, data, emulate=emulation.enabled)
        del data
        model = await self.resolve(request.model)
        side = await side_answerer(
            self, self.chat.side_model, model, request.messages, request.toolbox, streams=request.stream
        )
        model = side or model
        self.check_limits(self.caller, model)
        said = Said(request.messages, request.toolbox, request.format, tools)
        format = self._format(request)
        ask = partial(self._asked_for, request, model)
        return await self.runner(said, model, ask, format, aside=side is not None), format

    def _read(self, data: JsonObject, *, emulate: bool) -> ChatRequest:
        return chat_request(data, emulate=emulate)

    def _asked_for(
        self, request: ChatRequest, model: Model, course: Course, emulated: Emulated
    ) -> TurnRequest:
        style = self.chat.style_for(self.caller, model)
        return TurnRequest(
            self.caller,
            Prompt(
                model,
                emulated.messages,
                effort=request.reasoning_effort,
                hints=(SEARCH,) if request.web_search else (),
                place=course.place,
                home=course.home,
                lasting=course.lasting,
            ),
            Options(
                request.stop,
                style,
                self.chat.reasoning,
                emulated.contract,
                citations=self.chat.citations,
            ),
            self.public_base(),
            trace=self.trace,
        )

    def _format(self, request: ChatRequest) -> AnswerFormat:
        answer_id, created = f"chatcmpl-{secrets.token_hex(16)}", int(time.time())
        if not request.stream:
            return WholeChat(id=answer_id, created=created, model=request.model, old_calls=request.old_calls)
        return ChatStream(
            id=answer_id,
            created=created,
            model=request.model,
            include_usage=request.include_usage,
            annotate=self.chat.stream_annotations or request.web_search,
            error_note=self.chat.error_note,
            thinking=self.chat.thinking_keepalive,
            old_calls=request.old_calls,
        )


class CompletionsHandler(ChatHandler):
    """A text that is answered as a conversation of one message; without tools and forms."""

    def _read(self, data: JsonObject, *, emulate: bool) -> ChatRequest:
        return completion_request(data)

    def _format(self, request: ChatRequest) -> AnswerFormat:
        answer_id, created = f"cmpl-{secrets.token_hex(16)}", int(time.time())
        if not request.stream:
            return WholeCompletion(id=answer_id, created=created, model=request.model)
        return CompletionStream(
            id=answer_id,
            created=created,
            model=request.model,
            include_usage=request.include_usage,
            error_note=self.chat.error_note,
        )
