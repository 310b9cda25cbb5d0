"""``GET /v1/models`` and ``GET /v1/models/{id}``; neither needs the upstream."""

import ujson

from handlers.base import ApiHandler

CREATED = 1702600000
"""The backend tells no date; clients want whole seconds."""


class ModelsHandler(ApiHandler):
    """The list, in the order in which models were declared."""

    route = "models"

    def get(self) -> None:
        self.key()
        data = [self.entry(name) for name in self.service.catalogue.models]
        self.send_json(_dump({"object": "list", "data": data}))

    head = get

    def entry(self, name: str) -> dict[str, object]:
        """One model object under ``name``, which may be an alias."""
        owner = "pandora-to-v1-simulator" if self.service.simulated else "pandora-next"
        return {"id": name, "object": "model", "created": CREATED, "owned_by": owner}


class ModelHandler(ModelsHandler):
    """One model; ids arrive URL-encoded, which Tornado undoes, and may hold slashes, spaces and Chinese."""

    def get(self, name: str = "") -> None:
        self.key()
        self.service.catalogue.resolve(name)
        self.send_json(_dump(self.entry(name)))

    head = get


def _dump(value: object) -> bytes:
    return ujson.dumps(value, escape_forward_slashes=False).encode()
