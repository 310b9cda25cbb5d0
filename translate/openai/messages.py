"""The messages of a chat request, with the calls and results of tools in them.

Histories are read leniently: clients prune them, write the arguments of calls anew, and send results in any
order. The results that stand in a row are one message of the user's, in the order of their calls. The backend
takes pictures and files from users alone: those of an answer go with the user's next message, and what
else is not understood in an answer is left out.
"""

from dataclasses import dataclass, field
from typing import Final

from translate.openai.checks import check_count, expected
from translate.openai.content import MAX_ATTACHMENTS, MAX_PARTS, as_json, read_content, read_result
from translate.values import (
    Attachment,
    BadRequest,
    ChatMessage,
    JsonObject,
    Role,
    ToolCall,
    ToolResult,
    object_at,
    objects_at,
    text_at,
)

ROLES: Final[dict[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    # The backend has no role for results of tools that it did not call: it gets them as the user's text.
    "tool": "user",
    "function": "user",
}
RESULTS: Final = ("tool", "function")
"""Roles of messages that bring a result."""

MAX_ALL_ATTACHMENTS: Final = 100
"""Pictures and files of all messages."""
MAX_MESSAGES: Final = 2048
"""As many as the official service takes."""
MAX_TEXT: Final = 2 << 20
"""Characters of all messages together, twice what the official service takes in one string."""


def read_messages(value: object) -> tuple[ChatMessage, ...]:
    """The messages with something in them, at least one. Raises BadRequest with the place in `param`."""
    if value is None:
        raise BadRequest("You must provide a messages parameter.", param="messages")
    if not isinstance(value, list):
        raise BadRequest(expected("messages", "an array of objects"), param="messages")
    if not value:
        raise BadRequest("'messages' must hold at least one message.", param="messages")
    check_count(len(value), "messages", MAX_MESSAGES)
    history = _History()
    for index, raw in enumerate(value):
        history.add(raw, f"messages.[{index}]")
    messages = history.whole()
    if not messages:
        raise BadRequest("'messages' holds no text to answer.", param="messages")
    if (size := sum(map(_size, messages))) > MAX_TEXT:
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


@dataclass(slots=True)
class _History:
    """The messages so far. `calls` are all that were made, by their ids; `order` is where each of them stands
    among those of its message; `results` are those in a row that no other message has followed yet, with
    their `attachments`. `shown` are pictures and files of answers that the user has not followed yet.
    """

    messages: list[ChatMessage] = field(default_factory=list)
    calls: dict[str, ToolCall] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    results: list[ToolResult] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    shown: list[Attachment] = field(default_factory=list)

    def add(self, raw: object, param: str) -> None:
        """Read one message; one that has nothing in it is legal and happens."""
        if not isinstance(raw, dict):
            raise BadRequest(expected(param, "an object"), param=param)
        said = raw.get("role")
        role = ROLES.get(said) if isinstance(said, str) else None
        if role is None:
            raise BadRequest(
                f"Invalid value for '{param}.role': supported are {', '.join(ROLES)}.", param=f"{param}.role"
            )
        if raw.get("content") is None and role != "assistant":
            raise BadRequest(f"'{param}.content' must not be null for this role.", param=f"{param}.content")
        if said in RESULTS:
            self._add_result(raw, param)
            return
        answer = role == "assistant"
        text, attachments = read_content(raw.get("content"), f"{param}.content", lenient=answer)
        if answer:
            self.shown += attachments
            attachments = ()
        if attachments and said != "user":
            raise BadRequest("Only user messages can hold pictures and files.", param=attachments[0].param)
        calls: tuple[ToolCall, ...] = ()
        if answer:
            text = text or text_at(raw, "refusal")
            if raw.get("tool_calls") or raw.get("function_call"):
                calls = self._calls_of(raw, param)
        if text or attachments or calls:
            if self.results:
                self._end_results()
            if role == "user":
                attachments = self._with_shown(attachments)
            self.messages.append(ChatMessage(role, text, attachments, calls))

    def whole(self) -> tuple[ChatMessage, ...]:
        """All messages."""
        if self.results:
            self._end_results()
        return tuple(self.messages)

    def _calls_of(self, raw: JsonObject, param: str) -> tuple[ToolCall, ...]:
        made = objects_at(raw, "tool_calls")
        check_count(len(made), f"{param}.tool_calls", MAX_PARTS)
        if old := object_at(raw, "function_call"):
            made.append({"id": f"call_{len(self.messages)}", "function": old})
        calls = tuple(filter(None, map(_call, made)))
        for index, call in enumerate(calls):
            if call.id:
                self.calls[call.id], self.order[call.id] = call, index
        return calls

    def _add_result(self, raw: JsonObject, param: str) -> None:
        text, attachments = read_result(raw.get("content"), f"{param}.content")
        name = text_at(raw, "name")
        call_id = text_at(raw, "tool_call_id")
        if raw.get("role") == "function":  # the old form has no ids
            call_id = next((id for id, call in reversed(self.calls.items()) if call.name == name), "")
        call = self.calls.get(call_id)
        self.results.append(ToolResult(call_id, text, call.name if call is not None else name))
        self.attachments += attachments
        if len(self.attachments) > MAX_ATTACHMENTS:
            raise BadRequest(
                f"Results of one turn can hold at most {MAX_ATTACHMENTS} pictures and files.",
                param=f"{param}.content",
            )

    def _end_results(self) -> None:
        """What comes behind the results is another message."""
        ordered = sorted(self.results, key=lambda result: self.order.get(result.call_id, len(self.order)))
        attachments = self._with_shown(tuple(self.attachments))
        self.messages.append(ChatMessage("user", "", attachments, results=tuple(ordered)))
        self.results, self.attachments = [], []

    def _with_shown(self, attachments: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
        """The attachments of a user's message behind those of the answers before it, of which the last stay
        that there is room for.
        """
        room = MAX_ATTACHMENTS - len(attachments)
        shown, self.shown = self.shown[-room:] if room > 0 else [], []
        return (*shown, *attachments)


def _call(raw: JsonObject) -> ToolCall | None:
    """A call of the history; None if it does not say what was called."""
    custom = object_at(raw, "custom")
    called = custom or object_at(raw, "function")
    name = text_at(called, "name")
    if not name:
        return None
    said = called.get("input" if custom else "arguments")
    text = said if isinstance(said, str) else "" if said is None else as_json(said)
    return ToolCall(text_at(raw, "id"), name, text, raw=bool(custom))


def _size(message: ChatMessage) -> int:
    """Characters of its text, of its calls and of its results."""
    size = len(message.text)
    if message.calls or message.results:
        size += sum(len(call.name) + len(call.arguments) for call in message.calls)
        size += sum(len(result.text) for result in message.results)
    return size
