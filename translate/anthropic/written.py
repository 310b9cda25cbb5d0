"""What streams and whole messages write alike: stop reasons, token counts, ids of blocks."""

from typing import Final

from translate.values import AnswerEnd, JsonObject, ToolCall, Usage, well_formed

STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
}
"""Anthropic's stop reasons, by OpenAI's finish reasons."""


def stop_fields(end: AnswerEnd, *, refused: bool) -> JsonObject:
    """Why the message ended; `refused` if the model would not give the form that was asked for."""
    reason = "refusal" if refused else STOP_REASONS.get(end.reason, "end_turn")
    if reason == "end_turn" and end.stop_sequence:
        return {"stop_reason": "stop_sequence", "stop_sequence": well_formed(end.stop_sequence)}
    return {"stop_reason": reason, "stop_sequence": None}


def usage_object(usage: Usage) -> JsonObject:
    """`usage` of a message, with every key that the schema has; nothing is kept in a cache here."""
    return {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "cache_creation": None,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "inference_geo": None,
        "output_tokens_details": None,
        "server_tool_use": None,
        "service_tier": None,
    }


def message_object(id: str, model: str, usage: Usage) -> JsonObject:
    """A message that has only begun."""
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": usage_object(usage),
    }


def tool_use(call: ToolCall) -> JsonObject:
    """The block of a call, without its input. Its id looks like Anthropic's."""
    return {
        "type": "tool_use",
        "id": "toolu_" + call.id.removeprefix("call_"),
        "name": well_formed(call.name),
        "input": {},
        "caller": {"type": "direct"},
    }


def named_event(name: str, data: bytes) -> bytes:
    """An event of a stream."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
