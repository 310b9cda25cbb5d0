"""The OpenAPI document of a service, by what is switched on."""

from dataclasses import dataclass
from typing import Final

from handlers.openapi.accounting import ACCOUNTING
from handlers.openapi.admin import ADMIN
from handlers.openapi.audio import AUDIO
from handlers.openapi.chat import CHAT
from handlers.openapi.conversations import CONVERSATIONS
from handlers.openapi.files import CONTAINERS, FILES, MEDIA
from handlers.openapi.images import IMAGES
from handlers.openapi.messages import MESSAGES
from handlers.openapi.models import GPTS, MODELS
from handlers.openapi.operations import COMMON, HEADERS, Family, PathItem, error_responses
from handlers.openapi.responses import RESPONSES
from handlers.openapi.service import CONSOLE, DOCUMENT, PROBES, metrics
from translate.values import JsonObject, json_bytes

ABOUT: Final = (
    "An API like OpenAI's, and Anthropic's Messages, over a ChatGPT-web backend. A path under `/v1` takes a "
    "slash at its end, and each path takes OPTIONS, which browsers ask first. A method that a path "
    "does not have is a 405, a path that is not here a 404, both as `Error`."
)
SECURITY: Final[JsonObject] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of the backend, as `key` or `key,account`.",
    },
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same."},
    "azure": {"type": "apiKey", "in": "header", "name": "api-key", "description": "The same."},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What is switched on. `api_prefix` is that of the settings; with `metrics` they are served beside the
    API, with `metrics_token` to whom has a token.
    """

    version: str
    api_prefix: str
    audio: bool
    conversations: bool
    files: bool
    gpts: bool
    metrics: bool
    metrics_token: bool


def document(offered: Offered) -> bytes:
    """The document, as JSON in ASCII."""
    families = _families(offered)
    root = f"/{offered.api_prefix}" if offered.api_prefix else ""
    paths = {
        (root if family.prefixed else "") + path: _tagged(item, family.name)
        for family in families
        for path, item in family.paths.items()
    }
    schemas = dict(COMMON)
    for family in families:
        schemas |= family.schemas
    return json_bytes(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "pandora-to-v1",
                "version": offered.version,
                "description": ABOUT,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": family.name, "description": family.about} for family in families],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "responses": error_responses(_errors_of(paths)),
                "headers": HEADERS,
                "securitySchemes": SECURITY,
            },
        }
    )


def _families(offered: Offered) -> list[Family]:
    return [
        CHAT,
        RESPONSES,
        *([CONVERSATIONS] if offered.conversations else []),
        MESSAGES,
        IMAGES,
        *([AUDIO] if offered.audio else []),
        *([FILES] if offered.files else []),
        CONTAINERS,
        MODELS,
        *([GPTS] if offered.gpts else []),
        ACCOUNTING,
        MEDIA,
        PROBES,
        *([metrics(token=offered.metrics_token)] if offered.metrics else []),
        CONSOLE,
        ADMIN,
        DOCUMENT,
    ]


def _tagged(item: PathItem, name: str) -> PathItem:
    return {method: {**operation, "tags": [name]} for method, operation in item.items()}


def _errors_of(paths: dict[str, PathItem]) -> set[str]:
    """The names of the error responses that operations refer to."""
    return {
        str(response["$ref"]).rpartition("/")[2]
        for item in paths.values()
        for operation in item.values()
        for response in operation["responses"].values()
        if "$ref" in response
    }
