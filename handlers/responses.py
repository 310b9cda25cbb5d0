"""`POST /v1/responses` and the routes of responses that are kept."""

import copy
import logging
import secrets
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

import ujson

from accounts import Caller, Credential
from handlers.answer import AnswerHandler, AnswerParts
from handlers.base import ApiHandler
from handlers.body import BodyHandler
from handlers.chat import ChatOptions
from handlers.emulation import Emulated, computed
from kept import KeepingFailed, KeptResponse, ResponseStore
from ledger import KeyNames
from translate import Options
from translate.openai import (
    JsonBody,
    ResponseDraft,
    ResponseFacts,
    ResponsesRequest,
    ResponseStream,
    WholeResponse,
    calls_in,
    check_outputs,
    messages_of,
    references,
    resolved,
    responses_request,
    with_id,
)
from translate.values import (
    AnswerEnd,
    AnswerFormat,
    ApiError,
    BadRequest,
    ChatMessage,
    JsonObject,
    Model,
    Native,
    NotFound,
    Overloaded,
    Place,
    objects_at,
)
from turns import Answered, ChainedRunner, Prompt, Runner, TurnOutcome, TurnRequest

T = TypeVar("T")

log = logging.getLogger("pandora")

REPLACES: Final = "These instructions replace all earlier ones:"
PROGRAM: Final = "Run a Python program of your own to find the answer."
"""What the backend is told where its Python is chosen, for which it has no other way of asking."""
LONGEST_WAIT: Final = 60.0
"""Seconds. Codex sends what was refused again and again if it is told a wait: a longer one is not told."""
MAX_CHAIN_BYTES: Final = 64 << 20
"""What the responses of a chain may take together that is said again, with what is attached to them."""
MAX_CALLS: Final = 1000
"""Calls of a chain whose tools are remembered: the last ones."""
HEAVY: Final = ("tools", "text")
"""Fields that take long to read if they are large."""
PAGE: Final = 20
MAX_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class ResponsesParts:
    """What the routes of responses work with beside what all answers do.

    `store` keeps responses, None if nothing is kept; `keys` name callers there. At most `longest_chain`
    responses are said again where the backend has lost their conversation.
    """

    store: ResponseStore | None
    keys: KeyNames
    longest_chain: int = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what it follows. `items` are its own ones, with those in place that it only names."""

    request: ResponsesRequest
    model: Model
    items: tuple[JsonObject, ...]
    earlier: KeptResponse | None

    @property
    def called(self) -> Mapping[str, str]:
        """The tools that were called before, by the ids of the calls."""
        return self.earlier.calls if self.earlier is not None else {}


@dataclass(slots=True)
class Course:
    """How an answer is made: what the backend is told, and at which `place` if it goes on in a conversation
    that there was; then where the answer is.
    """

    emulated: Emulated
    place: Place | None = None
    answered: Answered | None = None


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
        await self.respond(*await self._turn())

    def send_api_error(self, error: ApiError, body: bytes | None = None) -> None:
        """See `ApiHandler`."""
        if (error.retry_after or 0.0) > LONGEST_WAIT:
            error = copy.copy(error)
            error.retry_after = None
        super().send_api_error(error, body)

    async def _turn(self) -> tuple[ChainedRunner, AnswerFormat]:
        """What makes the answer, and its format."""
        data = await self.parsed(JsonBody.read_object)
        size = self.whole_body().other_bytes if any(map(data.get, HEAVY)) else 0
        emulate = self.parts.emulation.enabled
        request = await computed(size, responses_request, data, new_id, emulate=emulate)
        del data
        model = await self.resolve(request.model)
        self.check_limits(self.caller, model)
        asked = await self._asked(request, model)
        keeps = request.store and self.responses.store is not None
        draft = ResponseDraft(self._facts(asked, store=keeps), new_id, time.time)
        format = ResponseStream(draft) if request.stream else WholeResponse(draft)
        course = await self._course(asked, size)
        again = None
        if asked.earlier is not None and course.place is not None:
            again = partial(self._begin_anew, asked, asked.earlier, course, format)
        keep = partial(self._keep, asked, course, draft) if keeps else None
        return ChainedRunner(self._new_turn(asked, course, format), again, keep), format

    async def _asked(self, request: ResponsesRequest, model: Model) -> Asked:
        """The request with what it refers to. Raises ApiError."""
        earlier = (
            await previous(self.responses, self.caller, request.previous_id) if request.previous_id else None
        )
        items = request.items
        if named := references(items):
            store, owner = self.responses.store, self.responses.keys.digest(self.caller)
            found = await reading(store.output_items(owner, named)) if store is not None else {}
            items = resolved(items, found)
        asked = Asked(request, model, items, earlier)
        check_outputs(items, asked.called)
        return asked

    def _facts(self, asked: Asked, *, store: bool) -> ResponseFacts:
        request = asked.request
        return ResponseFacts(
            id=new_id("resp"),
            created=int(time.time()),
            model=request.model,
            store=store,
            echo=request.echo,
            earlier_tokens=asked.earlier.tokens if asked.earlier is not None else 0,
            spaces=request.tools.spaces,
            native=request.tools.native,
            container=new_id("cntr"),
            files=f"{self.public_base()}/files/" if Native.CODE_INTERPRETER in request.tools.native else "",
        )

    async def _course(self, asked: Asked, size: int) -> Course:
        """How the answer is made first: where the earlier one was, if the backend's conversation is known."""
        earlier, request = asked.earlier, asked.request
        said = messages_of(asked.items, asked.called)
        if not said:
            raise BadRequest("The input holds nothing to answer.", param="input")
        if earlier is None:
            return Course(await self._emulated(asked, [*system(request.instructions), *said], size))
        if earlier.place is None or not goes_on(earlier, asked.model, self.caller):
            return await self._whole_course(asked, earlier)
        instructions = request.instructions if request.instructions != earlier.instructions else ""
        if instructions and earlier.instructions:
            instructions = f"{REPLACES}\n\n{instructions}"
        emulated = await self._emulated(
            asked, [*system(instructions), *said], size, earlier.nonce, known=earlier.told
        )
        return Course(emulated, earlier.place)

    async def _whole_course(self, asked: Asked, earlier: KeptResponse) -> Course:
        """How the answer is made of all that was said in the chain. Raises ApiError."""
        items: list[JsonObject] = []
        for record in await self._chain(earlier):
            items += [*record.input, *record.output]
        said = messages_of([*items, *asked.items], {})
        messages = [*system(asked.request.instructions), *said]
        size = sum(len(message.text) for message in messages)
        return Course(await self._emulated(asked, messages, size, earlier.nonce))

    async def _chain(self, latest: KeptResponse) -> Sequence[KeptResponse]:
        """All responses of a chain, the oldest first. Raises BadRequest, Overloaded."""
        chain, size = [latest], latest.size
        while before := chain[-1].previous_id:
            chain.append(await previous(self.responses, self.caller, before))
            size += chain[-1].size
            if len(chain) > self.responses.longest_chain or size > MAX_CHAIN_BYTES:
                raise BadRequest(
                    "The backend has lost the conversation, and it is too long to be said again.",
                    param="previous_response_id",
                    code="context_length_exceeded",
                )
        return chain[::-1]

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
        keeps = request.store and self.responses.store is not None
        holds_input = keeps or course.place is not None

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
                lasting=keeps,
            ),
            Options((), style, request.reasoning, course.emulated.contract, native=request.tools.native),
            self.public_base(),
            inline_pictures=self.hold() if Native.IMAGE_GENERATION in request.tools.native else None,
            on_prepared=(lambda: None)
            if holds_input
            else partial(self.reservation.shrink_to, self.whole_body().other_bytes),
            afterwards=note if keeps else None,
        )
        return self.parts.turns.turn(turn, format)

    async def _begin_anew(
        self, asked: Asked, earlier: KeptResponse, course: Course, format: AnswerFormat
    ) -> Runner:
        """Say all again in a new conversation. Raises ApiError."""
        anew = await self._whole_course(asked, earlier)
        course.emulated, course.place = anew.emulated, None
        return self._new_turn(asked, course, format)

    async def _keep(self, asked: Asked, course: Course, draft: ResponseDraft, outcome: TurnOutcome) -> None:
        """Keep the response before the client has its end; if that fails, the response says so."""
        store, end = self.responses.store, outcome.end
        if store is None or end is None:
            return
        try:
            await store.put(self._record(asked, course, draft, end))
        except KeepingFailed as error:
            log.error("a response could not be kept: %s", error)
            draft.store = False

    def _record(self, asked: Asked, course: Course, draft: ResponseDraft, end: AnswerEnd) -> KeptResponse:
        response = without_pictures(ujson.loads(draft.finished(end)))
        earlier, emulated, answered = asked.earlier, course.emulated, course.answered
        went_on = earlier is not None and course.place is not None
        record = KeptResponse(
            id=str(response["id"]),
            owner=self.responses.keys.digest(self.caller),
            at=time.time(),
            previous_id=earlier.id if earlier is not None else "",
            model=asked.model.name,
            gizmo=asked.model.gizmo_id,
            response=response,
            input=asked.items,
            account=answered.home if answered is not None else "",
            conversation_id=answered.conversation_id if answered is not None else "",
            message_id=answered.message_id if answered is not None else "",
            instructions=asked.request.instructions or (earlier.instructions if went_on and earlier else ""),
            told=emulated.told or (earlier.told if went_on and earlier else ""),
            nonce=emulated.nonce or (earlier.nonce if earlier is not None else ""),
            calls={},
            tokens=draft.tokens(end.usage),
        )
        calls = {**asked.called, **calls_in(asked.items), **calls_in(record.output)}
        return record.with_calls(dict(list(calls.items())[-MAX_CALLS:]))


