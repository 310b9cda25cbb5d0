"""The model of the simulator reads what the service writes about tools and JSON, and the other way round."""

from collections.abc import Sequence
from typing import Any

import pytest

from simulator.agents import Habit, Instructions, Said, read_instructions, wanted_calls, written_calls
from simulator.habit_names import HABITS
from tests.simulator.agents.prompts import WEATHER, call_of, go_on
from tests.simulator.client import ask, message, running
from translate.tools import AnswerContract, checked_format, checked_tool, instructed
from translate.values import ChatMessage, JsonFormat, Kept, Native, Toolbox, ToolCall, ToolResult, Unkept

NONCE = "7f3a9c12"
OFFERED = (
    checked_tool("get_weather", "The weather\nof a city.", WEATHER, param="tools[0]"),
    checked_tool(
        "apply_patch", "Changes files.", None, param="tools[1]", raw=True, grammar='start: "x"\nrest: "y"'
    ),
    checked_tool("now", None, None, param="tools[2]"),
)
FORM = checked_format("place", None, WEATHER, strict=True, param="response_format.json_schema")
ASKED = (ChatMessage("system", "Be brief."), ChatMessage("user", "What is the weather in Oslo?"))


def said(toolbox: Toolbox | None, form: JsonFormat | None = None, *more: ChatMessage) -> list[Said]:
    """The messages of a request as the backend gets them."""
    return [(each.role, each.text) for each in instructed((*ASKED, *more), toolbox, form, NONCE)]


def read(toolbox: Toolbox | None, form: JsonFormat | None = None, *more: ChatMessage) -> Instructions:
    """What the model makes of that."""
    return read_instructions([], said(toolbox, form, *more))


def contract(toolbox: Toolbox | None, form: JsonFormat | None = None) -> AnswerContract:
    return AnswerContract(toolbox, form, NONCE, lambda: "call_1")


def test_the_list_of_tools_is_read() -> None:
    asked = read(Toolbox(OFFERED))
    assert asked.tag == f"call-{NONCE}"
    assert [(tool.name, tool.raw) for tool in asked.tools] == [
        ("get_weather", False),
        ("apply_patch", True),
        ("now", False),
    ]
    assert asked.tools[0].schema == WEATHER
    assert asked.question == "What is the weather in Oslo?"
    assert (asked.must, asked.allowed, asked.forbidden, asked.single) == (False, (), False, False)
    assert not asked.own_too
    assert read(Toolbox(OFFERED, native=frozenset({Native.WEB_SEARCH}))).own_too


@pytest.mark.parametrize(
    ("toolbox", "expected"),
    [
        (Toolbox(OFFERED, "required"), {"must": True, "allowed": ()}),
        (Toolbox(OFFERED, "required", frozenset({"now"})), {"must": True, "allowed": ("now",)}),
        (
            Toolbox(OFFERED, "required", frozenset({"now", "get_weather"})),
            {"must": True, "allowed": ("get_weather", "now")},
        ),
        (Toolbox(OFFERED, "auto", frozenset({"now"})), {"must": False, "allowed": ("now",)}),
        (Toolbox(OFFERED, parallel=False), {"single": True, "must": False}),
    ],
)
def test_what_must_and_may_be_called_is_read(toolbox: Toolbox, expected: dict[str, Any]) -> None:
    asked = read(toolbox)
    assert {name: getattr(asked, name) for name in expected} == expected
    assert asked.question == "What is the weather in Oslo?"


def test_tools_that_may_not_be_called_are_not_called() -> None:
    assert wanted_calls(read(Toolbox(OFFERED, "none"))) == ()
    known = said(Toolbox(OFFERED))
    later = instructed([ChatMessage("user", "weather in Rome")], Toolbox(OFFERED, "none"), None, NONCE)
    assert wanted_calls(read_instructions(known, [(each.role, each.text) for each in later])) == ()


def test_the_form_of_the_answer_is_read() -> None:
    assert (read(None, FORM).wants_json, read(None, FORM).schema) == (True, WEATHER)
    assert (read(None, JsonFormat()).wants_json, read(None, JsonFormat()).schema) == (True, None)
    both = read(Toolbox(OFFERED), FORM)
    assert (both.wants_json, both.schema, len(both.tools)) == (True, WEATHER, 3)


def test_results_and_earlier_calls_are_read() -> None:
    history = (
        ChatMessage("assistant", "", calls=(ToolCall("c1", "get_weather", '{"city": "Oslo"}'),)),
        ChatMessage("user", "", results=(ToolResult("c1", "3 <degrees>", "get_weather", failed=True),)),
    )
    asked = read(Toolbox(OFFERED), None, *history)
    assert [(each.name, each.text, each.failed) for each in asked.results] == [
        ("get_weather", "3 <degrees>", True)
    ]
    assert asked.called == {"get_weather"}
    assert asked.question == "What is the weather in Oslo?"


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_what_the_model_writes_is_what_the_service_reads(choice: Any) -> None:
    toolbox = Toolbox(OFFERED, choice)
    read_by = contract(toolbox)
    shown = (
        read_by.feed(written_calls(wanted_calls(read(toolbox)), read(toolbox), Habit())) + read_by.release()
    )
    kept = read_by.conclude(cut=False)
    assert shown == ""
    assert isinstance(kept, Kept)
    assert [(call.name, call.arguments) for call in kept.calls] == [("get_weather", '{"city": "Oslo"}')]


WELL = call_of("get_weather", '{"city": "Oslo"}')
CASES: Sequence[tuple[Toolbox | None, JsonFormat | None, str]] = (
    (Toolbox(OFFERED, "required"), None, "prose"),
    (Toolbox(OFFERED), None, "unknown"),
    (Toolbox(OFFERED), None, "cut"),
    (Toolbox(OFFERED), None, "missing_field"),
    (None, FORM, "prose"),
    (None, FORM, "missing_field"),
)


@pytest.mark.parametrize(("toolbox", "form", "habit"), CASES)
@pytest.mark.parametrize("amends", [True, False])
async def test_when_asked_again_the_model_does_better_if_it_amends(
    toolbox: Toolbox | None, form: JsonFormat | None, habit: str, amends: bool
) -> None:
    assert habit in HABITS
    *rules, (_, question) = said(toolbox, form)
    marker = f"[[sim habit={habit} amends={amends:d}]]"
    async with running() as simulator:
        first = await ask(simulator, *(message(text, role) for role, text in rules), f"{marker}{question}")
        read_by = contract(toolbox, form)
        read_by.feed(first.text)
        unkept = read_by.conclude(cut=False)
        assert isinstance(unkept, Unkept)
        second = await go_on(simulator, first, unkept.question)
    read_by.feed(second.text)
    assert second.text == (WELL if toolbox else '{"city": "Oslo"}') if amends else first.text
    if amends:
        assert isinstance(read_by.conclude(cut=False), Kept)
