"""Requests for responses: fields, tools, and what a response repeats of them."""

import itertools
from typing import Any

import pytest

from translate.openai import ResponsesRequest, responses_request
from translate.values import BadRequest, JsonFormat, Tool

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}


def asked(**fields: Any) -> ResponsesRequest:
    numbers = itertools.count(1)
    return responses_request(
        {"model": "gpt-4-s", "input": "Hi", **fields}, lambda prefix: f"{prefix}_{next(numbers)}"
    )


def test_least_request() -> None:
    request = asked()
    assert (request.model, request.stream, request.store) == ("gpt-4-s", False, True)
    assert request.instructions == request.previous_id == request.effort == ""
    assert request.tools.toolbox is None
    assert request.format is None
    assert not request.reasoning
    assert request.echo["tools"] == []
    assert request.echo["text"] == {"format": {"type": "text"}}


def test_null_is_the_same_as_nothing() -> None:
    names = (
        "instructions",
        "stream",
        "store",
        "tools",
        "tool_choice",
        "text",
        "reasoning",
        "metadata",
        "top_p",
    )
    assert asked(**dict.fromkeys(names)) == asked()


def test_what_is_made_use_of() -> None:
    request = asked(
        instructions="Be brief.",
        stream=True,
        store=False,
        previous_response_id="resp_0",
        reasoning={"effort": "high", "summary": "auto"},
    )
    assert request.stream
    assert not request.store
    assert (request.instructions, request.previous_id, request.effort) == ("Be brief.", "resp_0", "high")
    assert request.reasoning


def test_what_is_asked_is_repeated() -> None:
    given = {
        "instructions": "Be brief.",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 100,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "truncation": "auto",
        "user": "u",
        "max_tool_calls": 3,
        "top_logprobs": 0,
        "tool_choice": "none",
    }
    assert asked(**given).echo.items() >= given.items()
    text = {"verbosity": "low"}
    assert asked(text=text).echo["text"] == {"verbosity": "low", "format": {"type": "text"}}


def test_repeated_function_has_all_its_keys() -> None:
    bare, nested = {"type": "function", "name": "a"}, {"type": "function", "function": {"name": "b"}}
    hosted = {"type": "web_search", "external_web_access": True}
    echo = asked(tools=[bare, nested, hosted]).echo["tools"]
    whole = {"type": "function", "description": None, "parameters": None, "strict": True}
    assert echo == [whole | {"name": "a"}, whole | {"name": "b"}, hosted]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 7}, "model"),
        ({"model": ""}, "model"),
        ({"model": "x" * 1000}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 7}, "input"),
        ({"background": True}, "background"),
        ({"conversation": ""}, "conversation"),
        ({"conversation": 7}, "conversation"),
        ({"conversation": {}}, "conversation"),
        ({"conversation": {"id": 7}}, "conversation"),
        ({"conversation": "conv_1", "previous_response_id": "resp_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"stream": "yes"}, "stream"),
        ({"store": 1}, "store"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": True}, "top_p"),
        ({"max_output_tokens": 1.5}, "max_output_tokens"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"previous_response_id": 7}, "previous_response_id"),
        ({"instructions": 7}, "instructions"),
        ({"include": "all"}, "include"),
        ({"reasoning": "high"}, "reasoning"),
        ({"text": {"format": "json"}}, "text.format"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"tools": "all"}, "tools"),
        ({"tools": [7]}, "tools[0]"),
        ({"tools": [{"name": "a"}]}, "tools[0]"),
        ({"tools": [{"type": "mcp"}]}, "tools"),
        ({"tools": [{"type": "computer_use_preview"}]}, "tools"),
        ({"tools": [{"type": "namespace", "tools": []}]}, "tools[0].name"),
        ({"tool_choice": "must"}, "tool_choice"),
        ({"tool_choice": 7}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "none_such"}, "tools": [WEATHER]}, "tool_choice"),
    ],
)
def test_mistakes_name_the_field(fields: Any, param: str) -> None:
    with pytest.raises(BadRequest) as failure:
        asked(**fields)
    assert failure.value.param == param


def test_input_may_be_missing_behind_another_response() -> None:
    assert asked(input=None, previous_response_id="resp_0").items == ()


@pytest.mark.parametrize("named", ["conv_1", {"id": "conv_1"}])
def test_conversation_is_named_by_its_id_and_needs_no_input(named: Any) -> None:
    request = asked(conversation=named, previous_response_id=None, input=None)
    assert (request.conversation, request.previous_id, request.items) == ("conv_1", "", ())


def test_conversation_and_response_that_is_followed_exclude_each_other() -> None:
    with pytest.raises(BadRequest) as failure:
        asked(conversation={"id": "conv_1"}, previous_response_id="resp_1")
    assert failure.value.code == "mutually_exclusive_parameters"


def test_request_that_is_only_counted_needs_neither_model_nor_input() -> None:
    assert responses_request({}, lambda prefix: prefix, counted_only=True).items == ()


def test_forms_of_answers() -> None:
    assert asked(text={"format": {"type": "text"}}).format is None
    assert asked(text={"format": {"type": "json_object"}}).format == JsonFormat()
    flat = {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True, "description": "Where."}
    wanted = JsonFormat("place", "Where.", SCHEMA, strict=True)
    assert asked(text={"format": flat}).format == wanted
    nested = {"type": "json_schema", "json_schema": {**flat, "type": None}}
    assert asked(text={"format": nested}).format == wanted


