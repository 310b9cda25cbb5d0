"""Items of a response's input and output: read and checked, and turned into messages.

Items are kept as JSON, since they are listed and come back as they were; see `messages_of` for what the model
is told of them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from translate.openai.checks import check_count, expected
from translate.openai.content import as_json, read_content, read_result
from translate.openai.messages import MAX_ALL_ATTACHMENTS, MAX_MESSAGES, MAX_TEXT, ROLES
from translate.values import (
    BadRequest,
    ChatMessage,
    JsonObject,
    NotFound,
    ToolCall,
    ToolResult,
    objects_at,
    text_at,
)

NewId = Callable[[str], str]
"""Makes an id that begins with the prefix that it is given, such as `msg`."""

CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
"""Items that are calls of the client's tools, and the field that they are called with."""
OUTPUTS: Final = {"function_call_output": "output", "custom_tool_call_output": "output"}
"""Items that are what such a call has given."""
REFERENCE: Final = "item_reference"
TOOLS: Final = ("additional_tools", "tool_search_output")
"""Items that bring tools."""
UNSEEN: Final = ("reasoning", "compaction", "tool_search_call", *TOOLS)
"""Items of which the model is told nothing: they are sealed, or about something else."""
TOLD: Final = (
    "web_search_call", "image_generation_call", "code_interpreter_call", "file_search_call", "mcp_call",
    "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "local_shell_call",
    "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call",
    "apply_patch_call_output", "computer_call", "computer_call_output",
)  # fmt: skip
"""Items of other tools, which clients send back that resend everything: the model is told in a line."""
HIDDEN_FIELDS: Final = ("id", "type", "status", "result", "encrypted_content", "container_id")
MAX_TOLD: Final = 4000
"""Characters of that line."""
PREFIXES: Final = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "cto",
    "reasoning": "rs",
}
STATUSES: Final = ("in_progress", "completed", "incomplete")
PART_DEFAULTS: Final[Mapping[str, JsonObject]] = {
    "output_text": {"annotations": [], "logprobs": []},
    "input_image": {"detail": "auto"},
}
"""Fields of parts of messages that clients look for, if others leave them out."""
NAMESPACE: Final = "__"
"""Between a namespace and the name of a tool in it, where both are one name."""
ID: Final = re.compile(r"[a-z]{1,8}_[A-Za-z0-9]{1,64}")
"""What ids look like; anything else may be a secret that was mistaken for one, and is not repeated."""


def read_items(value: object, new_id: NewId, name: str = "input") -> tuple[JsonObject, ...]:
    """The items of the field `name`, each with a type and an id. Raises BadRequest with the item at fault in
    `param`.

    A text is one message of the user.
    """
    if isinstance(value, str):
        parts = [{"type": "input_text", "text": value}]
        return ({"id": new_id("msg"), "type": "message", "role": "user", "content": parts},)
    if not isinstance(value, list):
        raise BadRequest(expected(name, "a string or an array of items"), param=name)
    check_count(len(value), name, MAX_MESSAGES)
    return tuple(_item(raw, f"{name}[{index}]", new_id) for index, raw in enumerate(value))


def _item(raw: object, param: str, new_id: NewId) -> JsonObject:
    if not isinstance(raw, dict):
        raise BadRequest(expected(param, "an object"), param=param)
    kind = raw.get("type")
    if kind is None:
        kind = "message" if "role" in raw else REFERENCE if isinstance(raw.get("id"), str) else ""
    if not isinstance(kind, str):
        raise BadRequest(expected(f"{param}.type", "a string"), param=f"{param}.type")
    if kind == "message":
        item = _message_item(raw, param)
    elif kind in CALLS:
        _need_texts(raw, param, "call_id", "name", CALLS[kind])
        item = dict(raw)
    elif kind in OUTPUTS:
        _need_texts(raw, param, "call_id")
        item = dict(raw)
    elif kind == REFERENCE:
        _need_texts(raw, param, "id")
        item = dict(raw)
    elif kind in UNSEEN or kind in TOLD:
        item = dict(raw)
    else:
        raise BadRequest(f"Items of type '{kind[:40]}' are not supported.", param=param)
    given = raw.get("id")
    id = given if isinstance(given, str) and given else new_id(PREFIXES.get(kind, "item"))
    return {**item, "type": kind, "id": id}


