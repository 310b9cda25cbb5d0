"""`POST /v1/responses`."""

import copy
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from accounts import Caller, Credential
from handlers.answer import AnswerHandler, AnswerParts
from handlers.chat import ChatOptions
from handlers.continuing import CONTINUED, CONVERSATION_HEADER, NEW, lasts, may_use
from handlers.emulation import LARGE, Emulated, computed
from handlers.responses.keeping import Asked, Course, Keeping
from handlers.responses.parts import ResponsesParts, alone, conversation_full, new_id, system, whole_items
from handlers.responses.past import ConversationPast, Past, past_of
from handlers.responses.recognised import RecognisedPast, recognised_past
from handlers.sides import side_answerer
from kept import Standing
from translate import Options
from translate.openai import (
    JsonBody,
    ResponseDraft,
    ResponseFacts,
    ResponsesRequest,
    ResponseStream,
    WholeResponse,
    check_outputs,
    messages_of,
    references,
    responses_request,
    settled,
)
from translate.values import (
    AnswerFormat,
    ApiError,
    BadRequest,
    ChatMessage,
    JsonObject,
    Model,
    Native,
)
from turns import Answered, ChainedRunner, Prompt, Runner, TurnOutcome, TurnRequest

REPLACES: Final = "These instructions replace all earlier ones:"
PROGRAM: Final = "Run a Python program of your own to find the answer."
"""What the backend is told where its Python is chosen, for which it has no other way of asking."""
LONGEST_WAIT: Final = 60.0
"""Seconds. Codex sends what was refused again and again if it is told a wait: a longer one is not told."""
HEAVY: Final = ("tools", "text")
"""Fields that take long to read if they are large."""


