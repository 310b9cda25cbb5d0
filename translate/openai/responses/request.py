"""A request for a response, read and checked. An explicit null means the same as leaving a field out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from translate.openai.checks import MAX_NAME, check_length, expected, is_integer
from translate.openai.responses.items import NewId, read_items, texts_of, tools_in
from translate.openai.responses.tools import OfferedTools, offered_tools
from translate.tools import checked_format
from translate.values import (
    REASONING_EFFORTS,
    BadRequest,
    JsonFormat,
    JsonObject,
    object_at,
    text_at,
)

MAX_METADATA: Final = 16
"""Keys of `metadata`."""
METADATA: Final = f"an object of at most {MAX_METADATA} strings"


@dataclass(frozen=True, slots=True)
class ResponsesRequest:
    """The fields of a request that this service makes use of.

    `items` are the new input, each with an id. `previous_id` is that of the response that this one follows,
    `conversation` that of the conversation that it is part of; at least one of them is empty. With
    `reasoning` the model's thoughts are part of the answer. `echo` are the fields of the response that say
    what was asked.
    """

    model: str
    items: tuple[JsonObject, ...]
    instructions: str
    stream: bool
    store: bool
    previous_id: str
    conversation: str
    tools: OfferedTools
    format: JsonFormat | None
    effort: str
    reasoning: bool
    echo: JsonObject


def responses_request(
    data: JsonObject, new_id: NewId, *, emulate: bool = True, counted_only: bool = False
) -> ResponsesRequest:
    """The request that `data` is. Without `emulate` tools of the client's own and forms of answers are
    ignored, and a forced call is refused. With `counted_only` model and input may be missing. Raises
    BadRequest with the field at fault in `param`.
    """
    model = data.get("model")
    if model is None and counted_only:
        model = "none"
    if model is None:
        raise BadRequest("You must provide a model parameter.", param="model")
    if not isinstance(model, str) or not model:
        raise BadRequest(expected("model", "a string"), param="model")
    check_length(model, "model", MAX_NAME)
    for name, (check, wanted) in FIELDS.items():
        if (value := data.get(name)) is not None and not check(value):
            raise BadRequest(expected(name, wanted), param=name)
    _refuse_impossible(data)
    conversation = _conversation(data)
    items = _input(data, new_id, needed=not counted_only)
    tools = offered_tools(data, tools_in(items), emulate=emulate)
    reasoning = object_at(data, "reasoning")
    effort = text_at(reasoning, "effort")
    instructions = data.get("instructions")
    return ResponsesRequest(
        model=model,
        items=items,
        instructions=instructions if isinstance(instructions, str) else texts_of(instructions),
        stream=data.get("stream") is True,
        store=data.get("store") is not False,
        previous_id=text_at(data, "previous_response_id"),
        conversation=conversation,
        tools=tools,
        format=_format(object_at(data, "text")) if emulate else None,
        effort=effort if effort in REASONING_EFFORTS else "",
        reasoning=isinstance(reasoning.get("summary"), str),
        echo=_echo(data),
    )


def _input(data: JsonObject, new_id: NewId, *, needed: bool) -> tuple[JsonObject, ...]:
    value = data.get("input")
    items = () if value is None else read_items(value, new_id)
    follows = data.get("previous_response_id") is not None or data.get("conversation") is not None
    if needed and not items and not follows:
        raise BadRequest("You must provide an input.", param="input")
    return items


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def is_metadata(value: object) -> bool:
    """Whether `value` may be the `metadata` of something."""
    return (
        isinstance(value, dict)
        and len(value) <= MAX_METADATA
        and all(isinstance(each, str) for each in value.values())
    )


FIELDS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "instructions": (lambda v: isinstance(v, str | list), "a string"),
    "stream": (_is_boolean, "a boolean"),
    "stream_options": (_is_object, "an object"),
    "store": (_is_boolean, "a boolean"),
    "background": (_is_boolean, "a boolean"),
    "previous_response_id": (_is_text, "a string"),
    "conversation": (lambda v: isinstance(v, str | dict), "an id, or an object with one"),
    "parallel_tool_calls": (_is_boolean, "a boolean"),
    "max_tool_calls": (is_integer, "an integer"),
    "text": (_is_object, "an object"),
    "reasoning": (_is_object, "an object"),
    "temperature": (_is_number, "a number"),
    "top_p": (_is_number, "a number"),
    "max_output_tokens": (is_integer, "an integer"),
    "top_logprobs": (is_integer, "an integer"),
    "truncation": (_is_text, "a string"),
    "service_tier": (_is_text, "a string"),
    "user": (_is_text, "a string"),
    "safety_identifier": (_is_text, "a string"),
    "prompt_cache_key": (_is_text, "a string"),
    "metadata": (is_metadata, METADATA),
    "include": (lambda v: isinstance(v, list), "an array of strings"),
}
"""The optional fields whose types are checked; all others are accepted and ignored."""


def _refuse_impossible(data: JsonObject) -> None:
    if data.get("background") is True:
        raise BadRequest("Responses in the background are not supported.", param="background")
    if data.get("prompt") is not None:
        raise BadRequest("'prompt' is not supported here.", param="prompt")


def _conversation(data: JsonObject) -> str:
    """The id of the conversation that is named, or nothing. Raises BadRequest."""
    value = data.get("conversation")
    if value is None:
        return ""
    id = value.get("id") if isinstance(value, dict) else value
    if not isinstance(id, str) or not id:
        raise BadRequest(expected("conversation", "an id, or an object with one"), param="conversation")
    if text_at(data, "previous_response_id"):
        raise BadRequest(
            "Mutually exclusive parameters: provide either 'previous_response_id' or 'conversation'.",
            param="conversation",
            code="mutually_exclusive_parameters",
        )
    return id


def _format(text: JsonObject) -> JsonFormat | None:
    """What `text.format` asks for; None for words. Raises BadRequest."""
    given = text.get("format")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise BadRequest(expected("text.format", "an object"), param="text.format")
    kind = given.get("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return JsonFormat()
    if kind != "json_schema":
        raise BadRequest(
            "Invalid value for 'text.format.type': supported are text, json_object and json_schema.",
            param="text.format.type",
        )
    if isinstance(nested := given.get("json_schema"), dict):  # as on chat completions
        given = nested
    return checked_format(
        given.get("name"),
        given.get("description"),
        given.get("schema"),
        strict=given.get("strict"),
        param="text.format",
    )


def _echo(data: JsonObject) -> JsonObject:
    """What a response repeats of its request, with defaults; every key is always there."""
    reasoning, text = object_at(data, "reasoning"), object_at(data, "text")

    def given(name: str, default: object) -> object:
        value = data.get(name)
        return default if value is None else value

    return {
        "background": False,
        "instructions": data.get("instructions"),
        "max_output_tokens": data.get("max_output_tokens"),
        "max_tool_calls": data.get("max_tool_calls"),
        "parallel_tool_calls": given("parallel_tool_calls", True),
        "previous_response_id": data.get("previous_response_id"),
        "prompt_cache_key": data.get("prompt_cache_key"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": data.get("safety_identifier"),
        "service_tier": "default",
        "temperature": given("temperature", 1.0),
        "text": {**text, "format": object_at(text, "format") or {"type": "text"}},
        "tool_choice": given("tool_choice", "auto"),
        "tools": [_echoed_tool(tool) for tool in _list(data.get("tools"))],
        "top_logprobs": given("top_logprobs", 0),
        "top_p": given("top_p", 1.0),
        "truncation": given("truncation", "disabled"),
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "metadata": given("metadata", {}),
        "user": data.get("user"),
    }


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _echoed_tool(tool: object) -> object:
    """A function with all the keys that clients look for."""
    if not isinstance(tool, dict) or tool.get("type") != "function":
        return tool
    if isinstance(nested := tool.get("function"), dict):
        tool = {"type": "function", **nested}
    strict = tool.get("strict")
    return {
        "description": None,
        "parameters": None,
        **tool,
        "strict": True if strict is None else strict,
    }
