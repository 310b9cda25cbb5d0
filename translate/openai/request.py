"""OpenAI's chat completion request, read and checked.

What the backend cannot do is accepted where ignoring it does no harm (sampling settings, unknown fields) and
refused where it would mislead (`n` above 1, audio). An explicit null means the same as leaving a field out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from translate.openai.checks import MAX_NAME, check_count, check_length, expected, is_integer
from translate.openai.json_body import read_object
from translate.openai.messages import read_messages
from translate.openai.tools import NO_TOOLS, read_format, read_tools, refuse_forced
from translate.values import (
    REASONING_EFFORTS,
    BadRequest,
    ChatMessage,
    JsonFormat,
    JsonObject,
    Toolbox,
    object_at,
)

MAX_STOP: Final = 1000
"""Characters of a stop sequence."""
MAX_STOPS: Final = 256
"""Stop sequences of a request, each of which is looked for in all of the text. OpenAI takes 4, other servers
any number."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The fields of a request that this service makes use of.

    `messages` are those with something in them, at least one. `include_usage` asks for a last chunk with
    token counts, and is set for streams only. `stop` are stop sequences, none empty or twice.
    `reasoning_effort` is one of OpenAI's words, or empty; `web_search` is whether the web is to be searched.
    `toolbox` are the client's tools, and `format` the form of the answer; with `old_calls` calls are written
    as `function_call`.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    stream: bool
    include_usage: bool
    stop: tuple[str, ...]
    reasoning_effort: str = ""
    web_search: bool = False
    toolbox: Toolbox | None = None
    format: JsonFormat | None = None
    old_calls: bool = False


def read_chat(body: bytes) -> ChatRequest:
    """The chat request in `body`. Raises BadRequest or TooLarge, with the field at fault in `param`."""
    return chat_request(read_object(body))


def chat_request(data: JsonObject, *, emulate: bool = True) -> ChatRequest:
    """The chat request that `data` is. Raises BadRequest with the field at fault in `param`.

    Without `emulate` the request gets no tools and no form of the answer, and a forced call is refused.
    """
    model = data.get("model")
    if model is None:
        raise BadRequest("You must provide a model parameter.", param="model")
    if not isinstance(model, str) or not model:
        raise BadRequest(expected("model", "a string"), param="model")
    check_length(model, "model", MAX_NAME)
    for name, (check, wanted) in FIELDS.items():
        if (value := data.get(name)) is not None and not check(value):
            raise BadRequest(expected(name, wanted), param=name)
    _refuse_impossible(data)
    if not emulate:
        refuse_forced(data)
    offered = read_tools(data) if emulate else NO_TOOLS
    stream = data.get("stream") is True
    include_usage = object_at(data, "stream_options").get("include_usage") is True
    return ChatRequest(
        model=model,
        messages=read_messages(data.get("messages")),
        stream=stream,
        include_usage=include_usage and stream,
        stop=_stop(data.get("stop")),
        reasoning_effort=_effort(data.get("reasoning_effort")),
        web_search=isinstance(data.get("web_search_options"), dict) or offered.search,
        toolbox=offered.toolbox,
        format=read_format(data) if emulate else None,
        old_calls=offered.old,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "stream": (lambda v: isinstance(v, bool), "a boolean"),
    "stream_options": (_is_object, "an object"),
    "n": (is_integer, "an integer"),
    "max_tokens": (is_integer, "an integer"),
    "max_completion_tokens": (is_integer, "an integer"),
    "temperature": (_is_number, "a number"),
    "top_p": (_is_number, "a number"),
    "presence_penalty": (_is_number, "a number"),
    "frequency_penalty": (_is_number, "a number"),
    "response_format": (_is_object, "an object"),
    "tools": (lambda v: isinstance(v, list), "an array"),
    "functions": (lambda v: isinstance(v, list), "an array"),
    "modalities": (lambda v: isinstance(v, list), "an array"),
    "audio": (_is_object, "an object"),
    "stop": (lambda v: isinstance(v, str | list), "a string or an array of strings"),
}
"""The optional fields whose types are checked; all others are accepted and ignored."""


def _refuse_impossible(data: JsonObject) -> None:
    n = data.get("n")
    if n is not None and n != 1:
        raise BadRequest("Only one choice can be made per request here: 'n' must be 1.", param="n")
    modalities = data.get("modalities")
    if data.get("audio") is not None or (isinstance(modalities, list) and "audio" in modalities):
        param = "audio" if data.get("audio") is not None else "modalities"
        raise BadRequest("Audio answers are not supported.", param=param)


def _effort(value: object) -> str:
    """Whatever is no word for an effort is ignored, as unknown fields are."""
    return value if isinstance(value, str) and value in REASONING_EFFORTS else ""


def _stop(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    sequences = [value] if isinstance(value, str) else cast(list[object], value)
    check_count(len(sequences), "stop", MAX_STOPS)
    strings = tuple(item for item in sequences if isinstance(item, str))
    if len(strings) != len(sequences):
        raise BadRequest(expected("stop", "a string or an array of strings"), param="stop")
    for item in strings:
        check_length(item, "stop", MAX_STOP)
    return tuple(dict.fromkeys(item for item in strings if item))
