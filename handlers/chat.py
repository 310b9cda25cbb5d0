"""`POST /v1/chat/completions`."""

import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import Final

from accounts import Caller
from handlers.answer import AnswerHandler, AnswerParts
from handlers.emulation import computed
from translate import Options
from translate.openai import ChatRequest, ChatStream, JsonBody, WholeChat, chat_request
from translate.values import SEARCH, AnswerFormat, Model, Style
from turns import Prompt, Runner, TurnRequest

HEAVY: Final = ("tools", "functions", "response_format")
"""Fields that take long to read if they are large."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What the settings say of answers: see `STYLE`, `REASONING`, `THINKING_KEEPALIVE`, `STREAM_ANNOTATIONS`
    and `ERROR_NOTE`.
    """

    style: Style
    reasoning: bool
    thinking_keepalive: bool
    stream_annotations: bool
    error_note: bool

    def style_for(self, caller: Caller, model: Model) -> Style:
        """How an answer of `model` looks: as the model says, else the key, else the settings."""
        said = model.style or (caller.grant.style if caller.grant is not None else "")
        return Style(said) if said else self.style


class ChatHandler(AnswerHandler[JsonBody]):
    """A conversation with one answer, streamed or whole."""

    route = "chat"

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
        """The turn and the format of its answer. While they run, nobody else keeps the request."""
        data = await self.parsed(JsonBody.read_object)
        emulation, size = self.parts.emulation, self.whole_body().other_bytes
        tools = size if any(map(data.get, HEAVY)) else 0
        request = await computed(tools, chat_request, data, emulate=emulation.enabled)
        del data
        model = await self.resolve(request.model)
        self.check_limits(self.caller, model)
        style = self.chat.style_for(self.caller, model)
        emulated = await computed(
            tools, emulation.of, self.caller, request.messages, request.toolbox, request.format
        )
        turn = TurnRequest(
            self.caller,
            Prompt(
                model,
                emulated.messages,
                effort=request.reasoning_effort,
                hints=(SEARCH,) if request.web_search else (),
            ),
            Options(request.stop, style, self.chat.reasoning, emulated.contract),
            self.public_base(),
            on_prepared=partial(self.reservation.shrink_to, self.whole_body().other_bytes),
        )
        format = self._format(request)
        return self.parts.turns.turn(turn, format), format

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
