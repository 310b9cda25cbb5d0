"""What can be asked of a path: parameters, bodies, answers and errors, as OpenAPI 3.1 writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.openapi.schemas import Schema, either, record, ref, text, whole
from translate.values import JsonObject

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
EVENTS: Final = "text/event-stream"

OPENAI: Final = "OpenAI"
ANTHROPIC: Final = "Anthropic"
EITHER: Final = "Either"
"""Whose envelope an error is in: of one API, or of that which the client speaks."""
ENVELOPES: Final[Mapping[str, Schema]] = {
    OPENAI: ref("Error"),
    ANTHROPIC: ref("AnthropicError"),
    EITHER: either(ref("Error"), ref("AnthropicError")),
}

KEY: Final[Sequence[JsonObject]] = ({"bearer": []}, {"key": []}, {"azure": []})
"""A key in either header."""
OPEN: Final[Sequence[JsonObject]] = ()
"""No key is asked for."""
TOKEN: Final[Sequence[JsonObject]] = ({"bearer": []},)
"""A token that is no key of the backend."""
MAYBE_TOKEN: Final[Sequence[JsonObject]] = ({}, {"bearer": []})
"""Without a token less is told, or this machine is trusted."""

KEYED: Final = (400, 401)
"""Errors of all routes that ask for a key."""
ADMITTED: Final = (*KEYED, 429, 502, 503, 504)
"""Errors where the backend may be asked before there is an answer."""
WITH_BODY: Final = (*KEYED, 413, 415, 503)
"""Errors of routes that read a body."""
CONVERSING: Final = (*WITH_BODY, 403, 404, 429, 502, 504)
"""Errors of routes that ask the backend for a conversation."""

STATUSES: Final[Mapping[int, str]] = {
    400: "The request is wrong, or the backend refuses what it holds.",
    401: "There is no key, or it is not accepted.",
    403: "The account may not do this.",
    404: "There is no such model, file, account, response, conversation or path.",
    405: "The path does not have this method; the header `Allow` names those that it has.",
    413: "The body of the request is too large, or there is no space left for it.",
    415: "The body is not of the type that the path reads.",
    416: "The range begins behind the end of the file.",
    429: "A quota, a limit of the account, or too many requests.",
    500: "The service failed; its log has more under the id of the request.",
    502: "The backend failed, or answered what cannot be understood.",
    503: "The service, or the backend, cannot serve anybody at the moment.",
    504: "The backend did not answer in time.",
    529: "The service is overloaded; it helps to try again.",
}
"""What each status of an error means."""

COMMON: Final[Mapping[str, Schema]] = {
    "Error": whole(
        {
            "error": whole(
                {
                    "message": text("What is wrong, and what to do."),
                    "type": text(),
                    "param": {"type": ["string", "null"], "description": "The field at fault."},
                    "code": {"type": ["string", "null"], "description": "What is wrong, for programs."},
                }
            )
        },
        "An error, as OpenAI writes it.",
    ),
    "AnthropicError": whole(
        {
            "type": {"const": "error"},
            "error": whole({"type": text(), "message": text()}),
            "request_id": text(),
        },
        "An error, as Anthropic writes it.",
    ),
}
"""Schemas of every document."""

HEADERS: Final[Mapping[str, JsonObject]] = {
    "RequestId": {
        "description": "The id of the request, which the log has too.",
        "required": True,
        "schema": text(pattern="^req_[0-9a-f]{32}$"),
    },
    "RetryAfter": {
        "description": "Seconds after which it may help to try again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Conversation": {
        "description": "Whether the answer is in a new conversation of the backend, or in one that it had.",
        "schema": text(enum=["new", "continued"]),
    },
    "SideRequest": {
        "description": "What a client has asked by itself, and the client: a side request, which the model "
        "for these may have answered. Not for a person's own request.",
        "schema": text(pattern="^[a-z-]+:[a-z_]+$"),
    },
    "Units": {
        "description": "What the answer has cost, in units of quota. A stream of chat completions tells it "
        "in a comment.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Allow": {"description": "The methods of the path.", "schema": text()},
}
ID_HEADER: Final[JsonObject] = {"x-request-id": {"$ref": "#/components/headers/RequestId"}}
CONVERSATION: Final[Mapping[str, JsonObject]] = {
    "x-conversation": {"$ref": "#/components/headers/Conversation"},
    "x-units": {"$ref": "#/components/headers/Units"},
}
"""Headers of good answers that a conversation was needed for."""
ANSWER_HEADERS: Final[Mapping[str, JsonObject]] = {
    **CONVERSATION,
    "x-side-request": {"$ref": "#/components/headers/SideRequest"},
}
"""The headers of good answers to messages: a side request may be among these."""
UNCHANGED: Final[JsonObject] = {"description": "The client has what it asks for.", "headers": ID_HEADER}
"""A 304."""

Operation = dict[str, Any]
PathItem = Mapping[str, Operation]
"""Operations by the methods in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Routes that belong together, and the schemas that only they use.

    `prefixed`: the paths are under the prefix of the API. `schemas` are named by `ref`.
    """

    name: str
    about: str
    paths: Mapping[str, PathItem]
    schemas: Mapping[str, Schema]
    prefixed: bool = True


def operation(
    id: str,
    summary: str,
    answers: Mapping[int, JsonObject],
    errors: Sequence[int] = (),
    *,
    about: str = "",
    api: str = OPENAI,
    parameters: Sequence[JsonObject] = (),
    body: JsonObject | None = None,
    security: Sequence[JsonObject] = KEY,
) -> Operation:
    """One method of a path. `errors` are the statuses of `STATUSES` that it may have beside a bug's 500."""
    refused = {
        str(status): {"$ref": f"#/components/responses/{api}{status}"} for status in sorted({*errors, 500})
    }
    given: Operation = {
        "operationId": id,
        "summary": summary,
        "security": list(security),
        "responses": {**{str(status): answer for status, answer in answers.items()}, **refused},
    }
    if about:
        given["description"] = about
    if parameters:
        given["parameters"] = list(parameters)
    if body is not None:
        given["requestBody"] = body
    return given


