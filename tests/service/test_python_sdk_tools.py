"""Tools and structured answers by the official Python SDK, as it is, against the running service."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

import openai
import pytest
from openai import OpenAI, pydantic_function_tool
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionCustomToolParam,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
    ChatCompletionMessageToolCallUnion,
)
from pydantic import BaseModel

from tests.processes import Pair, new_key

MODEL = "gpt-4-s"
WEATHER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
STRICT: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {**WEATHER["function"], "strict": True},
}
CLOCK: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "now",
        "description": "The time in a city.",
        "parameters": {**WEATHER["function"]["parameters"]},
    },
}
OSLO = "What is the weather in Oslo?"


class GetWeather(BaseModel):
    """The weather of a city."""

    city: str


class Verdict(BaseModel):
    """What a judge says."""

    status: Literal["fine", "bad"]
    reasons: list[str]
    weight: float | None


def asked(text: str = OSLO, **knobs: str) -> list[ChatCompletionMessageParam]:
    """One question; the model of the simulator has these `knobs`."""
    marker = " ".join(f"{name}={value}" for name, value in knobs.items())
    return [{"role": "user", "content": f"{text} [[sim {marker}]]" if knobs else text}]


def made(call: ChatCompletionMessageToolCallUnion) -> tuple[str, Any]:
    """The name and the arguments of a call."""
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    return call.function.name, json.loads(call.function.arguments)


@pytest.fixture
def client(pair: Pair) -> Iterator[OpenAI]:
    """With the SDK's own defaults, two retries included."""
    with OpenAI(base_url=pair.url, api_key=new_key()) as it:
        yield it


def test_call_is_made_and_its_result_is_used(client: OpenAI) -> None:
    messages = asked()
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0]
    assert (first.finish_reason, first.message.content) == ("tool_calls", None)
    (call,) = first.message.tool_calls or []
    assert made(call) == ("get_weather", {"city": "Oslo"})
    assert len(call.id) == len("call_") + 24
    messages += [
        first.message.to_dict(),  # type: ignore[list-item]
        {"role": "tool", "tool_call_id": call.id, "content": "Snow, -3 degrees."},
    ]
    second = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0]
    assert second.finish_reason == "stop"
    assert "Snow, -3 degrees." in (second.message.content or "")
    assert second.message.tool_calls is None


def run_tools(client: OpenAI, text: str, tools: dict[str, Callable[[Any], str]]) -> str:
    """Converse until the model calls no tool any more, streamed, as runners of tools do; return its words."""
    messages = asked(text)
    for _ in range(5):
        with client.chat.completions.stream(model=MODEL, messages=messages, tools=[WEATHER, CLOCK]) as stream:
            message = stream.get_final_completion().choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append(
            {
                "role": "assistant",
                "content": message.content,
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.function.name, "arguments": call.function.arguments},
                    }
                    for call in message.tool_calls
                ],
            }
        )
        for call in reversed(message.tool_calls):
            text = tools[call.function.name](json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": text})
    raise AssertionError("it calls tools without end")


def test_loop_of_tools_ends_in_words_that_have_all_results(client: OpenAI) -> None:
    seen: list[Any] = []

    def weather(arguments: Any) -> str:
        seen.append(arguments)
        return "It snows in Oslo."

    words = run_tools(client, OSLO, {"get_weather": weather, "now": lambda _: "noon"})
    assert seen == [{"city": "Oslo"}]
    assert "It snows in Oslo." in words


def test_stream_gives_the_text_before_the_call_and_then_the_call(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=asked(habit="before"), tools=[WEATHER]
    ) as stream:
        events = list(stream)
        final = stream.get_final_completion().choices[0]
    kinds = [event.type for event in events]
    assert kinds.index("content.delta") < kinds.index("tool_calls.function.arguments.delta")
    assert "tool_calls.function.arguments.done" in kinds
    assert final.finish_reason == "tool_calls"
    assert final.message.content
    assert not final.message.content.endswith("\n")
    assert "call-" not in final.message.content
    (call,) = final.message.tool_calls or []
    assert json.loads(call.function.arguments) == {"city": "Oslo"}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_forced_call_is_made_whatever_is_asked(client: OpenAI, choice: Any) -> None:
    completion = client.chat.completions.create(
        model=MODEL, messages=asked("Hello"), tools=[WEATHER], tool_choice=choice
    )
    (call,) = completion.choices[0].message.tool_calls or []
    assert made(call)[0] == "get_weather"
    assert completion.choices[0].finish_reason == "tool_calls"


def test_tools_that_may_not_be_called_are_not(client: OpenAI) -> None:
    choice = client.chat.completions.create(
        model=MODEL, messages=asked(), tools=[WEATHER], tool_choice="none"
    ).choices[0]
    assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)
    assert choice.message.content


def test_one_call_at_most_where_no_more_are_wanted(client: OpenAI) -> None:
    choice = client.chat.completions.create(
        model=MODEL, messages=asked(habit="between"), tools=[WEATHER], parallel_tool_calls=False
    ).choices[0]
    assert len(choice.message.tool_calls or []) == 1


def test_several_calls_have_ids_of_their_own(client: OpenAI) -> None:
    completion = client.chat.completions.create(
        model=MODEL, messages=asked("What is the weather in Oslo and in Rome?"), tools=[WEATHER]
    )
    calls = completion.choices[0].message.tool_calls or []
    assert [made(call)[1] for call in calls] == [{"city": "Oslo"}, {"city": "Rome"}]
    assert len({call.id for call in calls}) == 2


def test_parse_gives_the_arguments_of_a_strict_tool_as_an_object(client: OpenAI) -> None:
    parsed = client.chat.completions.parse(
        model=MODEL, messages=asked(), tools=[pydantic_function_tool(GetWeather, name="get_weather")]
    )
    (call,) = parsed.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == GetWeather(city="Oslo")


