"""`GET /v1/models` and `GET /v1/models/{id}`; neither needs the upstream."""

from typing import Final

import ujson

from handlers.base import ApiHandler
from translate.values import Catalogue

CREATED: Final = 1702600000
"""The backend gives no date, and clients need whole seconds."""


class ModelsHandler(ApiHandler):
    """The list, in the order in which models were declared."""

    route = "models"

    def initialize(self, catalogue: Catalogue, owner: str) -> None:
        """`owner` is who owns the models, as clients show it."""
        self.catalogue = catalogue
        self.owner = owner

    def get(self) -> None:
        """All models. Raises Unauthorized."""
        self.read_caller()
        data = [self.entry(name) for name in self.catalogue.models]
        self.send_json(_dump({"object": "list", "data": data}))

    head = get

    def entry(self, name: str) -> dict[str, object]:
        """One model object under `name`, which may be an alias."""
        return {"id": name, "object": "model", "created": CREATED, "owned_by": self.owner}


class ModelHandler(ModelsHandler):
    """One model; ids arrive URL-encoded, which Tornado undoes, and may hold slashes, spaces and Chinese."""

    def get(self, name: str = "") -> None:
        """The model of this name or alias. Raises Unauthorized and NotFound."""
        self.read_caller()
        self.catalogue.resolve(name)
        self.send_json(_dump(self.entry(name)))

    head = get


def _dump(value: object) -> bytes:
    return ujson.dumps(value, escape_forward_slashes=False).encode()
