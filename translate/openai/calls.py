"""Calls of the client's tools, as chat completions write them.

Rules that hold for every client: the first delta of a call has its index, id, type, name and `"arguments":""`
and the later ones index and arguments alone; calls come one after the other, indexes count from 0; in a whole
message `tool_calls` is absent, not empty, where there are none.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from translate.text import escaped
from translate.values import ToolCall, json_text

PIECE: Final = 4000
"""Characters of one delta: an escaped one takes up to 12 bytes, and a line must stay under 64 KiB."""


def pieces_of(text: str) -> Iterator[bytes]:
    """`text` as insides of JSON strings, each fit for a chunk of its own."""
    return (escaped(text[at : at + PIECE]) for at in range(0, len(text), PIECE))


def call_deltas(call: ToolCall, index: int) -> Iterator[bytes]:
    """The insides of the deltas that a stream has for the call number `index`."""
    kind, text = ("custom", "input") if call.raw else ("function", "arguments")
    about = (
        f'"id":{json_text(call.id)},"type":"{kind}","{kind}":{{"name":{json_text(call.name)},"{text}":""}}'
    )
    yield f'"tool_calls":[{{"index":{index},{about}}}]'.encode()
    head = f'"tool_calls":[{{"index":{index},"{kind}":{{"{text}":"'.encode()
    for piece in pieces_of(call.arguments):
        yield head + piece + b'"}}]'


def old_call_deltas(call: ToolCall) -> Iterator[bytes]:
    """The same in the form of before tools, which has one call only."""
    yield f'"function_call":{{"name":{json_text(call.name)},"arguments":""}}'.encode()
    for piece in pieces_of(call.arguments):
        yield b'"function_call":{"arguments":"' + piece + b'"}'


def whole_calls(calls: Sequence[ToolCall]) -> bytes:
    """`"tool_calls":[...]` of a whole message; nothing if there are none."""
    return b'"tool_calls":[' + b",".join(map(_whole, calls)) + b"]" if calls else b""


def whole_old_call(calls: Sequence[ToolCall]) -> bytes:
    """`"function_call":{...}` for the first call; nothing if there is none."""
    return b'"function_call":' + _named(calls[0], "arguments") if calls else b""


def _whole(call: ToolCall) -> bytes:
    kind, text = ("custom", "input") if call.raw else ("function", "arguments")
    return f'{{"id":{json_text(call.id)},"type":"{kind}","{kind}":'.encode() + _named(call, text) + b"}"


def _named(call: ToolCall, text: str) -> bytes:
    return f'{{"name":{json_text(call.name)},"{text}":"'.encode() + escaped(call.arguments) + b'"}'
