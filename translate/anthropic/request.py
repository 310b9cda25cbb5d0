"""A request of Anthropic's Messages API, read and checked.

What the backend cannot do is accepted where ignoring it does no harm: sampling settings, marks of what to
cache, fields that are not known. An explicit null means the same as leaving a field out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from translate.anthropic.checks import MAX_NAME, is_integer, required, wrong
from translate.anthropic.content import Content, read_content, read_system
from translate.anthropic.errors import NO_THREAD, TOO_LONG
from translate.anthropic.tools import read_format, read_tools
from translate.values import (
    REASONING_EFFORTS,
    BadRequest,
    ChatMessage,
    JsonFormat,
    JsonObject,
    NotFound,
    Role,
    Toolbox,
    object_at,
    text_at,
)

ROLES: Final[dict[str, Role]] = {"user": "user", "assistant": "assistant", "system": "system"}
MAX_MESSAGES: Final = 10_000
MAX_ATTACHMENTS: Final = 100
"""Pictures and files of all messages, as many as the official service takes."""
MAX_TEXT: Final = 2 << 20
"""Characters of all messages together."""
CHARACTERS_PER_TOKEN: Final = 4
"""Of English text and code, about."""
MAX_STOP: Final = 16
"""Stop sequences."""
MAX_STOP_CHARACTERS: Final = 1000
"""Of one of them."""
BUDGETS: Final = ((4_000, "low"), (16_000, "medium"))
"""Up to how many tokens of thinking what effort is meant; more is a high one."""


@dataclass(frozen=True, slots=True)
class MessagesRequest:
    """The fields of a request that this service makes use of.

    `messages` are those with something in them, the system prompt first, at least one. `stop` are the stop
    sequences, none empty. `effort` is one of OpenAI's words, or empty. `reasoning` is whether the client
    wants to see what the model thinks, and `web_search` whether the web is to be searched. `toolbox` are the
    tools that the model may be told of, and `format` is what its answer has to be.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    stream: bool = False
    stop: tuple[str, ...] = ()
    effort: str = ""
    reasoning: bool = False
    web_search: bool = False
    toolbox: Toolbox | None = None
    format: JsonFormat | None = None


def messages_request(
    data: JsonObject, *, emulate: bool = True, counted_only: bool = False
) -> MessagesRequest:
    """The request that `data` is. Raises BadRequest with the field at fault in `param`, or NotFound
    if it goes on with a conversation that only Anthropic would have.

    Without `emulate` tools and the form of the answer are left out, since nobody asks the model for them.
    With `counted_only` the tokens of the request are to be counted, and nothing is to be answered.
    """
    model = required(data, "model")
    if not isinstance(model, str) or not 0 < len(model) <= MAX_NAME:
        raise wrong("model", f"a string of 1 to {MAX_NAME} characters")
    if not counted_only:
        _check_max_tokens(data)
    if object_at(data, "thread").get("type") == "continue":
        raise NotFound("thread: none is kept here; send the whole conversation.", code=NO_THREAD)
    stream = data.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise wrong("stream", "a boolean")
    messages, loaded = _messages(required(data, "messages"))
    if (system := data.get("system")) is not None and (text := read_system(system, "system")):
        messages.insert(0, ChatMessage("system", text))
    _check_sizes(messages)
    tools = read_tools(data, loaded, emulate=emulate)
    return MessagesRequest(
        model=model,
        messages=tuple(messages),
        stream=stream is True,
        stop=_stop(data.get("stop_sequences")),
        effort=_effort(data),
        reasoning=_shows_thinking(object_at(data, "thinking")),
        web_search=tools.web_search,
        toolbox=tools.toolbox,
        format=read_format(data) if emulate else None,
    )


def _check_max_tokens(data: JsonObject) -> None:
    """It is checked and not kept to: the backend ends its answers by itself."""
    max_tokens = required(data, "max_tokens")
    if not is_integer(max_tokens) or max_tokens < 0:  # type: ignore[operator]
        raise wrong("max_tokens", "a whole number")


