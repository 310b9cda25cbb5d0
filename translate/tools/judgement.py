"""What a call that the model has written is: one for the client, or a mistake to tell the model of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from translate.tools import prompt
from translate.tools.call_reader import FoundCall
from translate.tools.envelope import NO_ARGUMENTS
from translate.tools.repair import Json, parsed, repaired, tool_named
from translate.tools.schemas import Schema, usable
from translate.values import Tool, ToolCall


@dataclass(frozen=True, slots=True)
class Mistake:
    """`question` tells the model what is wrong. `call` is what may be passed on all the same, if anything is;
    with `strict` nothing may.
    """

    question: str
    call: ToolCall | None = None
    strict: bool = False


class Judge:
    """Judges calls of the tools that may be called."""

    def __init__(self, tools: Sequence[Tool], nonce: str, new_call_id: Callable[[], str]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._nonce = nonce
        self._new_call_id = new_call_id
        self._schemas: dict[str, Schema | None] = {}

    def judge(self, found: FoundCall) -> ToolCall | Mistake:
        """The call, with the name and the arguments mended where that is safe."""
        name = tool_named(found.name, self._tools)
        if name is None:
            return Mistake(prompt.again_unknown(found.name, self._tools), strict=self._is_strict(None))
        tool = self._tools[name]
        if tool.raw:
            return ToolCall(self._new_call_id(), name, found.body, raw=True)
        body = found.body or NO_ARGUMENTS
        closed = found.closed and not found.whole
        read = repaired(body, self._schema(tool), closed=closed, wants_object=True)
        if isinstance(read, Json):
            return ToolCall(self._new_call_id(), name, read.text)
        return Mistake(prompt.again_wrong(tool, read), self._as_it_is(name, body, closed=closed), tool.strict)

    def incomplete(self, name: str) -> Mistake:
        """The mistake of a call that has no end; `name` is what it has as one, if it came so far."""
        strict = self._is_strict(tool_named(name, self._tools))
        return Mistake(prompt.again_incomplete(self._nonce), strict=strict)

    def _is_strict(self, name: str | None) -> bool:
        """Whether a call of this tool is one of a strict tool; of one that is not known, if all are."""
        tools = self._tools.values() if name is None else (self._tools[name],)
        return all(tool.strict for tool in tools)

    def _as_it_is(self, name: str, body: str, *, closed: bool) -> ToolCall | None:
        read = repaired(body, None, closed=closed, wants_object=True)
        return ToolCall(self._new_call_id(), name, read.text) if isinstance(read, Json) else None

    def _schema(self, tool: Tool) -> Schema | None:
        """None if the tool has no schema, or one that cannot be used."""
        if tool.name not in self._schemas:
            self._schemas[tool.name] = usable(tool.parameters)
        return self._schemas[tool.name]


def is_same(call: ToolCall, other: ToolCall) -> bool:
    """Whether two calls are the same, whatever their ids and the form of their arguments."""
    if (call.name, call.raw) != (other.name, other.raw):
        return False
    if call.arguments == other.arguments:
        return True
    return not call.raw and parsed(call.arguments) == parsed(other.arguments)