def read_only(get: Operation) -> PathItem:
    """`get`, and the same as HEAD: statuses and headers without a body."""
    responses = {
        status: {"description": "As for GET, without a body.", "headers": dict(ID_HEADER)}
        for status in get["responses"]
    }
    head = {**get, "operationId": f"{get['operationId']}Head", "responses": responses}
    return {"get": get, "head": head}


def answer(
    about: str, content: Mapping[str, Schema], headers: Mapping[str, JsonObject] | None = None
) -> JsonObject:
    """A good answer; `content` are schemas by media types."""
    return {
        "description": about,
        "headers": {**ID_HEADER, **(headers or {})},
        "content": {kind: {"schema": schema} for kind, schema in content.items()},
    }


def streamed(about: str, data: Schema | None = None, *, last: str = "") -> Schema:
    """An event of a stream; `data` is what its data are, which are JSON but for those of the last event."""
    said = text(contentMediaType=JSON, contentSchema=data or {})
    return record(
        {"event": text(), "data": either({"const": last}, said) if last else said}, about, required=("data",)
    )


def json_answer(schema: Schema, about: str = "The answer.") -> dict[int, JsonObject]:
    """A 200 in JSON."""
    return {200: answer(about, {JSON: schema})}


def json_body(schema: Schema, **examples: JsonObject) -> JsonObject:
    """A body in JSON, which has to be sent; `examples` are bodies by their names."""
    content: JsonObject = {"schema": schema}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"required": True, "content": {JSON: content}}


def form_body(schema: Schema) -> JsonObject:
    """A form with files, which has to be sent."""
    return {"required": True, "content": {FORM: {"schema": schema}}}


def binary(about: str) -> Schema:
    """Bytes of a file, in a form or as an answer."""
    return text(about, format="binary")


def in_path(name: str, about: str, **schema: Any) -> JsonObject:
    """A part of the path; `schema` are keywords of its schema beside the type."""
    return {"name": name, "in": "path", "required": True, "description": about, "schema": text(**schema)}


def in_query(name: str, schema: Schema, *, required: bool = False) -> JsonObject:
    """A parameter behind the question mark."""
    return {"name": name, "in": "query", "required": required, "schema": schema}


def in_header(name: str, about: str) -> JsonObject:
    """A header of the request."""
    return {"name": name, "in": "header", "description": about, "schema": text()}


def error_responses(names: set[str]) -> JsonObject:
    """The responses with errors of these names, such as `OpenAI404`."""
    return {
        f"{api}{status}": _error_response(status, about, schema)
        for api, schema in ENVELOPES.items()
        for status, about in STATUSES.items()
        if f"{api}{status}" in names
    }


def _error_response(status: int, about: str, schema: Schema) -> JsonObject:
    headers: dict[str, JsonObject] = {}
    if status in (404, 429, 503, 529):
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return answer(about, {JSON: schema}, headers)