def test_old_functions_are_called_in_the_old_form(client: OpenAI) -> None:
    function = {key: WEATHER["function"][key] for key in ("name", "parameters")}
    choice = client.chat.completions.create(
        model=MODEL,
        messages=asked(),
        functions=[function],  # type: ignore[list-item]
    ).choices[0]
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call is not None
    assert json.loads(choice.message.function_call.arguments) == {"city": "Oslo"}
    assert choice.message.tool_calls is None
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[
            *asked(),
            choice.message.to_dict(),  # type: ignore[list-item]
            {"role": "function", "name": "get_weather", "content": "Snow."},
        ],
        functions=[function],  # type: ignore[list-item]
    ).choices[0]
    assert "Snow." in (answer.message.content or "")


def test_custom_tool_gets_a_text(client: OpenAI) -> None:
    tool: ChatCompletionCustomToolParam = {"type": "custom", "custom": {"name": "apply_patch"}}
    choice = client.chat.completions.create(
        model=MODEL,
        messages=asked("Hello"),
        tools=[tool],
        tool_choice={"type": "custom", "custom": {"name": "apply_patch"}},
    ).choices[0]
    (call,) = choice.message.tool_calls or []
    assert call.type == "custom"
    assert call.custom.name == "apply_patch"
    assert call.custom.input


@pytest.mark.parametrize("habit", ["", "fenced", "wrong_type"])
def test_parse_gives_the_answer_as_an_object(client: OpenAI, pair: Pair, habit: str) -> None:
    before = pair.upstream["attempts"]
    parsed = client.chat.completions.parse(
        model=MODEL, messages=asked("Judge.", **({"habit": habit} if habit else {})), response_format=Verdict
    )
    assert isinstance(parsed.choices[0].message.parsed, Verdict)
    assert parsed.choices[0].finish_reason == "stop"
    assert pair.upstream["attempts"] == before + (2 if habit == "wrong_type" else 1)


def test_stream_of_a_structured_answer_ends_in_its_object(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=asked("Judge."), response_format=Verdict
    ) as stream:
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Verdict)


def test_json_object_is_the_json_alone(client: OpenAI) -> None:
    content = (
        client.chat.completions.create(
            model=MODEL, messages=asked("Judge."), response_format={"type": "json_object"}
        )
        .choices[0]
        .message.content
    )
    assert isinstance(json.loads(content or ""), dict)


def test_refusal_in_words_is_a_refusal(client: OpenAI) -> None:
    message = (
        client.chat.completions.parse(
            model=MODEL, messages=asked("Judge.", habit="refuse", amends="false"), response_format=Verdict
        )
        .choices[0]
        .message
    )
    assert message.refusal
    assert (message.parsed, message.content) == (None, None)


FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "strict": (
        {"messages": asked(habit="wrong_type", amends="false"), "tools": [STRICT]},
        "tool_call_failed",
    ),
    "required": (
        {"messages": asked(habit="prose", amends="false"), "tools": [WEATHER], "tool_choice": "required"},
        "tool_call_failed",
    ),
    "schema": (
        {
            "messages": asked("Judge.", habit="wrong_type", amends="false"),
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "verdict",
                    "strict": True,
                    "schema": WEATHER["function"]["parameters"],
                },
            },
        },
        "schema_not_met",
    ),
}


@pytest.mark.parametrize(("fields", "code"), FAILURES.values(), ids=FAILURES)
def test_what_never_comes_right_is_an_error_after_one_more_question(
    client: OpenAI, pair: Pair, fields: dict[str, Any], code: str
) -> None:
    before = pair.upstream["attempts"]
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model=MODEL, **fields)
    assert (raised.value.status_code, raised.value.code) == (502, code)
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert pair.upstream["attempts"] == before + 2


@pytest.mark.parametrize(("fields", "code"), FAILURES.values(), ids=FAILURES)
def test_what_never_comes_right_is_an_error_in_a_stream_as_well(
    client: OpenAI, pair: Pair, fields: dict[str, Any], code: str
) -> None:
    before = pair.upstream["attempts"]
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APIError) as raised:
        chunks.extend(client.chat.completions.create(model=MODEL, stream=True, **fields))
    assert not any(chunk.choices[0].delta.tool_calls for chunk in chunks)
    assert raised.value.code == code
    assert pair.upstream["attempts"] == before + 2


def test_call_that_is_wrong_without_being_strict_is_passed_on(client: OpenAI, pair: Pair) -> None:
    before = pair.upstream["attempts"]
    choice = client.chat.completions.create(
        model=MODEL, messages=asked(habit="wrong_type", amends="false"), tools=[WEATHER]
    ).choices[0]
    (call,) = choice.message.tool_calls or []
    assert made(call) != ("get_weather", {"city": "Oslo"})
    assert pair.upstream["attempts"] == before + 2


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
    "forced": ({"tool_choice": "required"}, "tool_choice"),
    "type": ({"tools": [{"type": "mcp"}]}, "tools[0].type"),
    "strict schema": (
        {
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "f", "strict": True, "parameters": {"type": "nothing"}},
                }
            ]
        },
        "tools[0].function.parameters",
    ),
    "remote schema": (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"$ref": "https://a.example/schema"}},
            }
        },
        "response_format.json_schema.schema",
    ),
}


@pytest.mark.parametrize(("fields", "param"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_refused_before_anything_is_spent(
    client: OpenAI, pair: Pair, fields: dict[str, Any], param: str
) -> None:
    before = pair.upstream["attempts"]
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model=MODEL, messages=asked(), **fields)
    assert raised.value.param == param
    assert pair.upstream["attempts"] == before
