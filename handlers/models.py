"""`GET /v1/models` and `GET /v1/models/{id}`: the models that everybody may use, and those of the key.

Who sends the header `anthropic-version` gets them as Anthropic lists models, all others as OpenAI does.
"""

from contextlib import suppress
from typing import Final

from access import KeyVerdict
from accounts import Caller
from catalogue import CallerModels
from handlers.anthropic_api import VERSION_HEADER, AnthropicHandler
from translate.anthropic import model_list, model_object
from translate.values import ApiError, JsonObject, ListedModel, json_bytes, reasoning_efforts

CREATED: Final = 1702600000
"""The backend gives no date, and clients need whole seconds."""
CREATED_AT: Final = "2023-12-15T00:26:40Z"
"""The same time."""


class ModelsHandler(AnthropicHandler):
    """The list, in the order in which models were declared, then in that of the backend."""

    route = "models"

    def initialize(self, models: CallerModels, owner: str) -> None:
        """`owner` is who owns the models, as clients show it."""
        self.models = models
        self.owner = owner

    @property
    def anthropic(self) -> bool:
        """See `AnthropicHandler`."""
        return VERSION_HEADER in self.request.headers

    async def get(self) -> None:
        """All models. Raises Unauthorized."""
        caller = self.read_caller()
        await self.ask_for_list(caller)
        offered = self.models.offered(caller)
        data = [self.entry(name, model.listed) for name, model in offered.items()]
        self.send_body(json_bytes(model_list(data) if self.anthropic else {"object": "list", "data": data}))

    head = get

    async def ask_for_list(self, caller: Caller, name: str = "") -> None:
        """Wait a moment for the backend's list, if it matters for `name`, or for all names without one.

        Whoever is not let through to the backend sees the models that everybody may use.
        """
        if not self.models.waits_for_list(caller, name):
            return
        with suppress(ApiError), self.let_in(caller) as visit:
            listed = await self.models.wait_for_list(caller)
            # A list is no proof of a key: a proxy may give the same one to everybody.
            visit.verdict = KeyVerdict.NOTHING if listed else KeyVerdict.DOUBTFUL

    def entry(self, name: str, listed: ListedModel | None) -> JsonObject:
        """One model object under `name`, which may be an alias, with what the backend lists of it."""
        if self.anthropic:
            return model_object(name, CREATED_AT, listed)
        entry: dict[str, object] = {"id": name, "object": "model", "created": CREATED, "owned_by": self.owner}
        if listed is None:
            return entry
        if listed.title:
            entry["name"] = listed.title
        if listed.context:
            entry["context_window"] = entry["max_context_length"] = listed.context
        if efforts := reasoning_efforts(listed):
            entry["reasoning_efforts"] = efforts
        return entry


class ModelHandler(ModelsHandler):
    """One model; ids arrive URL-encoded, which Tornado undoes, and may hold slashes, spaces and Chinese."""

    async def get(self, name: str = "") -> None:
        """The model of this name or alias. Raises Unauthorized and NotFound."""
        caller = self.read_caller()
        await self.ask_for_list(caller, name)
        self.send_body(json_bytes(self.entry(name, self.models.resolve(caller, name).listed)))

    head = get
