"""What is shortened, and in which order, where a prompt is too long for the backend.

First results of tools that are long past, then descriptions, then all long results, then the parameters of
tools that were never called. The client's own texts are never shortened.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from translate.values import ChatMessage, JsonObject, Tool, ToolResult

ROOM: Final = 140_000
"""Bytes of a prompt that the backend surely takes in one message, with some to spare."""
RECENT: Final = 3
"""Messages with results, from the end, that are recent."""
RECENT_RESULT: Final = 4000
"""Characters that are left of a recent result, except in the newest message."""
NEWEST_RESULT: Final = 20_000
"""Characters that are left of a result in the newest message."""
SHORT_DESCRIPTION: Final = 300
SHORT_PARAMETER: Final = 100
LEFT_OUT: Final = "[{count} characters are left out here.]"
BEHIND_A_PARAGRAPH: Final = re.compile(r"\n\s*\n")
UNNEEDED: Final = frozenset({"examples", "title", "$schema", "additionalProperties", "$comment"})
"""Keywords that say nothing of how a tool is called."""
OF_NAMES: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords under which keys are names."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How much is shortened."""

    old_results: bool = False
    descriptions: bool = False
    results: bool = False
    uncalled: bool = False


MEASURES: Final = (
    Measure(),
    Measure(old_results=True),
    Measure(old_results=True, descriptions=True),
    Measure(old_results=True, descriptions=True, results=True),
    Measure(old_results=True, descriptions=True, results=True, uncalled=True),
)
"""One after the other, until the prompt is short enough."""


def size_of(messages: Sequence[ChatMessage]) -> int:
    """Bytes of the texts."""
    return sum(len(message.text.encode(errors="replace")) for message in messages)


def shortened(messages: Sequence[ChatMessage], measure: Measure) -> list[ChatMessage]:
    """The messages with their results as `measure` says."""
    if not (measure.old_results or measure.results):
        return list(messages)
    bearing = [at for at, message in enumerate(messages) if message.results]
    newest = {bearing[-1]} if bearing and "assistant" not in _roles_behind(messages, bearing[-1]) else set()
    recent = set(bearing[-RECENT:])
    result = []
    for at, message in enumerate(messages):
        if message.results and at not in newest:
            limit = RECENT_RESULT if measure.results else None
            limit = limit if at in recent else 0
            message = replace(message, results=_all_cut(message.results, limit))
        elif message.results and measure.results:
            message = replace(message, results=_all_cut(message.results, NEWEST_RESULT))
        result.append(message)
    return result


def short_tool(tool: Tool) -> Tool:
    """A tool with short descriptions, and a schema of no more than what calls need."""
    first = BEHIND_A_PARAGRAPH.split(tool.description.strip(), maxsplit=1)[0]
    parameters = _short_schema(tool.parameters) if tool.parameters else tool.parameters
    return replace(tool, description=_cut_end(first, SHORT_DESCRIPTION), parameters=parameters)


def cut_middle(text: str, limit: int) -> str:
    """`text` with its two ends only, together `limit` characters, and a note between them."""
    if len(text) <= limit:
        return text
    note = LEFT_OUT.format(count=len(text) - limit)
    head = (limit + 1) // 2
    return f"{text[:head]}\n{note}\n{text[len(text) - (limit - head) :]}"


def _roles_behind(messages: Sequence[ChatMessage], at: int) -> set[str]:
    return {message.role for message in messages[at + 1 :]}


def _all_cut(results: Sequence[ToolResult], limit: int | None) -> tuple[ToolResult, ...]:
    """The results with so many characters each; with 0 in one line if that is shorter."""
    if limit is None:
        return tuple(results)
    return tuple(replace(result, text=_cut(result.text, limit)) for result in results)


def _cut(text: str, limit: int) -> str:
    if limit:
        return cut_middle(text, limit)
    note = LEFT_OUT.format(count=len(text))
    return note if len(note) < len(text) else text


def _cut_end(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit].rstrip()}..."


def _short_schema(schema: JsonObject) -> JsonObject:
    short: JsonObject = {}
    for key, value in schema.items():
        if key in UNNEEDED or (key == "default" and value is None):
            continue
        if key == "description" and isinstance(value, str):
            short[key] = _cut_end(value.strip().partition("\n")[0], SHORT_PARAMETER)
        elif key in OF_NAMES and isinstance(value, dict):
            short[key] = {name: _short_value(inner) for name, inner in value.items()}
        elif key in ("enum", "const"):
            short[key] = value
        else:
            short[key] = _short_value(value)
    return short


def _short_value(value: object) -> object:
    if isinstance(value, dict):
        return _short_schema(value)
    if isinstance(value, list):
        return [_short_value(item) for item in value]
    return value
