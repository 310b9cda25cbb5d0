"""What chat requests say of tools and of the form of the answer: all forms of it, and what is refused."""

import json
from typing import Any

import pytest

from translate.openai.json_body import read_object
from translate.openai.request import ChatRequest, chat_request
from translate.values import BadRequest, JsonFormat, JsonObject, Tool, Toolbox

SCHEMA: JsonObject = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "Tells the weather.", SCHEMA)
CLOCK = Tool("clock")
OFFERED = {
    "type": "function",
    "function": {"name": "weather", "description": "Tells the weather.", "parameters": SCHEMA},
}
CLOCK_TOO = {"type": "function", "function": {"name": "clock"}}
NAMED = {"type": "function", "function": {"name": "weather"}}


def read(*, emulate: bool = True, **fields: Any) -> ChatRequest:
    body = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "Hello"}], **fields}
    return chat_request(read_object(json.dumps(body).encode()), emulate=emulate)


def toolbox(**fields: Any) -> Toolbox:
    read_box = read(**({"tools": [OFFERED, CLOCK_TOO]} | fields)).toolbox
    assert read_box is not None
    return read_box


def refusal(**fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as raised:
        read(**fields)
    assert raised.value.message
    return raised.value


def test_tools_are_offered_and_may_be_called() -> None:
    assert toolbox() == Toolbox((WEATHER, CLOCK))
    assert toolbox(tool_choice="auto") == toolbox(tool_choice=None) == toolbox()


@pytest.mark.parametrize("fields", [{}, {"tools": None}, {"tools": []}, {"tools": [], "tool_choice": "auto"}])
def test_no_tools_are_no_toolbox(fields: dict[str, Any]) -> None:
    assert read(**fields).toolbox is None


def test_tool_without_a_type_is_a_function() -> None:
    assert toolbox(tools=[{"function": {"name": "clock"}}]) == Toolbox((CLOCK,))


def test_strict_tool_is_strict() -> None:
    strict = {"type": "function", "function": {"name": "clock", "strict": True, "parameters": SCHEMA}}
    (tool,) = toolbox(tools=[strict]).tools
    assert tool.strict


def test_custom_tool_takes_a_text_of_its_grammar() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: WORD"}}
    custom = {"type": "custom", "custom": {"name": "patch", "description": "Patches.", "format": grammar}}
    plain = {"type": "custom", "custom": {"name": "note", "format": {"type": "text"}}}
    assert toolbox(
        tools=[custom, plain], tool_choice={"type": "custom", "custom": {"name": "note"}}
    ) == Toolbox(
        (Tool("patch", "Patches.", raw=True, grammar="start: WORD"), Tool("note", raw=True)),
        "required",
        frozenset({"note"}),
    )


@pytest.mark.parametrize("kind", ["web_search", "web_search_preview", "web_search_2025_08_26"])
def test_search_is_what_the_backend_does_by_itself(kind: str) -> None:
    request = read(tools=[OFFERED, {"type": kind}], tool_choice="required")
    assert request.web_search
    assert request.toolbox == Toolbox((WEATHER,), "required")
    for choice in ("auto", "required", {"type": kind}):
        alone = read(tools=[{"type": kind}], tool_choice=choice)
        assert (alone.web_search, alone.toolbox) == (True, None)


ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}}


@pytest.mark.parametrize(
    ("choice", "expected", "allowed"),
    [
        ("none", "none", set()),
        ("required", "required", set()),
        (NAMED, "required", {"weather"}),
        ({"type": "function", "name": "weather"}, "required", {"weather"}),
        (ALLOWED, "required", {"weather"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED, CLOCK_TOO]}},
            "auto",
            {"weather", "clock"},
        ),
    ],
)
def test_choice_in_each_of_its_forms(choice: object, expected: str, allowed: set[str]) -> None:
    box = toolbox(tool_choice=choice)
    assert (str(box.choice), set(box.allowed), len(box.tools)) == (expected, allowed, 2)


@pytest.mark.parametrize(("value", "parallel"), [(False, False), (True, True), (None, True), ("x", True)])
def test_calls_are_parallel_unless_that_is_ruled_out(value: object, parallel: bool) -> None:
    assert toolbox(parallel_tool_calls=value).parallel is parallel


