"""Responses, and the routes of those that are kept."""

from typing import Final

from handlers.openapi.operations import (
    ANSWER_HEADERS,
    CONVERSING,
    EVENTS,
    JSON,
    KEYED,
    WITH_BODY,
    Family,
    Operation,
    answer,
    in_path,
    in_query,
    json_answer,
    json_body,
    operation,
    streamed,
)
from handlers.openapi.schemas import (
    SAID,
    Schema,
    array,
    boolean,
    either,
    integer,
    model_name,
    nullable,
    number,
    one_of,
    page_of,
    record,
    ref,
    text,
    whole,
)
from handlers.responses.pages import MAX_PAGE, PAGE
from translate.values import BUILT_IN, JsonObject

_ITEM: Final = record({"type": text(), "role": text(), "id": text()}, "A message, a call, a result.")
_FORMAT: Final = record(
    {"type": one_of("The form of the answer.", "text", "json_object", "json_schema")}, required=("type",)
)
_FIELDS: Final[dict[str, Schema]] = {
    "model": model_name(),
    "input": either(
        text(examples=["Hello"]), array(ref("InputItem"), examples=[list(SAID)]), {"type": "null"}
    ),
    "instructions": either(text(), array(), {"type": "null"}),
    "stream": nullable(boolean("The answer comes as server-sent events.")),
    "stream_options": nullable(record()),
    "store": nullable(boolean("Whether the response is kept; true if it is left out.")),
    "background": nullable(boolean("There are no responses in the background.")),
    "previous_response_id": nullable(text("A response that is kept, and that this one follows.")),
    "conversation": either(
        text(),
        record({"id": text()}, required=("id",)),
        {"type": "null"},
        about="The conversation that the response is part of; not together with `previous_response_id`.",
    ),
    "tools": nullable(array(record())),
    "tool_choice": either(text(), record(), {"type": "null"}),
    "parallel_tool_calls": nullable(boolean()),
    "max_tool_calls": nullable(integer()),
    "text": nullable(record({"format": nullable(_FORMAT)})),
    "reasoning": nullable(
        record({"effort": {}, "summary": {}}, "How long the model thinks, and what is shown.")
    ),
    "include": nullable(array()),
    "metadata": nullable({"type": "object", "maxProperties": 16, "additionalProperties": text()}),
    "temperature": nullable(number("The backend takes none.")),
    "top_p": nullable(number("The backend takes none.")),
    "max_output_tokens": nullable(integer("Not kept to: the backend ends its answers by itself.")),
    "top_logprobs": nullable(integer("The backend tells none.")),
    "truncation": nullable(text()),
    "service_tier": nullable(text()),
    "user": nullable(text()),
    "safety_identifier": nullable(text()),
    "prompt_cache_key": nullable(text()),
}
_USAGE: Final = whole(
    {
        "input_tokens": integer(),
        "input_tokens_details": whole({"cached_tokens": integer(), "cache_write_tokens": integer()}),
        "output_tokens": integer(),
        "output_tokens_details": whole({"reasoning_tokens": integer()}),
        "total_tokens": integer(),
    }
)
_RESPONSE: Final = whole(
    {
        "id": text(pattern="^resp_"),
        "object": {"const": "response"},
        "created_at": integer("Unix seconds."),
        "completed_at": nullable(integer("Unix seconds.")),
        "status": one_of("", "in_progress", "completed", "incomplete", "failed"),
        "error": nullable(whole({"code": text(), "message": text()})),
        "incomplete_details": nullable(whole({"reason": text()})),
        "model": text(),
        "output": array(
            record({"id": text(), "type": text()}, required=("id", "type")),
            "Messages, thoughts, calls, programs, searches, pictures.",
        ),
        "usage": nullable(_USAGE),
        "store": boolean("Whether it can be asked for again."),
        "previous_response_id": nullable(text()),
        "conversation": nullable(
            whole({"id": text()}, "Null if what was said could not be added to it; else missing without one.")
        ),
        "instructions": {},
        "background": boolean(),
        "tools": array(),
        "tool_choice": {},
        "parallel_tool_calls": boolean(),
        "max_tool_calls": nullable(integer()),
        "text": record(),
        "reasoning": record(),
        "metadata": record(),
        "temperature": number(),
        "top_p": number(),
        "max_output_tokens": nullable(integer()),
        "top_logprobs": integer(),
        "truncation": text(),
        "service_tier": text(),
        "user": nullable(text()),
        "safety_identifier": nullable(text()),
        "prompt_cache_key": nullable(text()),
        "presence_penalty": number(),
        "frequency_penalty": number(),
    },
    without=("conversation",),
)
_SCHEMAS: Final[dict[str, Schema]] = {
    "ResponseRequest": record(_FIELDS, "Unknown fields are ignored.", required=("model",)),
    "ResponseTokensRequest": record(_FIELDS | {"model": nullable(model_name())}),
    "InputItem": _ITEM,
    "Response": _RESPONSE,
}
_ASKED: Final[JsonObject] = {"model": BUILT_IN[0].name, "input": "Hello"}
IN_PAGES: Final = (
    in_query("limit", integer(minimum=1, maximum=MAX_PAGE, default=PAGE)),
    in_query("order", text(enum=["asc", "desc"], default="desc")),
    in_query("after", text("The id of the item before the page.")),
)
"""Parameters of a page of items."""
_STORED: Final = (*KEYED, 404, 503)
_ONE: Final = in_path("response_id", "The id of a response that is kept.")