class KeptHandler(ApiHandler):
    """What the routes of one kept response have in common."""

    route = "responses"

    def initialize(self, responses: ResponsesParts) -> None:
        """`responses` has the store."""
        self.responses = responses

    async def record(self, id: str) -> KeptResponse:
        """The caller's response of that id. Raises ApiError."""
        owner, store = self.owner(), self.responses.store
        found = await reading(store.get(owner, id)) if store is not None else None
        if found is None:
            raise response_not_found(id)
        return found

    def owner(self) -> str:
        """What stands for the caller. Raises Unauthorized."""
        caller = self.read_caller()
        self.common.doorkeeper.check_key(caller)
        return self.responses.keys.digest(caller)


class ResponseHandler(KeptHandler):
    """`GET` and `DELETE /v1/responses/{id}`."""

    async def get(self, id: str) -> None:
        """The response as it was. Raises ApiError."""
        record = await self.record(id)
        if self.get_query_argument("stream", "false").lower() not in ("false", "0", ""):
            raise BadRequest("Only responses in the background can be streamed later.", param="stream")
        self.send_body(dumped(record.response))

    async def delete(self, id: str) -> None:
        """Forget it. Raises ApiError."""
        owner, store = self.owner(), self.responses.store
        if store is None or not await reading(store.delete(owner, id)):
            raise response_not_found(id)
        self.send_body(dumped({"id": id, "object": "response", "deleted": True}))


