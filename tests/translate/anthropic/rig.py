"""Reads what a client of Anthropic's API gets, as strictly as the strictest client."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from translate.anthropic import Envelope, MessagesStream, WholeMessage
from translate.text import AnswerBuilder
from translate.values import AnswerEnd, Event, TextDelta, ToolCall, Usage

ID, MODEL, REQUEST_ID = "msg_1", "gpt-4-s", "req_1"
USAGE = Usage(prompt_tokens=11, completion_tokens=3)
ERRORS = Envelope(REQUEST_ID)
CALL = ToolCall("call_Zk3", "get_weather", '{"city": "Oslo"}')

Json = dict[str, Any]


@dataclass
class Message:
    """What the SDKs put together of the events."""

    events: list[Json] = field(default_factory=list)
    blocks: list[Json] = field(default_factory=list)
    end: Json = field(default_factory=dict)
    error: Json | None = None
    done: bool = False


def message_stream() -> MessagesStream:
    return MessagesStream(id=ID, model=MODEL, expected=Usage(9, 1), errors=ERRORS)


def whole_message() -> WholeMessage:
    return WholeMessage(id=ID, model=MODEL, errors=ERRORS)


def written(text: str) -> TextDelta:
    builder = AnswerBuilder()
    builder.add_text(text)
    builder.flush()
    event = builder.events.pop(0)
    assert isinstance(event, TextDelta)
    return event


def end_of(*texts: str, reason: str = "stop", stop_sequence: str = "") -> AnswerEnd:
    builder = AnswerBuilder()
    for text in texts:
        builder.add_text(text)
    return AnswerEnd(reason, USAGE, builder.answer, stop_sequence=stop_sequence)


def streamed(events: Iterable[Event], end: AnswerEnd) -> bytes:
    format = message_stream()
    return format.open() + b"".join(map(format.encode, events)) + format.finish(end)


def whole(events: Iterable[Event], end: AnswerEnd) -> Json:
    format = whole_message()
    assert format.open() == b"".join(map(format.encode, events)) == format.idle(visible=True) == b""
    message = json.loads(format.finish(end))
    assert isinstance(message, dict)
    return message


def read(out: bytes) -> Message:
    """The message that a stream tells, which must keep to all rules."""
    message = Message()
    *events, rest = out.split(b"\n\n")
    assert rest == b""
    for event in events:
        name, data = event.split(b"\n")
        assert name.startswith(b"event: ")
        assert data.startswith(b"data: {")
        assert len(data) < 64 * 1024
        parsed = json.loads(data[6:])
        assert parsed["type"] == name[7:].decode()
        if parsed["type"] != "ping":
            _take(message, parsed)
    return message


def _take(message: Message, event: Json) -> None:
    assert not message.done
    assert message.error is None
    assert (event["type"] == "message_start") == (not message.events)
    message.events.append(event)
    last: Json = message.blocks[-1] if message.blocks else {"closed": True}
    match event["type"]:
        case "message_start":
            assert event["message"]["usage"]["input_tokens"] > 0
        case "content_block_start":
            assert last["closed"]
            assert event["index"] == len(message.blocks)
            message.blocks.append({**event["content_block"], "closed": False, "partial": ""})
        case "content_block_delta":
            assert not last["closed"]
            assert event["index"] == len(message.blocks) - 1
            _lengthen(last, event["delta"])
        case "content_block_stop":
            assert not last["closed"]
            assert event["index"] == len(message.blocks) - 1
            last["closed"] = True
            if last["type"] == "tool_use":
                last["input"] = json.loads(last["partial"])
        case "message_delta":
            assert last["closed"]
            message.end = event["delta"] | {"usage": event["usage"]}
        case "message_stop":
            assert message.end
            message.done = True
        case "error":
            message.error = event
        case other:
            raise AssertionError(other)


def _lengthen(block: Json, delta: Json) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "input_json_delta":
            block["partial"] += delta["partial_json"]
        case other:
            raise AssertionError(other)