def tools_of(*tools: Any, **fields: Any) -> dict[str, Tool]:
    toolbox = asked(tools=list(tools), **fields).tools.toolbox
    return {tool.name: tool for tool in toolbox.tools} if toolbox is not None else {}


def test_functions_are_strict_unless_they_say_otherwise() -> None:
    assert not tools_of(WEATHER)["get_weather"].strict
    assert tools_of({**WEATHER, "strict": None})["get_weather"].strict
    assert tools_of({"type": "function", "function": {"name": "a"}})["a"].strict


def test_schema_that_cannot_be_used_is_refused_only_where_it_is_said_to_be_strict() -> None:
    remote = {**WEATHER, "parameters": {"$ref": "https://elsewhere/schema"}}
    assert not tools_of({**remote, "strict": None})["get_weather"].strict
    with pytest.raises(BadRequest) as failure:
        asked(tools=[{**remote, "strict": True}])
    assert failure.value.param == "tools[0].parameters"


def test_custom_tools_are_raw() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    patch = {"type": "custom", "name": "apply_patch", "description": "Edits.", "format": grammar}
    assert tools_of(patch)["apply_patch"] == Tool("apply_patch", "Edits.", None, raw=True, grammar="start: x")
    assert tools_of({"type": "custom", "custom": {"name": "a"}})["a"].raw


def test_tools_of_a_namespace() -> None:
    space = {
        "type": "namespace",
        "name": "agents",
        "tools": [
            WEATHER,
            {"type": "custom", "name": "say"},
            {**WEATHER, "name": "late", "defer_loading": True},
        ],
    }
    request = asked(tools=[space])
    assert request.tools.toolbox is not None
    assert [tool.name for tool in request.tools.toolbox.tools] == ["agents__get_weather", "agents__say"]
    assert request.tools.spaces["agents__say"] == ("agents", "say")
    nameless = {"type": "namespace", "name": "agents", "tools": [{"type": "function"}]}
    with pytest.raises(BadRequest) as failure:
        asked(tools=[nameless])
    assert failure.value.param == "tools[0].tools[0].name"


def test_tools_that_are_loaded_later_are_left_out() -> None:
    assert tools_of({"type": "tool_search"}, {"type": "custom", "name": "a", "defer_loading": True}) == {}


def test_tools_that_items_bring() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "additional_tools", "role": "developer", "tools": [WEATHER]},
        {"type": "tool_search_output", "tools": [{"type": "custom", "name": "say"}]},
        {"type": "tool_search_output"},
    ]
    assert list(tools_of(input=items)) == ["get_weather", "say"]


@pytest.mark.parametrize(
    ("choice", "mode", "allowed"),
    [
        (None, "auto", set()),
        ("auto", "auto", set()),
        ("none", "none", set()),
        ("required", "required", set()),
        ({"type": "function", "name": "get_weather"}, "required", {"get_weather"}),
        ({"type": "function", "function": {"name": "get_weather"}}, "required", {"get_weather"}),
        ({"type": "custom", "name": "say"}, "required", {"say"}),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_weather"}]},
            "auto",
            {"get_weather"},
        ),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "say"}]},
            "required",
            {"say"},
        ),
        ({"type": "allowed_tools", "tools": [{"type": "web_search"}]}, "none", set()),
        (
            {"type": "function", "name": "spawn", "namespace": "agents"},
            "required",
            {"agents__spawn"},
        ),
    ],
)
def test_choices(choice: Any, mode: str, allowed: set[str]) -> None:
    space = {"type": "namespace", "name": "agents", "tools": [{**WEATHER, "name": "spawn"}]}
    toolbox = asked(
        tools=[WEATHER, {"type": "custom", "name": "say"}, space], tool_choice=choice
    ).tools.toolbox
    assert toolbox is not None
    assert (toolbox.choice, set(toolbox.allowed)) == (mode, allowed)


@pytest.mark.parametrize(
    ("tools", "choice", "hints"),
    [
        (["web_search"], None, ("search",)),
        (["web_search_preview_2025_03_11"], None, ("search",)),
        (["web_search"], {"type": "web_search_preview"}, ("search",)),
        (["image_generation"], None, ()),
        (["image_generation"], {"type": "image_generation"}, ("picture",)),
        (["code_interpreter"], {"type": "code_interpreter"}, ()),
        (["image_generation"], "required", ()),
        (["web_search"], {"type": "allowed_tools", "tools": [{"type": "web_search"}]}, ("search",)),
    ],
)
def test_hosted_tools_are_asked_for_by_hints(tools: list[str], choice: Any, hints: tuple[str, ...]) -> None:
    offered = asked(tools=[{"type": kind} for kind in tools], tool_choice=choice).tools
    assert offered.toolbox is None
    assert offered.hints == hints


def test_search_that_is_offered_beside_functions_is_not_asked_for() -> None:
    assert asked(tools=[{"type": "web_search"}, WEATHER]).tools.hints == ()


def test_one_call_at_a_time() -> None:
    toolbox = asked(tools=[WEATHER], parallel_tool_calls=False).tools.toolbox
    assert toolbox is not None
    assert not toolbox.parallel


def test_without_emulation_tools_and_forms_are_ignored_and_not_forced() -> None:
    def plain(**fields: Any) -> ResponsesRequest:
        return responses_request(
            {"model": "m", "input": "Hi", "tools": [WEATHER], **fields}, lambda prefix: prefix, emulate=False
        )

    request = plain(text={"format": {"type": "json_object"}})
    assert request.tools.toolbox is None
    assert request.format is None
    with pytest.raises(BadRequest) as failure:
        plain(tool_choice="required")
    assert failure.value.param == "tool_choice"