class CancelHandler(KeptHandler):
    """`POST /v1/responses/{id}/cancel`."""

    async def post(self, id: str) -> None:
        """Refuse: there are none in the background. Raises ApiError."""
        await self.record(id)
        raise BadRequest("Only responses in the background can be cancelled.", param="response_id")


class InputItemsHandler(KeptHandler):
    """`GET /v1/responses/{id}/input_items`."""

    async def get(self, id: str) -> None:
        """The items that the response was asked with, the newest first. Raises ApiError."""
        limit = self._limit()
        order = self.get_query_argument("order", "desc")
        if order not in ("asc", "desc"):
            raise BadRequest("Invalid value for 'order': supported are asc and desc.", param="order")
        after = self.get_query_argument("after", "")
        record = await self.record(id)
        items = list(record.input) if order == "asc" else list(record.input)[::-1]
        ids = [str(item.get("id")) for item in items]
        if after:
            if after not in ids:
                raise BadRequest(f"There is no input item{with_id(after)}.", param="after")
            items = items[ids.index(after) + 1 :]
        page = items[:limit]
        self.send_body(
            dumped(
                {
                    "object": "list",
                    "data": page,
                    "first_id": page[0]["id"] if page else None,
                    "last_id": page[-1]["id"] if page else None,
                    "has_more": len(items) > len(page),
                }
            )
        )

    def _limit(self) -> int:
        given = self.get_query_argument("limit", str(PAGE))
        if not (given.isascii() and given.isdigit() and len(given) < 4 and 1 <= int(given) <= MAX_PAGE):
            raise BadRequest(f"Invalid 'limit': expected 1 to {MAX_PAGE}.", param="limit")
        return int(given)


