"""Anthropic's Messages API."""

from typing import Final

from handlers.openapi.operations import (
    ANSWER_HEADERS,
    ANTHROPIC,
    CONVERSING,
    EVENTS,
    JSON,
    OPEN,
    WITH_BODY,
    Family,
    answer,
    json_answer,
    json_body,
    operation,
    read_only,
    streamed,
)
from handlers.openapi.schemas import (
    SAID,
    Schema,
    anything,
    array,
    boolean,
    either,
    integer,
    model_name,
    nullable,
    question,
    record,
    ref,
    text,
    whole,
)

_BLOCKS: Final = either(text(), array(either(text(), record({"type": text()}))))
_FIELDS: Final[dict[str, Schema]] = {
    "model": model_name(),
    "messages": array(
        record({"role": text(enum=["user", "assistant", "system"]), "content": _BLOCKS}, required=("role",)),
        minItems=1,
        examples=[list(SAID)],
    ),
    "max_tokens": integer("Not kept to: the backend ends its answers by itself.", minimum=0),
    "system": either(text(), array(either(text(), record())), {"type": "null"}),
    "stream": nullable(boolean("The answer comes as server-sent events.")),
    "stop_sequences": nullable(array(text())),
    "tools": nullable(array(record({"name": text()}), "Tools of the client.")),
    "tool_choice": anything("Which tools are to be called."),
    "thinking": anything("How the model thinks: `type`, `budget_tokens`, `display`."),
    "output_config": anything("How long the model thinks (`effort`), and the form of the answer (`format`)."),
}
_MESSAGE: Final = whole(
    {
        "id": text(pattern="^msg_"),
        "type": {"const": "message"},
        "role": {"const": "assistant"},
        "model": text(),
        "content": array(record({"type": text(enum=["thinking", "text", "tool_use"])}, required=("type",))),
        "stop_reason": text(enum=["end_turn", "max_tokens", "refusal", "tool_use", "stop_sequence"]),
        "stop_sequence": nullable(text()),
        "stop_details": {"type": "null"},
        "container": {"type": "null"},
        "usage": record(
            {"input_tokens": integer(), "output_tokens": integer()},
            required=("input_tokens", "output_tokens"),
        ),
    }
)
_SCHEMAS: Final[dict[str, Schema]] = {
    "MessagesRequest": record(
        _FIELDS, "Unknown fields are ignored.", required=("model", "messages", "max_tokens")
    ),
    "CountTokensRequest": record(
        {name: schema for name, schema in _FIELDS.items() if name != "max_tokens"},
        required=("model", "messages"),
    ),
    "Message": _MESSAGE,
}

MESSAGES: Final = Family(
    name="Messages",
    about="Anthropic's Messages API, for Claude Code and Anthropic's SDKs. Errors have Anthropic's shape.",
    paths={
        "/v1/messages": {
            "post": operation(
                "createMessage",
                "Answer a conversation.",
                {
                    200: answer(
                        "The message; with `stream` its events.",
                        {JSON: ref("Message"), EVENTS: streamed("An event as Anthropic names it.")},
                        ANSWER_HEADERS,
                    )
                },
                (*CONVERSING, 529),
                api=ANTHROPIC,
                body=json_body(
                    ref("MessagesRequest"),
                    whole=question(max_tokens=100),
                    streamed=question(max_tokens=100, stream=True),
                ),
            )
        },
        "/v1/messages/count_tokens": {
            "post": operation(
                "countMessageTokens",
                "Count the tokens of a request; nothing is sent to the backend.",
                json_answer(whole({"input_tokens": integer(minimum=0)})),
                (*WITH_BODY, 404, 529),
                api=ANTHROPIC,
                body=json_body(ref("CountTokensRequest"), counted=question()),
            )
        },
        "/api/hello": read_only(
            operation(
                "hello",
                "What Claude Code asks for, to see that somebody is there.",
                json_answer(record()),
                security=OPEN,
            )
        ),
    },
    schemas=_SCHEMAS,
)
