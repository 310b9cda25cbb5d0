"""The routes of responses that are kept, and those that count and compact."""

from handlers.answer import AnswerParts
from handlers.base import ApiHandler
from handlers.body import BodyHandler
from handlers.emulation import computed
from handlers.responses.pages import no_such_item, page_body, wanted_page
from handlers.responses.parts import ResponsesParts, new_id, reading, system
from handlers.responses.past import past_of
from kept import KeptResponse
from translate.openai import JsonBody, messages_of, responses_request, with_id
from translate.values import BadRequest, NotFound, json_bytes


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
        self.send_body(json_bytes(record.response))

    async def delete(self, id: str) -> None:
        """Forget it. Raises ApiError."""
        owner, store = self.owner(), self.responses.store
        if store is None or not await reading(store.delete(owner, id)):
            raise response_not_found(id)
        self.send_body(json_bytes({"id": id, "object": "response", "deleted": True}))


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
        wanted = wanted_page(self)
        record = await self.record(id)
        items = list(record.input) if wanted.order == "asc" else list(record.input)[::-1]
        if after := wanted.after:
            ids = [str(item.get("id")) for item in items]
            if after not in ids:
                raise no_such_item(after)
            items = items[ids.index(after) + 1 :]
        page = items[: wanted.limit]
        self.send_body(page_body(page, more=len(items) > len(page)))


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
        past = await past_of(self.responses, self.caller, request)
        standing = past.standing if past is not None else None
        said = await past.items() if past is not None and standing is None else ()
        messages = [*system(request.instructions), *messages_of([*said, *request.items], {})]
        toolbox, form = request.tools.toolbox, request.format
        emulated = await computed(size, emulation.of, self.caller, messages, toolbox, form)
        slug = self.parts.models.slug_of(self.caller, request.model)
        counted = await self.parts.turns.count_tokens(emulated.messages, slug) if emulated.messages else 0
        if standing is not None:
            counted += standing.tokens
        self.send_body(json_bytes({"object": "response.input_tokens", "input_tokens": counted}))


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


def response_not_found(id: str) -> NotFound:
    """There is no such response, or it is another caller's."""
    return NotFound(f"Response{with_id(id)} not found.")
