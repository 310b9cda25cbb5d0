"""Whole messages: every key that the schema has, and the blocks in their order."""

import json

import pytest

from tests.translate.anthropic.rig import CALL, end_of, whole, whole_message, written
from translate.values import ReasoningDelta, Refused, ToolCall, ToolCalled, UpstreamTimeout


def test_message_is_as_the_contract_has_it() -> None:
    message = whole([written("Let me look."), ToolCalled(CALL)], end_of("Let me look.", reason="tool_calls"))
    assert message == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "gpt-4-s",
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "content": [
            {"type": "text", "text": "Let me look.", "citations": []},
            {
                "type": "tool_use",
                "id": "toolu_Zk3",
                "name": "get_weather",
                "input": {"city": "Oslo"},
                "caller": {"type": "direct"},
            },
        ],
        "usage": {
            "input_tokens": 11,
            "output_tokens": 3,
            "cache_creation": None,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "inference_geo": None,
            "output_tokens_details": None,
            "server_tool_use": None,
            "service_tier": None,
        },
    }


def test_reasoning_comes_first() -> None:
    message = whole([written("So."), ReasoningDelta([b"Hm", b"m."])], end_of("So."))
    assert message["content"] == [
        {"type": "thinking", "thinking": "Hmm.", "signature": ""},
        {"type": "text", "text": "So.", "citations": []},
    ]


def test_numbers_of_an_input_stay_as_the_model_wrote_them() -> None:
    call = ToolCall("call_1", "add", '{"a": 12345678901234567890, "b": 0.10}')
    format = whole_message()
    format.encode(ToolCalled(call))
    assert b'"input":{"a": 12345678901234567890, "b": 0.10}' in format.finish(end_of(reason="tool_calls"))


def test_refusal_is_the_text() -> None:
    message = whole([Refused("I \N{LATIN SMALL LETTER E WITH ACUTE}.")], end_of())
    assert message["content"] == [{"type": "text", "text": "I é.", "citations": []}]
    assert message["stop_reason"] == "refusal"


@pytest.mark.parametrize(
    ("reason", "met", "told"),
    [
        ("stop", "", ("end_turn", None)),
        ("stop", "END", ("stop_sequence", "END")),
        ("length", "", ("max_tokens", None)),
        ("content_filter", "", ("refusal", None)),
        ("tool_calls", "", ("tool_use", None)),
        ("of another kind", "", ("end_turn", None)),
    ],
)
def test_reason_of_the_end_is_told_in_the_words_of_this_api(
    reason: str, met: str, told: tuple[str, str | None]
) -> None:
    message = whole([], end_of("So.", reason=reason, stop_sequence=met))
    assert (message["stop_reason"], message["stop_sequence"]) == told


def test_failure_is_the_whole_body() -> None:
    body = json.loads(whole_message().fail(UpstreamTimeout("Too late.")))
    assert body["error"] == {"type": "timeout_error", "message": "Too late."}
