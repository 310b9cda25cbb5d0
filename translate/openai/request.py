"""OpenAI's chat completion request, read and checked.

What the backend cannot do is accepted where ignoring it does no harm (sampling settings, tools with
automatic choice, unknown fields) and refused where it would mislead (`n` above 1, a forced tool, audio). An
explicit null means the same as leaving a field out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from translate.openai.checks import MAX_NAME, check_count, check_length, expected, is_integer
from translate.openai.content import read_content
from translate.openai.json_body import read_object
from translate.values import (
    REASONING_EFFORTS,
    BadRequest,
    ChatMessage,
    JsonObject,
    Role,
    object_at,
)

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    # The backend has no role for results of tools that it did not call: it gets them as the user's text.
    "tool": "user",
    "function": "user",
}

MAX_ALL_ATTACHMENTS: Final = 100
"""Pictures and files of all messages."""
MAX_MESSAGES: Final = 2048
"""As many as the official service takes."""
MAX_TEXT: Final = 2 << 20
"""Characters of all messages together, twice what the official service takes in one string."""
MAX_STOP: Final = 1000
"""Characters of a stop sequence."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The fields of a request that this service makes use of.

    `messages` are those with something in them, at least one. `include_usage` asks for a last chunk with
    token counts, and is set for streams only. `stop` are up to four stop sequences, none empty.
    `reasoning_effort` is one of OpenAI's words, or empty; `web_search` is whether the web is to be searched.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    stream: bool
    include_usage: bool
    stop: tuple[str, ...]
    reasoning_effort: str = ""
    web_search: bool = False


def read_chat(body: bytes) -> ChatRequest:
    """The chat request in `body`. Raises BadRequest or TooLarge, with the field at fault in `param`."""
    return chat_request(read_object(body))


def chat_request(data: JsonObject) -> ChatRequest:
    """The chat request that `data` is. Raises BadRequest with the field at fault in `param`."""
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
    stream = data.get("stream") is True
    include_usage = object_at(data, "stream_options").get("include_usage") is True
    return ChatRequest(
        model=model,
        messages=_messages(data.get("messages")),
        stream=stream,
        include_usage=include_usage and stream,
        stop=_stop(data.get("stop")),
        reasoning_effort=_effort(data.get("reasoning_effort")),
        web_search=isinstance(data.get("web_search_options"), dict),
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
    for name in ("tool_choice", "function_call"):
        choice = data.get(name)
        if choice == "required" or isinstance(choice, dict):
            raise BadRequest(
                f"The backend cannot be made to call a function: '{name}' must be 'auto' or 'none'.",
                param=name,
            )
        if choice is not None and not isinstance(choice, str):
            raise BadRequest(expected(name, "a string or an object"), param=name)


def _effort(value: object) -> str:
    """Whatever is no word for an effort is ignored, as unknown fields are."""
    return value if isinstance(value, str) and value in REASONING_EFFORTS else ""


def _stop(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    sequences = [value] if isinstance(value, str) else cast(list[object], value)
    if len(sequences) > 4:
        raise BadRequest("At most 4 stop sequences are allowed.", param="stop")
    strings = tuple(item for item in sequences if isinstance(item, str))
    if len(strings) != len(sequences):
        raise BadRequest(expected("stop", "a string or an array of strings"), param="stop")
    for item in strings:
        check_length(item, "stop", MAX_STOP)
    return tuple(item for item in strings if item)


def _messages(value: object) -> tuple[ChatMessage, ...]:
    if value is None:
        raise BadRequest("You must provide a messages parameter.", param="messages")
    if not isinstance(value, list):
        raise BadRequest(expected("messages", "an array of objects"), param="messages")
    if not value:
        raise BadRequest("'messages' must hold at least one message.", param="messages")
    check_count(len(value), "messages", MAX_MESSAGES)
    messages = tuple(
        message for index, raw in enumerate(value) if (message := _message(raw, f"messages.[{index}]"))
    )
    if not messages:
        raise BadRequest("'messages' holds no text to answer.", param="messages")
    if (size := sum(len(message.text) for message in messages)) > MAX_TEXT:
        raise BadRequest(
            f"The messages hold {size} characters of text; at most {MAX_TEXT} are taken.",
            param="messages",
            code="string_above_max_length",
        )
    if (count := sum(len(message.attachments) for message in messages)) > MAX_ALL_ATTACHMENTS:
        raise BadRequest(
            f"The messages hold {count} pictures and files; at most {MAX_ALL_ATTACHMENTS} are taken.",
            param="messages",
        )
    return messages


def _message(raw: object, param: str) -> ChatMessage | None:
    """The message; None if it has nothing in it, which is legal and happens."""
    if not isinstance(raw, dict):
        raise BadRequest(expected(param, "an object"), param=param)
    said = raw.get("role")
    role = ROLES.get(said) if isinstance(said, str) else None
    if role is None:
        raise BadRequest(
            f"Invalid value for '{param}.role': supported are {', '.join(ROLES)}.", param=f"{param}.role"
        )
    content, attachments = read_content(raw.get("content"), f"{param}.content")
    if raw.get("content") is None and role != "assistant":
        raise BadRequest(f"'{param}.content' must not be null for this role.", param=f"{param}.content")
    if attachments and said != "user":
        raise BadRequest("Only user messages can hold pictures and files.", param=attachments[0].param)
    if role == "assistant":
        content = "\n".join(filter(None, (content, _calls_as_text(raw))))
    return ChatMessage(role, content, attachments) if content or attachments else None


def _calls_as_text(raw: JsonObject) -> str:
    """The function calls of an assistant message as text, so that the model can follow the history."""
    calls = raw.get("tool_calls")
    made = list(calls) if isinstance(calls, list) else []
    functions = [call.get("function") for call in made if isinstance(call, dict)]
    functions.append(raw.get("function_call"))
    return "\n".join(
        f"[called {function['name']} with {function.get('arguments') or '{}'}]"
        for function in functions
        if isinstance(function, dict) and isinstance(function.get("name"), str)
    )