def _message_item(raw: JsonObject, param: str) -> JsonObject:
    role = raw.get("role")
    if not isinstance(role, str) or role not in ("user", "assistant", "system", "developer"):
        raise BadRequest(
            f"Invalid value for '{param}.role': supported are user, assistant, system, developer.",
            param=f"{param}.role",
        )
    content = raw.get("content")
    if isinstance(content, str):
        kind = "output_text" if role == "assistant" else "input_text"
        part: JsonObject = {"type": kind, "text": content}
        content = [part | ({"annotations": []} if role == "assistant" else {})]
    if not isinstance(content, list):
        raise BadRequest(
            expected(f"{param}.content", "a string or an array of parts"), param=f"{param}.content"
        )
    return {**raw, "content": content}


def _need_texts(raw: JsonObject, param: str, *names: str) -> None:
    for name in names:
        if not isinstance(raw.get(name), str):
            raise BadRequest(expected(f"{param}.{name}", "a string"), param=f"{param}.{name}")


def named(id: str) -> str:
    """A space and the id, to be repeated in an error; nothing if it looks like no id."""
    return f" {id}" if ID.fullmatch(id) else ""


def with_id(id: str) -> str:
    """Which one it is that was not found, as the official service says it."""
    return f" with id '{id}'" if ID.fullmatch(id) else ""


def references(items: Iterable[JsonObject]) -> list[str]:
    """The ids of items that are meant and not given."""
    return [text_at(item, "id") for item in items if item["type"] == REFERENCE]


def resolved(items: Iterable[JsonObject], found: Mapping[str, JsonObject]) -> tuple[JsonObject, ...]:
    """The items with those in place that were only named. Raises NotFound."""
    whole = []
    for item in items:
        if item["type"] == REFERENCE:
            id = text_at(item, "id")
            if id not in found:
                raise NotFound(
                    f"Item{with_id(id)} not found. Items are not persisted when `store` is set to "
                    "false. Try again with `store` set to true, or remove this item from your input.",
                    param="input",
                )
            item = found[id]
        whole.append(item)
    return tuple(whole)


def settled(items: Iterable[JsonObject], new_id: NewId) -> tuple[JsonObject, ...]:
    """The items as a conversation has them: each with an id that no other has, and as what is complete."""
    return tuple(_settled(item, new_id) for item in items)


def _settled(item: JsonObject, new_id: NewId) -> JsonObject:
    kind = text_at(item, "type")
    item = {**item, "id": new_id(PREFIXES.get(kind, "item"))}
    if kind == "message":
        item["content"] = [
            {**PART_DEFAULTS.get(text_at(part, "type"), {}), **part} for part in objects_at(item, "content")
        ]
    if kind in ("message", *CALLS, *OUTPUTS) and item.get("status") not in STATUSES:
        item["status"] = "completed"
    return item


def tools_in(items: Iterable[JsonObject]) -> list[object]:
    """The tools that items bring, as the request's `tools` would have them."""
    found: list[object] = []
    for item in items:
        if item["type"] in TOOLS and isinstance(tools := item.get("tools"), list):
            found += tools
    return found


def calls_in(items: Iterable[JsonObject]) -> dict[str, str]:
    """The names of the tools that were called, by the ids of the calls."""
    return {text_at(item, "call_id"): called_name(item) for item in items if item["type"] in CALLS}


def called_name(item: JsonObject) -> str:
    """The one name of a called tool, with its namespace if it has one."""
    namespace = text_at(item, "namespace")
    return namespace + NAMESPACE + text_at(item, "name") if namespace else text_at(item, "name")


