"""`POST /v1/messages` and `/v1/messages/count_tokens`: Anthropic's Messages API, as Claude Code speaks it."""

import secrets
from functools import partial
from typing import Final

from handlers.answer import AnswerParts
from handlers.anthropic_api import AnthropicHandler
from handlers.base import ApiHandler, UnknownPath
from handlers.body import BodyHandler
from handlers.chat import ChatOptions
from handlers.emulation import Emulated, computed
from handlers.lasting import Course, LastingHandler, Said
from handlers.sides import side_answerer
from translate import Options
from translate.anthropic import MessagesRequest, MessagesStream, WholeMessage, messages_request
from translate.openai import JsonBody
from translate.values import SEARCH, AnswerFormat, Model, Usage, json_bytes
from turns import Prompt, Runner, TurnRequest

CHARACTERS_PER_TOKEN: Final = 4
"""Of English text and code, about: what a stream begins with is not counted, as that would take a while."""


class PromptHandler(AnthropicHandler, BodyHandler[JsonBody]):
    """A route whose requests are those of the Messages API."""

    parts: AnswerParts
    """Set by `initialize` of the handler."""

    def new_body(self) -> JsonBody:
        """JSON."""
        return JsonBody()

    async def read_prompt(self, *, counted_only: bool = False) -> tuple[MessagesRequest, Said]:
        """The request, and what it says. Raises ApiError."""
        data = await self.parsed(JsonBody.read_object)
        emulation = self.parts.emulation
        tools = self.whole_body().other_bytes if "tools" in data or "output_config" in data else 0
        request = await computed(
            tools, messages_request, data, emulate=emulation.enabled, counted_only=counted_only
        )
        return request, Said(request.messages, request.toolbox, request.format, tools)


class MessagesHandler(PromptHandler, LastingHandler):
    """A conversation with one message in answer, streamed or whole."""

    route = "messages"

    def initialize(self, parts: AnswerParts, chat: ChatOptions) -> None:
        """`parts` are those of every answer, `chat` says how answers look."""
        self.parts = parts
        self.chat = chat

    async def post(self) -> None:
        """Answer a request. Raises ApiError while nothing was sent."""
        await self.respond(*await self._turn())

    async def _turn(self) -> tuple[Runner, AnswerFormat]:
        """What makes the answer, and its format. While it runs, nobody else keeps the request."""
        request, said = await self.read_prompt()
        model = await self.resolve(request.model)
        side = await side_answerer(
            self, self.chat.side_model, model, said.messages, said.toolbox, streams=request.stream
        )
        model = side or model
        self.check_limits(self.caller, model)
        self.window = _expected_tokens(said), _context(model)
        format = self._format(request)
        ask = partial(self._asked_for, request, model)
        return await self.runner(said, model, ask, format, aside=side is not None), format

    def _asked_for(
        self, request: MessagesRequest, model: Model, course: Course, emulated: Emulated
    ) -> TurnRequest:
        style = self.chat.style_for(self.caller, model)
        return TurnRequest(
            self.caller,
            Prompt(
                model,
                emulated.messages,
                effort=request.effort,
                hints=(SEARCH,) if request.web_search else (),
                place=course.place,
                home=course.home,
                lasting=course.lasting,
            ),
            Options(
                request.stop,
                style,
                request.reasoning,
                emulated.contract,
                citations=self.chat.citations,
            ),
            self.public_base(),
            trace=self.trace,
        )

    def _format(self, request: MessagesRequest) -> AnswerFormat:
        message_id, errors = f"msg_{secrets.token_hex(12)}", self.envelope()
        if not request.stream:
            return WholeMessage(id=message_id, model=request.model, errors=errors)
        expected = Usage(errors.tokens, 1)
        return MessagesStream(id=message_id, model=request.model, expected=expected, errors=errors)


class CountTokensHandler(PromptHandler):
    """How many tokens a request would have; nothing is sent to the backend."""

    route = "tokens"

    def initialize(self, parts: AnswerParts) -> None:
        """`parts` are those of every answer."""
        self.parts = parts

    async def post(self) -> None:
        """Count. Raises ApiError."""
        request, said = await self.read_prompt(counted_only=True)
        emulated = await computed(
            said.size, self.parts.emulation.of, self.caller, said.messages, said.toolbox, said.format
        )
        slug = self.parts.models.slug_of(self.caller, request.model)
        counted = await self.parts.turns.count_tokens(emulated.messages, slug)
        self.send_body(json_bytes({"input_tokens": counted}))


class UnknownMessagesPath(AnthropicHandler, UnknownPath):
    """404 for what Anthropic's API has and this service has not, such as batches."""


class HelloHandler(ApiHandler):
    """What Claude Code asks for before it begins, to see that somebody is there."""

    route = "probe"

    def get(self) -> None:
        """200, always."""
        self.send_body(b"{}")

    head = get


def _expected_tokens(said: Said) -> int:
    characters = max(said.size, sum(len(message.text) for message in said.messages))
    return max(1, characters // CHARACTERS_PER_TOKEN)


def _context(model: Model) -> int:
    """How many tokens the model reads; 0 if the backend does not say."""
    return model.listed.context if model.listed is not None else 0