class InputTokensHandler(BodyHandler[JsonBody]):
    """`POST /v1/responses/input_tokens`; nothing is sent to the backend."""

    route = "tokens"

    def initialize(self, parts: AnswerParts, responses: ResponsesParts) -> None:
        """`parts` are those of every answer, `responses` has the store."""
        self.parts = parts
        self.responses = responses

    def new_body(self) -> JsonBody:
        """JSON."""
        return JsonBody()

    async def post(self) -> None:
        """How many tokens a request would have, with all that it follows. Raises ApiError."""
        data = await self.parsed(JsonBody.read_object)
        emulation = self.parts.emulation
        size = self.whole_body().other_bytes
        request = await computed(
            size, responses_request, data, new_id, emulate=emulation.enabled, counted_only=True
        )
        messages = [*system(request.instructions), *messages_of(request.items, {})]
        toolbox, form = request.tools.toolbox, request.format
        emulated = await computed(size, emulation.of, self.caller, messages, toolbox, form)
        counted = await self.parts.turns.count_tokens(emulated.messages) if emulated.messages else 0
        if request.previous_id:
            counted += (await previous(self.responses, self.caller, request.previous_id)).tokens
        self.send_body(dumped({"object": "response.input_tokens", "input_tokens": counted}))


class CompactHandler(BodyHandler[JsonBody]):
    """`POST /v1/responses/compact`, which is not offered."""

    route = "responses"

    def initialize(self) -> None:
        """Nothing is needed."""

    def new_body(self) -> JsonBody:
        """JSON."""
        return JsonBody()

    async def post(self) -> None:
        """Refuse. Raises BadRequest without a model, NotFound else."""
        if not (await self.parsed(JsonBody.read_object)).get("model"):
            raise BadRequest("You must provide a model parameter.", param="model")
        raise NotFound("Responses cannot be compacted here.", code="unknown_url")


def new_id(prefix: str) -> str:
    """A fresh id, such as `resp_` and 48 hexadecimal digits."""
    return f"{prefix}_{secrets.token_hex(24)}"


def system(instructions: str) -> list[ChatMessage]:
    """The instructions as a message, if there are any."""
    return [ChatMessage("system", instructions)] if instructions else []


def without_pictures(response: JsonObject) -> JsonObject:
    """The response as it is kept: pictures are megabytes each, and are shown once."""
    for item in objects_at(response, "output"):
        if item.get("type") == "image_generation_call":
            item["result"] = None
    return response


def goes_on(earlier: KeptResponse, model: Model, caller: Caller) -> bool:
    """Whether `model` may go on in the conversation of `earlier`: a GPT stays in its own."""
    homes = (caller.own.digest,) if caller.grant is None else caller.grant.accounts
    return earlier.account in homes and earlier.gizmo == model.gizmo_id


def response_not_found(id: str) -> NotFound:
    """There is no such response, or it is another caller's."""
    return NotFound(f"Response{with_id(id)} not found.")


async def previous(responses: ResponsesParts, caller: Caller, id: str) -> KeptResponse:
    """A kept response of the caller that is followed. Raises BadRequest, Overloaded."""
    store = responses.store
    found = await reading(store.get(responses.keys.digest(caller), id)) if store is not None else None
    if found is None:
        raise BadRequest(
            f"Previous response{with_id(id)} not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    return found


async def reading(found: Awaitable[T]) -> T:
    """What the store gives. Raises Overloaded if it cannot be read now."""
    try:
        return await found
    except KeepingFailed as error:
        log.error("kept responses cannot be read: %s", error)
        raise Overloaded("Kept responses cannot be read now. Try again later.", retry_after=2) from None


def dumped(value: object) -> bytes:
    """JSON."""
    return ujson.dumps(value, escape_forward_slashes=False).encode()