def check_outputs(items: Iterable[JsonObject], called: Mapping[str, str]) -> None:
    """Raise BadRequest for what a tool has given to a call that is neither here nor in `called`."""
    items = list(items)
    known = calls_in(items).keys() | called.keys()
    for item in items:
        if item["type"] in OUTPUTS and (id := text_at(item, "call_id")) not in known:
            raise BadRequest(
                f"No tool call found for function call output with call_id{named(id)}.", param="input"
            )


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one item says, before it is joined with its neighbours."""

    message: ChatMessage
    joins: bool = False


def messages_of(
    items: Sequence[JsonObject], called: Mapping[str, str], name: str = "input"
) -> tuple[ChatMessage, ...]:
    """What the items of the field `name` say to the model. Raises BadRequest for content that cannot be
    passed on.

    Calls belong to the assistant's message before them. What several tools have given is one message, in the
    order of their calls; `called` are the names of tools that were called before, by the ids of the calls.
    """
    names = {**called, **calls_in(items)}
    messages: list[ChatMessage] = []
    for turn in _turns(items, names, name):
        last = messages[-1] if messages else None
        if (
            turn.joins
            and last is not None
            and last.role == turn.message.role
            and _is_open(last, turn.message)
        ):
            messages[-1] = replace(
                last,
                calls=(*last.calls, *turn.message.calls),
                results=(*last.results, *turn.message.results),
                attachments=(*last.attachments, *turn.message.attachments),
            )
        else:
            messages.append(turn.message)
    order = {id: place for place, id in enumerate(names)}
    _check_sizes(messages, name)
    return tuple(_in_order(message, order) for message in messages)


def _is_open(last: ChatMessage, more: ChatMessage) -> bool:
    """Whether `more` belongs to the same message: calls to any words, results to results alone."""
    return bool(more.calls) or (bool(last.results) and not last.text)


def _in_order(message: ChatMessage, order: Mapping[str, int]) -> ChatMessage:
    if len(message.results) < 2:
        return message
    ordered = sorted(message.results, key=lambda result: order.get(result.call_id, len(order)))
    return replace(message, results=tuple(ordered))


def _turns(items: Sequence[JsonObject], names: Mapping[str, str], field: str) -> Iterator[_Turn]:
    for index, item in enumerate(items):
        kind, param = item["type"], f"{field}[{index}]"
        if kind == "message":
            text, attachments = read_content(item["content"], f"{param}.content")
            role = ROLES[text_at(item, "role")]
            if attachments and role != "user":
                raise BadRequest(
                    "Only user messages can hold pictures and files.", param=attachments[0].param
                )
            if text or attachments:
                yield _Turn(ChatMessage(role, text, attachments))
        elif kind in CALLS:
            raw = kind == "custom_tool_call"
            said = text_at(item, CALLS[text_at(item, "type")])
            call = ToolCall(text_at(item, "call_id"), called_name(item), said, raw)
            yield _Turn(ChatMessage("assistant", "", calls=(call,)), joins=True)
        elif kind in OUTPUTS:
            text, attachments = read_result(item.get("output") or "", f"{param}.output")
            id = text_at(item, "call_id")
            result = ToolResult(id, text, names.get(id, ""))
            yield _Turn(ChatMessage("user", "", attachments, results=(result,)), joins=True)
        elif kind in TOLD:
            role = ROLES["user" if text_at(item, "type").endswith("_output") else "assistant"]
            yield _Turn(ChatMessage(role, _told(item)))


def _told(item: JsonObject) -> str:
    """A line about an item of a tool that is not the client's."""
    about = {name: value for name, value in item.items() if name not in HIDDEN_FIELDS and value}
    said = as_json(about) if about else ""
    return f"[{text_at(item, 'type')}{': ' + said[:MAX_TOLD] if said else ''}]"


def _check_sizes(messages: Sequence[ChatMessage], name: str) -> None:
    size = sum(
        len(message.text)
        + sum(len(call.arguments) for call in message.calls)
        + sum(len(result.text) for result in message.results)
        for message in messages
    )
    if size > MAX_TEXT:
        raise BadRequest(
            f"The input holds {size} characters of text; at most {MAX_TEXT} are taken.",
            param=name,
            code="context_length_exceeded",
        )
    if (count := sum(len(message.attachments) for message in messages)) > MAX_ALL_ATTACHMENTS:
        raise BadRequest(
            f"The input holds {count} pictures and files; at most {MAX_ALL_ATTACHMENTS} are taken.",
            param=name,
        )


def texts_of(items: object) -> str:
    """The text of `instructions` that are written as items."""
    found = [part for item in objects_at({"items": items}, "items") for part in _texts(item.get("content"))]
    return "\n".join(found)


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [text for part in objects_at({"parts": content}, "parts") if (text := text_at(part, "text"))]