class ResponsesHandler(AnswerHandler[JsonBody]):
    """A response, streamed or whole, perhaps one that follows another."""

    route = "responses"
    fails_within = True

    def initialize(self, parts: AnswerParts, chat: ChatOptions, responses: ResponsesParts) -> None:
        """`parts` are those of every answer; `chat` says how answers look."""
        self.parts = parts
        self.chat = chat
        self.responses = responses

    def new_body(self) -> JsonBody:
        """JSON."""
        return JsonBody()

    async def post(self) -> None:
        """Answer a request. Raises ApiError while nothing was sent."""
        with ExitStack() as meanwhile:
            await self.respond(*await self._turn(meanwhile))

    def send_api_error(self, error: ApiError, body: bytes | None = None) -> None:
        """See `ApiHandler`."""
        if (error.retry_after or 0.0) > LONGEST_WAIT:
            error = copy.copy(error)
            error.retry_after = None
        super().send_api_error(error, body)

    async def _turn(self, meanwhile: ExitStack) -> tuple[ChainedRunner, AnswerFormat]:
        """What makes the answer, and its format; `meanwhile` nobody else answers in its conversation."""
        data = await self.parsed(JsonBody.read_object)
        size = self.whole_body().other_bytes if any(map(data.get, HEAVY)) else 0
        emulate = self.parts.emulation.enabled
        request = await computed(size, responses_request, data, new_id, emulate=emulate)
        del data
        model = await self.resolve(request.model)
        said = side = None
        if not _follows_kept(request):
            said = await self._messages(self.body_bytes, request.items, {})
            side = await self._side_answerer(request, model, said)
        model = side or model
        self.check_limits(self.caller, model)
        if request.conversation:
            meanwhile.enter_context(alone(self.responses, self.caller, request.conversation))
        asked = await self._asked(request, model)
        if said is None:
            bytes_said = LARGE if references(request.items) else self.body_bytes  # kept items may be long
            said = await self._messages(bytes_said, asked.items, asked.called)
        if side is None:
            asked = await self._recognised(asked, said)
        course = await self._course(asked, said, size)
        draft = ResponseDraft(self._facts(asked, course), new_id, time.time)
        format = ResponseStream(draft) if request.stream else WholeResponse(draft)
        again = None
        self.set_header(CONVERSATION_HEADER, NEW if course.place is None else CONTINUED)
        if asked.past is not None and course.place is not None:
            again = partial(self._begin_anew, asked, asked.past, course, draft, format)
        keep = partial(self._keep, asked, course, draft) if self._lasts(asked) else None
        return ChainedRunner(self._new_turn(asked, course, format), again, keep), format

    async def _messages(
        self, size: int, items: Sequence[JsonObject], called: Mapping[str, str]
    ) -> tuple[ChatMessage, ...]:
        """What items of so many bytes say to the model; see `messages_of`. It is not kept while the answer is
        made: it has copies of texts in several parts.
        """
        return await computed(size, messages_of, items, called)

    async def _side_answerer(
        self, request: ResponsesRequest, model: Model, said: Sequence[ChatMessage]
    ) -> Model | None:
        """See `side_answerer`; the request follows nothing that is kept here, and its items are `said`."""
        messages = [*system(request.instructions), *said]
        return await side_answerer(
            self, self.chat.side_model, model, messages, request.tools.toolbox, streams=request.stream
        )

    def _is_kept(self, asked: Asked) -> bool:
        """Whether something is kept of what is said."""
        request = asked.request
        return self.responses.store is not None and (request.store or bool(request.conversation))

    def _lasts(self, asked: Asked) -> bool:
        """Whether others may go on after the response."""
        return self._is_kept(asked) or asked.history is not None

    async def _recognised(self, asked: Asked, said: Sequence[ChatMessage]) -> Asked:
        """With what the request goes on behind, if its items, which are `said`, are all that was, and the
        backend has that.
        """
        lasting, instructions = self.parts.lasting, asked.request.instructions
        if asked.past is not None or lasting is None or not lasts(self.caller):
            return asked
        history = await lasting.history(asked.model, [*system(instructions), *said])
        node, past = await lasting.find(self.caller, asked.model, history), None
        if node is not None:
            past = recognised_past(node, history.new, asked.model, instructions, asked.items)
        return replace(asked, past=past, history=history)

    async def _keep(
        self, asked: Asked, course: Course, draft: ResponseDraft, outcome: TurnOutcome
    ) -> TurnOutcome:
        """Keep what others need to go on after the answer."""
        lasting, store = self.parts.lasting, self.responses.store
        if self._is_kept(asked) and store is not None:
            owner = self.responses.keys.digest(self.caller)
            outcome = await Keeping(store, owner, asked, course, draft).keep(outcome)
        if asked.history is not None and lasting is not None and outcome.end is not None:
            told = course.told(asked.past, draft.tokens(outcome.end.usage))
            await lasting.keep(self.caller, asked.history.whole, outcome.end, course.answered, told)
        return outcome

    async def _asked(self, request: ResponsesRequest, model: Model) -> Asked:
        """The request with what it refers to. Raises ApiError."""
        past = await past_of(self.responses, self.caller, request)
        items = await whole_items(self.responses, self.caller, request.items)
        if isinstance(past, ConversationPast):
            if past.kept.room < self.body_bytes or past.kept.free <= len(items):
                raise conversation_full()
            items = settled(items, new_id)
        asked = Asked(request, model, items, past)
        check_outputs(items, asked.called)
        return asked

    def _facts(self, asked: Asked, course: Course) -> ResponseFacts:
        request, standing = asked.request, asked.past.standing if asked.past is not None else None
        return ResponseFacts(
            id=new_id("resp"),
            created=int(time.time()),
            model=request.model,
            store=request.store and self.responses.store is not None,
            echo=request.echo,
            conversation=request.conversation,
            earlier_tokens=standing.tokens if standing is not None and course.place is not None else 0,
            spaces=request.tools.spaces,
            native=request.tools.native,
            container=new_id("cntr"),
            files=f"{self.public_base()}/files/" if Native.CODE_INTERPRETER in request.tools.native else "",
        )

    async def _course(self, asked: Asked, said: Sequence[ChatMessage], size: int) -> Course:
        """How the answer to what is `said` is made first: where the earlier one was, if the backend's
        conversation is known.
        """
        past, request = asked.past, asked.request
        if not said and not request.conversation:
            raise nothing_to_answer()
        if past is None:
            return Course(await self._emulated(asked, [*system(request.instructions), *said], size))
        standing = past.standing
        if isinstance(past, RecognisedPast):
            said = said[-past.new :]
        if not said or standing is None or not goes_on(standing, asked.model, self.caller):
            return await self._whole_course(asked, past, said)
        instructions = request.instructions if request.instructions != standing.instructions else ""
        if instructions and standing.instructions:
            instructions = f"{REPLACES}\n\n{instructions}"
        emulated = await self._emulated(
            asked, [*system(instructions), *said], size, standing.nonce, known=standing.told
        )
        return Course(emulated, standing.place, standing.account)

    async def _whole_course(self, asked: Asked, past: Past, said: Sequence[ChatMessage] = ()) -> Course:
        """How the answer is made of all that was said before. `said` are the messages of the request's own
        items, if they are there. Raises ApiError.
        """
        earlier = await past.items()
        if earlier or not said:
            bytes_said = LARGE if earlier else self.body_bytes
            said = await self._messages(bytes_said, [*earlier, *asked.items], {})
        if not said:
            raise nothing_to_answer()
        messages = [*system(asked.request.instructions), *said]
        size = sum(len(message.text) for message in messages)
        nonce = past.standing.nonce if past.standing is not None else ""
        return Course(await self._emulated(asked, messages, size, nonce))

    async def _emulated(
        self, asked: Asked, messages: Sequence[ChatMessage], size: int, nonce: str = "", *, known: str = ""
    ) -> Emulated:
        emulate, toolbox, form = self.parts.emulation.of, asked.request.tools.toolbox, asked.request.format
        if asked.request.tools.program:
            *earlier, last = messages
            messages = [*earlier, replace(last, text=f"{last.text}\n\n{PROGRAM}".lstrip())]
        return await computed(size, emulate, self.caller, messages, toolbox, form, nonce, known=known)

    def _new_turn(self, asked: Asked, course: Course, format: AnswerFormat) -> Runner:
        request, model = asked.request, asked.model
        lasting = self._lasts(asked)
        holds_input = self._is_kept(asked) or course.place is not None

        async def note(credential: Credential, answered: Answered) -> None:
            course.answered = answered

        style = self.chat.style_for(self.caller, model)
        turn = TurnRequest(
            self.caller,
            Prompt(
                model,
                course.emulated.messages,
                effort=request.effort,
                hints=request.tools.hints,
                place=course.place,
                home=course.home,
                lasting=lasting,
            ),
            Options(
                (),
                style,
                request.reasoning,
                course.emulated.contract,
                request.tools.native,
                self.chat.citations,
            ),
            self.public_base(),
            inline_pictures=self.hold() if Native.IMAGE_GENERATION in request.tools.native else None,
            on_prepared=(lambda: None)
            if holds_input
            else partial(self.reservation.shrink_to, self.whole_body().other_bytes),
            afterwards=note if lasting else None,
            trace=self.trace,
        )
        return self.parts.turns.turn(turn, format)

    async def _begin_anew(
        self,
        asked: Asked,
        past: Past,
        course: Course,
        draft: ResponseDraft,
        format: AnswerFormat,
        gone: bool,
    ) -> Runner:
        """Say all again in a new conversation; the one before may be `gone`. Raises ApiError."""
        if gone and isinstance(past, RecognisedPast) and self.parts.lasting is not None:
            await self.parts.lasting.forget(past.node)
        anew = await self._whole_course(asked, past)
        course.emulated, course.place, course.home = anew.emulated, None, ""
        draft.earlier_tokens = 0
        self.set_header(CONVERSATION_HEADER, NEW)
        return self._new_turn(asked, course, format)


def _follows_kept(request: ResponsesRequest) -> bool:
    """Whether the request refers to something that is kept here; then it is a person's."""
    return bool(request.previous_id or request.conversation or references(request.items))


def goes_on(standing: Standing, model: Model, caller: Caller) -> bool:
    """Whether `model` may go on there in the backend's conversation: a GPT stays in its own."""
    allowed = may_use(caller, standing.account)
    return standing.place is not None and allowed and standing.gizmo == model.gizmo_id


def nothing_to_answer() -> BadRequest:
    """Nobody has said anything."""
    return BadRequest("The input holds nothing to answer.", param="input")
