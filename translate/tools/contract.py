"""What an answer has to keep to where the client has tools of its own, or wants JSON."""

import re
from collections.abc import Callable
from typing import Final

import ujson

from translate.tools import prompt
from translate.tools.envelope import NO_ARGUMENTS, call_tag
from translate.tools.schemas import SchemaError, compiled
from translate.values import (
    ApiError,
    JsonFormat,
    Kept,
    Tool,
    Toolbox,
    ToolCall,
    Unkept,
    UpstreamFailed,
    text_size,
)

MAX_HELD: Final = 4 << 20
"""Characters that are held back of one exchange."""


class AnswerContract:
    """The contract of one turn: see `Contract` of `translate.values`.

    `toolbox` and `form` are what the request has of tools and of a format, `nonce` is that of the
    conversation. `new_call_id` makes the ids of calls.
    """

    def __init__(
        self,
        toolbox: Toolbox | None,
        form: JsonFormat | None,
        nonce: str,
        new_call_id: Callable[[], str],
    ) -> None:
        self._toolbox = toolbox
        self._form = form
        self._nonce = nonce
        self._new_call_id = new_call_id
        tag = call_tag(nonce)
        self._opener = f"<{tag}"
        self._envelope = re.compile(rf'<{tag}\s+name="([^"]*)"(\s+raw)?\s*>(.*?)</{tag}>', re.DOTALL)
        self._tools = {tool.name: tool for tool in prompt.callable_tools(toolbox)} if toolbox else {}
        self._holds = form is not None or (toolbox is not None and toolbox.choice == "required")
        self._held = ""
        self._asked = False
        self._last = ""

    passes_through = False

    def feed(self, text: str) -> str:
        """See `Contract`."""
        self._held = (self._held + text)[:MAX_HELD]
        if self._holds or self._opener in self._held:
            if (at := self._held.find(self._opener)) > 0 and not self._holds:
                shown, self._held = self._held[:at].rstrip(), self._held[at:]
                return shown
            return ""
        for size in range(min(len(self._opener) - 1, len(self._held)), 0, -1):
            if self._opener.startswith(self._held[-size:]):
                shown, self._held = self._held[:-size], self._held[-size:]
                return shown
        shown, self._held = self._held, ""
        return shown

    def release(self) -> str:
        """See `Contract`."""
        if self._holds or self._opener in self._held:
            return ""
        shown, self._held = self._held, ""
        return shown

    @property
    def done(self) -> bool:
        """See `Contract`."""
        return False

    @property
    def kept(self) -> int:
        """See `Contract`."""
        return text_size(self._held)

    def conclude(self, *, cut: bool) -> Kept | Unkept:
        """See `Contract`."""
        text, self._held = self._held, ""
        calls, question = self._calls(text)
        if question is None and not calls and self._toolbox and self._toolbox.choice == "required":
            names = " or ".join(self._tools)
            question = prompt.AGAIN_FORCED.format(names=names, example=prompt.example(self._nonce))
        if question is None and not calls and self._form is not None:
            question = self._misfit(text)
        if question is None:
            before = text.partition(self._opener)[0].strip() if calls else text
            return Kept(text=before, calls=calls, closed=self._form is not None)
        self._last, self._holds = text, True
        return Unkept(question)

    def give_up(self) -> Kept | ApiError:
        """See `Contract`."""
        if self._form is not None:
            return UpstreamFailed(
                "The model's answer does not fit the schema, asked twice.",
                code="schema_not_met",
                should_retry=False,
            )
        if self._toolbox is not None and self._toolbox.choice == "required":
            return UpstreamFailed(
                "The model did not call a tool as it must, asked twice.",
                code="tool_call_failed",
                should_retry=False,
            )
        return Kept(text=self._envelope.sub("", self._last))

    def _calls(self, text: str) -> tuple[list[ToolCall], str | None]:
        calls = []
        for found in self._envelope.finditer(text):
            name, raw, body = found[1], bool(found[2]), found[3].strip("\n")
            tool = self._tools.get(name)
            if tool is None:
                return [], prompt.AGAIN_UNKNOWN.format(name=name[:128], names=", ".join(self._tools))
            if not raw and (why := _why_wrong(tool, body or NO_ARGUMENTS)):
                parameters = prompt.written_schema(tool.parameters)
                return [], prompt.AGAIN_WRONG.format(name=name, error=why, parameters=parameters)
            calls.append(ToolCall(self._new_call_id(), name, body if raw else body or NO_ARGUMENTS, raw))
        if self._opener in text and not calls:
            return [], prompt.AGAIN_INCOMPLETE.format(example=prompt.example(self._nonce))
        return calls, None

    def _misfit(self, text: str) -> str | None:
        why = _why_wrong(Tool("", parameters=self._form.schema if self._form else None), text.strip())
        return None if why is None else prompt.AGAIN_JSON.format(error=why)


def _why_wrong(tool: Tool, body: str) -> str | None:
    try:
        value = ujson.loads(body)
    except ValueError:
        return "it is not JSON"
    if tool.parameters is None:
        return None
    try:
        misfit = compiled(tool.parameters).misfit(value)
    except SchemaError:
        return None
    return None if misfit is None else str(misfit)