def _kept(id: str, summary: str, schema: Schema, *parameters: dict[str, object]) -> Operation:
    """A method of one kept response."""
    return operation(id, summary, json_answer(schema), _STORED, parameters=(_ONE, *parameters))


RESPONSES: Final = Family(
    name="Responses",
    about="OpenAI's Responses: answers that can be asked for again and gone on with.",
    paths={
        "/v1/responses": {
            "post": operation(
                "createResponse",
                "Answer a request.",
                {
                    200: answer(
                        "The response; with `stream` its events.",
                        {JSON: ref("Response"), EVENTS: streamed("An event as OpenAI names it.")},
                        ANSWER_HEADERS,
                    )
                },
                CONVERSING,
                body=json_body(ref("ResponseRequest"), whole=_ASKED, streamed=_ASKED | {"stream": True}),
            )
        },
        "/v1/responses/input_tokens": {
            "post": operation(
                "countResponseTokens",
                "Count the tokens of a request; nothing is sent to the backend.",
                json_answer(
                    whole({"object": {"const": "response.input_tokens"}, "input_tokens": integer(minimum=0)})
                ),
                (*WITH_BODY, 404),
                body=json_body(ref("ResponseTokensRequest")),
            )
        },
        "/v1/responses/compact": {
            "post": operation(
                "compactResponse",
                "Refused: responses cannot be compacted here.",
                {},
                (*WITH_BODY, 404),
                body=json_body(record({"model": model_name()}, required=("model",))),
            )
        },
        "/v1/responses/{response_id}": {
            "get": _kept(
                "getResponse",
                "A response as it was.",
                ref("Response"),
                in_query("stream", text("They cannot be streamed.", enum=["", "0", "false", "False"])),
            ),
            "delete": _kept(
                "deleteResponse",
                "Forget a response.",
                whole({"id": text(), "object": {"const": "response"}, "deleted": {"const": True}}),
            ),
        },
        "/v1/responses/{response_id}/cancel": {
            "post": operation(
                "cancelResponse",
                "Refused: there are no responses in the background.",
                {},
                _STORED,
                parameters=(_ONE,),
            )
        },
        "/v1/responses/{response_id}/input_items": {
            "get": _kept(
                "listInputItems",
                "What a response was asked with.",
                page_of(ref("InputItem")),
                *IN_PAGES,
            )
        },
    },
    schemas=_SCHEMAS,
)