def _messages(value: object) -> tuple[list[ChatMessage], set[str]]:
    """The messages that are not empty, and the tools that were loaded in them."""
    if not isinstance(value, list):
        raise wrong("messages", "a list")
    if len(value) > MAX_MESSAGES:
        raise wrong("messages", f"a list of at most {MAX_MESSAGES} messages")
    messages, loaded, names = list[ChatMessage](), set[str](), dict[str, str]()
    for number, raw in enumerate(value):
        at = f"messages.{number}"
        if not isinstance(raw, dict):
            raise wrong(at, "an object")
        role = ROLES.get(text_at(raw, "role"))
        if role is None:
            raise wrong(f"{at}.role", "'user', 'assistant' or 'system'")
        if role == "system":
            content = Content([read_system(raw.get("content"), f"{at}.content")])
        else:
            content = read_content(raw.get("content"), f"{at}.content", names)
        names |= {call.id: call.name for call in content.calls}
        loaded.update(content.loaded)
        if message := _message(role, content):
            messages.append(message)
    if not any(message.role != "system" for message in messages):
        raise BadRequest("messages: at least one message with something in it is required.", param="messages")
    return messages, loaded


def _message(role: Role, content: Content) -> ChatMessage | None:
    """The message; None if it has nothing in it. Each role has what only it can have."""
    user, assistant = role == "user", role == "assistant"
    attachments = tuple(content.attachments) if user else ()
    calls = tuple(content.calls) if assistant else ()
    results = tuple(content.results) if user else ()
    if not (content.text or attachments or calls or results):
        return None
    return ChatMessage(role, content.text, attachments, calls, results)


def _check_sizes(messages: Iterable[ChatMessage]) -> None:
    if (size := sum(map(_size, messages))) > MAX_TEXT:
        tokens, most = size // CHARACTERS_PER_TOKEN, MAX_TEXT // CHARACTERS_PER_TOKEN
        raise BadRequest(f"{tokens} tokens > {most} maximum", param="messages", code=TOO_LONG)
    if (count := sum(len(message.attachments) for message in messages)) > MAX_ATTACHMENTS:
        raise BadRequest(
            f"messages: there are {count} pictures and files; at most {MAX_ATTACHMENTS} are taken.",
            param="messages",
        )


def _size(message: ChatMessage) -> int:
    """Characters of a message."""
    calls = sum(len(call.arguments) for call in message.calls)
    return len(message.text) + calls + sum(len(result.text) for result in message.results)


def _stop(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(sequence, str) for sequence in value):
        raise wrong("stop_sequences", "a list of strings")
    if len(value) > MAX_STOP or any(len(sequence) > MAX_STOP_CHARACTERS for sequence in value):
        raise wrong(
            "stop_sequences", f"at most {MAX_STOP} strings of at most {MAX_STOP_CHARACTERS} characters"
        )
    return tuple(sequence for sequence in value if sequence)


def _effort(data: JsonObject) -> str:
    """What the client says of effort, else what the tokens mean that the model may think for."""
    said = text_at(object_at(data, "output_config"), "effort")
    if said in REASONING_EFFORTS:
        return said
    thinking = object_at(data, "thinking")
    if thinking.get("type") == "disabled":
        return "none"
    budget = thinking.get("budget_tokens")
    if thinking.get("type") != "enabled" or not isinstance(budget, int):
        return ""
    return next((effort for most, effort in BUDGETS if budget <= most), "high")


def _shows_thinking(thinking: JsonObject) -> bool:
    """Models that decide by themselves how long they think show it only to who asks for that."""
    display = thinking.get("display")
    if thinking.get("type") == "adaptive":
        return display == "summarized"
    return thinking.get("type") == "enabled" and display != "omitted"
