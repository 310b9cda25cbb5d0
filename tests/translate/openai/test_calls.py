"""Calls of tools as clients receive them: in chunks and in whole messages, in both forms, and refusals."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from tests.translate.reading import CREATED, ID, MAX_LINE, MODEL, Json, data_lines
from tests.translate.schemas import check
from translate.openai import ChatStream, WholeChat
from translate.text import AnswerBuilder
from translate.values import AnswerEnd, Event, Refused, ToolCall, ToolCalled, Usage

OSLO = ToolCall("call_1", "get_weather", '{"city": "Oslo"}')
ROME = ToolCall("call_2", "get_weather", '{"city": "Roma \\"\\u00e8\\" 🔥"}')
PATCH = ToolCall("call_3", "apply_patch", "*** Begin\n+é\n", raw=True)


def end_of(text: str, reason: str) -> AnswerEnd:
    builder = AnswerBuilder()
    builder.add_text(text)
    return AnswerEnd(reason, Usage(5, 7), builder.answer)


def streamed(events: Sequence[Event], reason: str = "tool_calls", *, old_calls: bool = False) -> list[Json]:
    """The chunks behind the first one."""
    format = ChatStream(id=ID, created=CREATED, model=MODEL, old_calls=old_calls)
    out = b"".join(map(format.encode, events)) + format.finish(end_of("", reason))
    return [json.loads(line) for line in data_lines(out) if line != b"[DONE]"]


def whole(
    events: Sequence[Event], text: str = "", reason: str = "tool_calls", *, old_calls: bool = False
) -> Json:
    format = WholeChat(id=ID, created=CREATED, model=MODEL, old_calls=old_calls)
    assert b"".join(map(format.encode, events)) == b""
    completion: Json = json.loads(format.finish(end_of(text, reason)))
    return completion


def choice_of(body: Json) -> Json:
    choices = body["choices"]
    assert isinstance(choices, list)
    choice: Json = choices[0]
    return choice


def deltas(chunks: list[Json]) -> list[object]:
    return [choice_of(chunk)["delta"] for chunk in chunks]


def test_first_delta_of_a_call_names_it_and_the_later_ones_bring_its_arguments() -> None:
    chunks = streamed([ToolCalled(OSLO), ToolCalled(ROME)])
    named = {"type": "function", "function": {"name": "get_weather", "arguments": ""}}
    assert deltas(chunks) == [
        {"tool_calls": [{"index": 0, "id": "call_1", **named}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": OSLO.arguments}}]},
        {"tool_calls": [{"index": 1, "id": "call_2", **named}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": ROME.arguments}}]},
        {},
    ]
    assert [choice_of(chunk)["finish_reason"] for chunk in chunks] == [None] * 4 + ["tool_calls"]
    for chunk in chunks:
        check(chunk, "CreateChatCompletionStreamResponse")


def test_whole_message_of_calls_alone_has_null_for_its_content() -> None:
    completion = whole([ToolCalled(OSLO), ToolCalled(ROME)])
    assert choice_of(completion) == {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in (OSLO, ROME)
            ],
            "annotations": [],
            "refusal": None,
        },
        "logprobs": None,
        "finish_reason": "tool_calls",
    }
    check(completion, "CreateChatCompletionResponse")


def message_of(completion: Json) -> Json:
    message = choice_of(completion)["message"]
    assert isinstance(message, dict)
    return message


def test_text_before_a_call_stays_and_without_calls_there_is_no_key_for_them() -> None:
    assert message_of(whole([ToolCalled(OSLO)], "Let me look."))["content"] == "Let me look."
    plain = message_of(whole([], "", "stop"))
    assert plain["content"] == ""
    assert not plain.keys() & {"tool_calls", "function_call"}


def test_old_form_is_one_function_call_and_its_own_finish_reason() -> None:
    chunks = streamed([ToolCalled(OSLO)], old_calls=True)
    assert deltas(chunks) == [
        {"function_call": {"name": "get_weather", "arguments": ""}},
        {"function_call": {"arguments": OSLO.arguments}},
        {},
    ]
    assert choice_of(chunks[-1])["finish_reason"] == "function_call"
    completion = whole([ToolCalled(OSLO)], old_calls=True)
    assert message_of(completion)["function_call"] == {"name": "get_weather", "arguments": OSLO.arguments}
    assert "tool_calls" not in message_of(completion)
    assert choice_of(completion)["finish_reason"] == "function_call"
    for body, schema in ((completion, ""), *((chunk, "Stream") for chunk in chunks)):
        check(body, f"CreateChatCompletion{schema}Response")
    assert choice_of(whole([], "Hi", "stop", old_calls=True))["finish_reason"] == "stop"


def test_custom_tool_gets_its_text_as_input() -> None:
    assert deltas(streamed([ToolCalled(PATCH)])) == [
        {
            "tool_calls": [
                {"index": 0, "id": "call_3", "type": "custom", "custom": {"name": "apply_patch", "input": ""}}
            ]
        },
        {"tool_calls": [{"index": 0, "custom": {"input": PATCH.arguments}}]},
        {},
    ]
    completion = whole([ToolCalled(PATCH)])
    assert message_of(completion)["tool_calls"] == [
        {"id": "call_3", "type": "custom", "custom": {"name": "apply_patch", "input": PATCH.arguments}}
    ]
    check(completion, "CreateChatCompletionResponse")


def test_refusal_stands_in_its_own_field() -> None:
    chunks = streamed([Refused("I can’t.")], "stop")
    assert deltas(chunks) == [{"refusal": "I can’t."}, {}]
    completion = whole([Refused("I can’t.")], "", "stop")
    message = message_of(completion)
    assert (message["refusal"], message["content"]) == ("I can’t.", None)
    assert choice_of(completion)["finish_reason"] == "stop"
    check(completion, "CreateChatCompletionResponse")
    check(chunks[0], "CreateChatCompletionStreamResponse")


@pytest.mark.parametrize("call", [OSLO, PATCH], ids=["function", "custom"])
def test_long_arguments_come_in_lines_that_every_client_can_read(call: ToolCall) -> None:
    long = ToolCall(call.id, call.name, "🔥" * 50_000, raw=call.raw)
    format = ChatStream(id=ID, created=CREATED, model=MODEL)
    out = format.encode(ToolCalled(long))
    assert max(map(len, out.split(b"\n"))) < MAX_LINE


CALLS = st.lists(
    st.tuples(st.text("abc_", min_size=1, max_size=5), st.text(min_size=1, max_size=9_000)),
    min_size=1,
    max_size=3,
)


@given(CALLS)
def test_official_sdk_puts_any_calls_together_again(made: list[tuple[str, str]]) -> None:
    calls = [ToolCall(f"call_{at}", name, text) for at, (name, text) in enumerate(made)]
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in streamed([ToolCalled(call) for call in calls]):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    together = state.get_final_completion().choices[0].message.tool_calls or []
    assert [(call.id, call.function.name, call.function.arguments) for call in together] == [
        (call.id, call.name, call.arguments) for call in calls
    ]