NO_TOOL: dict[str, tuple[dict[str, Any], str]] = {
    "no object": ({"tools": ["x"]}, "tools[0]"),
    "unknown type": ({"tools": [OFFERED, {"type": "hologram"}]}, "tools[1].type"),
    "type of another type": ({"tools": [{"type": 7}]}, "tools[0].type"),
    "no function": ({"tools": [{"type": "function"}]}, "tools[0].function"),
    "no custom": ({"tools": [{"type": "custom"}]}, "tools[0].custom"),
    "no name": ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
    "bad name": ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
    "forced without tools": ({"tool_choice": "required"}, "tool_choice"),
    "named without tools": ({"tool_choice": NAMED}, "tool_choice"),
    "other name": ({"tools": [CLOCK_TOO], "tool_choice": NAMED}, "tool_choice"),
    "no name to choose": ({"tools": [OFFERED], "tool_choice": {"type": "function"}}, "tool_choice"),
    "unknown choice": ({"tools": [OFFERED], "tool_choice": "any"}, "tool_choice"),
    "choice of an unknown type": ({"tools": [OFFERED], "tool_choice": {"type": "mcp"}}, "tool_choice"),
    "choice of another type": ({"tools": [OFFERED], "tool_choice": 1}, "tool_choice"),
    "nothing allowed": (
        {
            "tools": [OFFERED],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
        },
        "tool_choice",
    ),
    "function of another type": ({"functions": [1]}, "functions[0]"),
    "function without a name": ({"functions": [{}]}, "functions[0].name"),
    "other function": ({"functions": [{"name": "clock"}], "function_call": {"name": "f"}}, "function_call"),
    "forced without functions": ({"function_call": {"name": "f"}}, "function_call"),
    "function call without a name": (
        {"functions": [{"name": "clock"}], "function_call": {"name": ""}},
        "function_call",
    ),
    "required function": ({"functions": [{"name": "clock"}], "function_call": "required"}, "function_call"),
}


@pytest.mark.parametrize(("fields", "param"), NO_TOOL.values(), ids=NO_TOOL)
def test_what_cannot_be_offered_or_chosen_is_named(fields: dict[str, Any], param: str) -> None:
    assert refusal(**fields).param == param


def test_functions_of_before_tools_are_tools_of_which_one_is_called() -> None:
    request = read(functions=[OFFERED["function"], {"name": "clock"}])
    assert request.toolbox == Toolbox((WEATHER, CLOCK), parallel=False)
    assert request.old_calls
    for choice, expected in (("none", "none"), ("auto", "auto"), ({"name": "clock"}, "required")):
        box = read(functions=[{"name": "clock"}], function_call=choice).toolbox
        assert box is not None
        assert (box.choice, bool(box.allowed)) == (expected, expected == "required")


def test_tools_count_where_a_request_has_both_forms() -> None:
    request = read(tools=[OFFERED], functions=[{"name": "clock"}], function_call="none")
    assert request.toolbox == Toolbox((WEATHER,))
    assert not request.old_calls


JSON_SCHEMA = {"name": "place", "schema": SCHEMA, "strict": True, "description": "A place."}


def test_form_of_the_answer() -> None:
    assert read(response_format={"type": "text"}).format is None
    assert read(response_format={"type": "json_object"}).format == JsonFormat()
    wanted = {"type": "json_schema", "json_schema": JSON_SCHEMA}
    assert read(response_format=wanted).format == JsonFormat("place", "A place.", SCHEMA, strict=True)
    loose = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
    assert read(response_format=loose).format == JsonFormat("place", "", SCHEMA)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"type": "xml"},
        {"type": 7},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": []},
        {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
        {"type": "json_schema", "json_schema": {"name": "place"}},
        {"type": "json_schema", "json_schema": {"name": "place", "schema": {"type": "nothing"}}},
        {"type": "json_schema", "json_schema": {"name": "place", "schema": {"$ref": "https://a.example/b"}}},
    ],
    ids=repr,
)
def test_form_that_cannot_be_had_is_refused(wanted: object) -> None:
    param = refusal(response_format=wanted).param
    assert param is not None
    assert param.startswith("response_format")


def test_without_emulation_all_is_ignored_but_what_is_forced() -> None:
    wanted = {"type": "json_schema", "json_schema": JSON_SCHEMA}
    request = read(emulate=False, tools=[OFFERED, {"type": "x"}], tool_choice="auto", response_format=wanted)
    assert request == read()
    assert read(emulate=False, functions=[{"name": "clock"}], function_call="none") == read()
    for field, value in (
        ("tool_choice", "required"),
        ("tool_choice", NAMED),
        ("tool_choice", 1),
        ("function_call", {"name": "clock"}),
    ):
        assert refusal(emulate=False, tools=[OFFERED], **{field: value}).param == field
