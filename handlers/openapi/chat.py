"""Chat completions."""

from typing import Final

from handlers.openapi.operations import (
    ANSWER_HEADERS,
    CONVERSING,
    EVENTS,
    JSON,
    Family,
    Operation,
    answer,
    json_body,
    operation,
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
    number,
    one_of,
    question,
    record,
    ref,
    text,
    whole,
)
from translate.openai import MAX_STOPS
from translate.values import BUILT_IN, JsonObject

ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")

_PART: Final = record(
    {
        "type": text("`text`, `image_url`, `file` and `refusal`; thoughts are left out."),
        "text": text(),
        "image_url": either(text(), record({"url": text()})),
        "file": record({"file_id": text(), "file_data": text(), "filename": text()}),
    },
    "A part of a message.",
    required=("type",),
)
_MESSAGE: Final = either(
    record(
        {
            "role": one_of("Who says it.", *ROLES),
            "content": either(text(), array(either(text(), _PART))),
            "tool_call_id": anything("Of a tool's result: the call that it belongs to."),
        },
        "Words, pictures, files, results of tools.",
        required=("role", "content"),
    ),
    record(
        {
            "role": one_of("", "assistant"),
            "content": nullable(text()),
            "tool_calls": array(record()),
            "function_call": record(),
        },
        "An answer of the model's that calls tools.",
        required=("role",),
    ),
)
_FORM: Final = either(
    record({"type": one_of("", "text", "json_object")}),
    record(
        {"type": one_of("", "json_schema"), "json_schema": record({"name": text(), "schema": record()})},
        required=("type", "json_schema"),
    ),
    {"type": "null"},
    about="The form of the answer.",
)
_REQUEST: Final = record(
    {
        "model": model_name(),
        "messages": array(ref("ChatMessage"), minItems=1, examples=[list(SAID)]),
        "stream": nullable(boolean("The answer comes as server-sent events.")),
        "stream_options": nullable(record({"include_usage": anything("True: a last chunk has the tokens.")})),
        "n": nullable(integer("One choice can be made per request.", enum=[1, None])),
        "stop": nullable(either(text(), array(text(), maxItems=MAX_STOPS))),
        "tools": nullable(array(record(), "Tools of the client, of which the model is told in words.")),
        "tool_choice": either(text(), record(), {"type": "null"}),
        "functions": nullable(array(record(), "As tools, as they were before there were tools.")),
        "response_format": _FORM,
        "reasoning_effort": anything("A word: how long the model thinks, where the backend can be told."),
        "web_search_options": anything("An object: the web is to be searched."),
        "modalities": nullable(array(None, "No audio.")),
        "max_tokens": nullable(integer("Not kept to: the backend ends its answers by itself.")),
        "max_completion_tokens": nullable(integer("As `max_tokens`.")),
        "temperature": nullable(number("The backend takes none.")),
        "top_p": nullable(number("The backend takes none.")),
        "presence_penalty": nullable(number("The backend takes none.")),
        "frequency_penalty": nullable(number("The backend takes none.")),
    },
    "Unknown fields are ignored.",
    required=("model", "messages"),
)
_CALL: Final = either(
    whole(
        {
            "id": text(),
            "type": {"const": "function"},
            "function": whole({"name": text(), "arguments": text("JSON.")}),
        }
    ),
    whole({"id": text(), "type": {"const": "custom"}, "custom": whole({"name": text(), "input": text()})}),
)
_CITATION: Final = whole(
    {
        "type": {"const": "url_citation"},
        "url_citation": whole(
            {"url": text(), "title": text(), "start_index": integer(), "end_index": integer()}
        ),
    }
)
_FINISH: Final = ("stop", "length", "tool_calls", "content_filter", "function_call")
_USAGE: Final = whole(
    {"prompt_tokens": integer(), "completion_tokens": integer(), "total_tokens": integer()},
    "Counted by the service, as the backend counts none.",
)
_ANSWER: Final = whole(
    {
        "id": text(pattern="^chatcmpl-"),
        "object": {"type": "string", "enum": ["chat.completion"]},
        "created": integer("Unix seconds."),
        "model": text(),
        "choices": array(
            whole(
                {
                    "index": integer(),
                    "message": whole(
                        {
                            "role": {"type": "string", "enum": ["assistant"]},
                            "content": nullable(text()),
                            "refusal": nullable(text()),
                            "annotations": array(_CITATION),
                            "reasoning_content": text("What the model thought, with `REASONING`."),
                            "tool_calls": array(_CALL),
                            "function_call": whole({"name": text(), "arguments": text("JSON.")}),
                        },
                        without=("reasoning_content", "tool_calls", "function_call"),
                    ),
                    "logprobs": {"type": "null"},
                    "finish_reason": {"type": "string", "enum": list(_FINISH)},
                }
            ),
            minItems=1,
            maxItems=1,
        ),
        "usage": ref("CompletionUsage"),
    }
)
_CHUNK: Final = whole(
    {
        "id": text(pattern="^chatcmpl-"),
        "object": {"type": "string", "enum": ["chat.completion.chunk"]},
        "created": integer("Unix seconds."),
        "model": text(),
        "choices": array(
            whole(
                {
                    "index": integer(),
                    "delta": record(
                        {
                            "role": {"type": "string", "enum": ["assistant"]},
                            "content": text(),
                            "refusal": text(),
                            "reasoning_content": text(),
                            "annotations": array(_CITATION),
                            "tool_calls": array(record({"index": integer()}, required=("index",))),
                        }
                    ),
                    "logprobs": {"type": "null"},
                    "finish_reason": nullable(text(enum=list(_FINISH))),
                }
            )
        ),
        "usage": nullable(ref("CompletionUsage")),
    },
    "The data of each event but the last one.",
    without=("usage",),
)
_COMPLETION_REQUEST: Final = record(
    {
        "model": model_name(),
        "prompt": either(text(minLength=1), array(text(minLength=1), minItems=1, maxItems=1)),
        "stream": nullable(boolean("The answer comes as server-sent events.")),
        "stream_options": nullable(record({"include_usage": anything("True: a last chunk has the tokens.")})),
        "n": nullable(integer("One choice can be made per request.", enum=[1, None])),
        "stop": nullable(either(text(), array(text(), maxItems=MAX_STOPS))),
        "echo": anything("Must be false."),
        "suffix": anything("Must be empty."),
        "max_tokens": nullable(integer("Not kept to: the backend ends its answers by itself.")),
    },
    "The prompt is what the user says; other fields as in a chat request, or ignored.",
    required=("model", "prompt"),
)
_PROMPTED: Final[JsonObject] = {"model": BUILT_IN[0].name, "prompt": "Hello"}
"""An example."""
_COMPLETION: Final = whole(
    {
        "id": text(pattern="^cmpl-"),
        "object": {"type": "string", "enum": ["text_completion"]},
        "created": integer("Unix seconds."),
        "model": text(),
        "choices": array(
            whole(
                {
                    "text": text(),
                    "index": integer(),
                    "logprobs": {"type": "null"},
                    "finish_reason": nullable(text(enum=["stop", "length", "content_filter"])),
                }
            ),
            maxItems=1,
        ),
        "usage": nullable(ref("CompletionUsage")),
    },
    "The answer, or a piece of it.",
    without=("usage",),
)
_SCHEMAS: Final[dict[str, Schema]] = {
    "ChatRequest": _REQUEST,
    "ChatMessage": _MESSAGE,
    "ChatCompletion": _ANSWER,
    "ChatCompletionChunk": _CHUNK,
    "CompletionUsage": _USAGE,
    "TextCompletionRequest": _COMPLETION_REQUEST,
    "TextCompletion": _COMPLETION,
}


def _conversation(name: str, about: str, whole: str, piece: str, body: JsonObject) -> Operation:
    """A route whose answer is, by their names, the schema `whole` or a stream of `piece`."""
    streams = streamed(
        "An answer that fails ends with an `Error` in place of `[DONE]`.",
        either(ref(piece), ref("Error")),
        last="[DONE]",
    )
    answered = answer(
        "The answer; with `stream` its pieces.", {JSON: ref(whole), EVENTS: streams}, ANSWER_HEADERS
    )
    return operation(name, about, {200: answered}, CONVERSING, body=body)


CHAT: Final = Family(
    name="Chat",
    about="Conversations with one answer, as OpenAI's chat completions.",
    paths={
        "/v1/chat/completions": {
            "post": _conversation(
                "createChatCompletion",
                "Answer a conversation.",
                "ChatCompletion",
                "ChatCompletionChunk",
                json_body(ref("ChatRequest"), whole=question(), streamed=question(stream=True)),
            )
        },
        "/v1/completions": {
            "post": _conversation(
                "createCompletion",
                "Answer a text.",
                "TextCompletion",
                "TextCompletion",
                json_body(ref("TextCompletionRequest"), whole=_PROMPTED),
            )
        },
    },
    schemas=_SCHEMAS,
)
