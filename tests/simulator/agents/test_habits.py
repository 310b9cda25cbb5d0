"""The ways in which a model does not do as it is told: each has a stream that shows it."""

import json
import re
from collections.abc import Callable

import pytest

from simulator import Knobs
from simulator.habit_names import HABITS
from tests.simulator.agents.prompts import (
    MUST,
    OSLO,
    TAG,
    ask_with_tools,
    call_of,
    go_on,
    json_text,
    result_of,
    tools_text,
)
from tests.simulator.client import IN_2026, ask, ask_2026, message, running

OPEN, CLOSE = f'<{TAG} name="get_weather">', f"</{TAG}>"
FORM = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}

CALLS: dict[str, str] = {
    "before": f"I will look that up.\n\n{OSLO}",
    "after": f"{OSLO}\n\nThe tool says that all is well: 21 degrees, and no clouds. Is there anything else?",
    "between": f"{OSLO}\nAnd now the other one.\n{OSLO}",
    "twice": f"{OSLO}\n{OSLO}",
    "unclosed": f'{OPEN}\n{{"city": "Oslo"}}',
    "one_line": f'{OPEN}{{"city": "Oslo"}}{CLOSE}',
    "fenced": f"```\n{OSLO}\n```",
    "quoted": f"It would look like this:\n\n```\n{OSLO}\n```\n\nShall I?",
    "inline": f'I would write `{OPEN} {{"city": "Oslo"}} {CLOSE}` for that.',
    "false_start": f'{OPEN}\n{{"city":\n{OSLO}',
    "closing_inside": call_of("get_weather", f'{{"city": "Oslo {CLOSE} and on"}}'),
    "nameless": f'<{TAG}>\n{{"city": "Oslo"}}\n{CLOSE}',
    "wrong_tag": OSLO.replace(TAG, "call-00c0ffee"),
    "entities": OSLO.replace("<", "&lt;").replace(">", "&gt;"),
    "wrong_case": call_of("GET_WEATHER", '{"city": "Oslo"}'),
    "prefixed": call_of("functions.get_weather", '{"city": "Oslo"}'),
    "near_name": call_of("get_weathers", '{"city": "Oslo"}'),
    "unknown": call_of("no_such_tool", '{"city": "Oslo"}'),
    "pretty": call_of("get_weather", '{\n  "city": "Oslo"\n}'),
    "raw_newlines": call_of("get_weather", '{"city": "Osloone\n\ttwo"}'),
    "trailing_comma": call_of("get_weather", '{"city": "Oslo",}'),
    "spaces": call_of("get_weather", '\ufeff\u00a0{\n\u00a0\u00a0"city": "Oslo"\n}\u00a0'),
    "object_in_fence": call_of("get_weather", '```json\n{"city": "Oslo"}\n```'),
    "lone_backslash": call_of("get_weather", '{"city": "Oslo\\d+\\ "}'),
    "missing_brace": call_of("get_weather", '{"city": "Oslo"'),
    "json_in_string": call_of("get_weather", '"{\\"city\\": \\"Oslo\\"}"'),
    "single_quotes": call_of("get_weather", "{'city': 'Oslo'}"),
    "unquoted_keys": call_of("get_weather", '{city: "Oslo"}'),
    "python_literals": call_of("get_weather", '{"city": "Oslo", "sure": True}'),
    "smart_quotes": call_of("get_weather", "{“city”: “Oslo”}"),
    "cut": f'{OPEN}\n{{"city": "',
    "doubled": call_of("get_weather", '{"city": "Oslo"}{"city": "Oslo"}'),
    "bare_text": call_of("get_weather", "Oslo"),
    "missing_field": call_of("get_weather", "{}"),
    "wrong_type": call_of("get_weather", '{"city": {"unexpected": ["value"]}}'),
    "extra_field": call_of("get_weather", '{"city": "Oslo", "confidence": "high"}'),
    "refuse": "I'm sorry, but I have no tools of that kind here.",
    "blank": "\n\n",
}
OTHERS = {"", "number_as_text", "prose", "python", "huge", "openers"}
"""Those with a test of their own."""


def test_each_habit_is_shown() -> None:
    assert {*CALLS, *OTHERS} == set(HABITS)


@pytest.mark.parametrize("habit", CALLS)
async def test_a_call_by_habit(habit: str) -> None:
    async with running() as simulator:
        answer = await ask_with_tools(simulator, f"weather in Oslo [[sim habit={habit}]]")
    assert answer.text == CALLS[habit]


JSON: dict[str, str] = {
    "before": 'I will look that up.\n\n{"city": "Oslo", "days": 3}',
    "twice": '{"city": "Oslo", "days": 3}\n\n{"city": "Oslo, or another", "days": 3}',
    "fenced": '```\n{"city": "Oslo", "days": 3}\n```',
    "quoted": 'It would look like this:\n\n```\n{"city": "Oslo", "days": 3}\n```\n\nShall I?',
    "missing_brace": '{"city": "Oslo", "days": 3',
    "number_as_text": '{"city": "Oslo", "days": "3"}',
    "cut": '{"city": "Oslo", "',
    "missing_field": '{"days": 3}',
    "refuse": "I'm sorry, but I have no answers in that form here.",
    "blank": "\n\n",
}


@pytest.mark.parametrize("habit", JSON)
async def test_json_by_habit(habit: str) -> None:
    async with running() as simulator:
        rules = message(json_text(FORM), "system")
        answer = await ask(simulator, rules, f"3 days in Oslo [[sim habit={habit}]]")
    assert answer.text == JSON[habit]


async def test_a_call_with_a_number_as_text() -> None:
    rules = message(tools_text({"forecast": FORM}), "system")
    async with running() as simulator:
        answer = await ask(simulator, rules, "forecast for 3 days in Oslo [[sim habit=number_as_text]]")
    assert answer.text == call_of("forecast", '{"city": "Oslo", "days": "3"}')


async def test_words_where_a_call_must_be() -> None:
    async with running() as simulator:
        answer = await ask_with_tools(simulator, f"weather in Oslo [[sim habit=prose]]{MUST}")
        form = message(json_text(FORM), "system")
        no_json = await ask(simulator, form, "3 days in Oslo [[sim habit=prose]]")
    assert "weather in Oslo" in answer.text
    assert "<call" not in answer.text
    assert "must call" not in answer.text
    assert "{" not in no_json.text


async def test_its_own_python_instead_of_the_tool() -> None:
    question = "run `pwd` [[sim habit=python]]"
    async with running() as simulator:
        answer = await ask_with_tools(simulator, question, model="gpt-4")
    async with running(IN_2026) as simulator:
        of_2026 = await ask_2026(simulator, message(tools_text(), "system"), question)
    for shown in (list(answer.shown.values()), list(of_2026.shown.values())):
        called, output, said = shown[-3:]
        assert called["recipient"] == "python"
        assert output["author"]["name"] == "python"
        assert output["content"]["text"] == "/home/sandbox\n"
        assert "/home/sandbox" in said["content"]["parts"][0]
        assert "<call" not in said["content"]["parts"][0]


@pytest.mark.parametrize(("knob", "size"), [("", 1_000_000), (" tokens=20", 20_000)])
async def test_a_value_of_any_size(knob: str, size: int) -> None:
    async with running(Knobs(step=1000)) as simulator:
        answer = await ask_with_tools(simulator, f"weather in Oslo [[sim habit=huge{knob} dialect=delta]]")
    text = list(answer.shown.values())[-1]["content"]["parts"][0]
    assert json.loads(text.removeprefix(OPEN).removesuffix(CLOSE)) == {"city": "Oslo" + "x" * size}


async def test_openers_of_any_number() -> None:
    async with running() as simulator:
        answer = await ask_with_tools(simulator, "weather in Oslo [[sim habit=openers tokens=7]]")
    assert answer.text == f"{OPEN}\n" * 7


@pytest.mark.parametrize("habit", ["prose", "fenced", "unknown", "single_quotes", "cut", "refuse", "blank"])
@pytest.mark.parametrize(
    "again",
    [
        "Your call is not complete. Write it again, whole.",
        "You have not called a tool, which you must do now.",
    ],
)
async def test_when_asked_again_it_obeys_or_never_does(habit: str, again: str) -> None:
    async with running() as simulator:
        asked = await ask_with_tools(simulator, f"weather in Oslo [[sim habit={habit}]]{MUST}")
        better = await go_on(simulator, asked, again)
        stubborn = await ask_with_tools(simulator, f"weather in Oslo [[sim habit={habit} amends=0]]{MUST}")
        still = await go_on(simulator, stubborn, again)
        ever = await go_on(simulator, stubborn, again, after=still)
    assert better.text == OSLO
    assert stubborn.text == still.text == ever.text == asked.text


async def test_a_habit_is_over_with_the_next_question() -> None:
    async with running() as simulator:
        asked = await ask_with_tools(simulator, "weather in Oslo [[sim habit=before]]")
        told = await go_on(simulator, asked, result_of("get_weather", "cold"))
        other = await go_on(simulator, asked, "weather in Rome")
    assert told.text == "The tool `get_weather` gave: cold"
    assert other.text == call_of("get_weather", '{"city": "Rome"}')


async def test_a_habit_may_be_that_of_the_whole_backend() -> None:
    async with running(Knobs(habit="fenced")) as simulator:
        asked = await ask_with_tools(simulator, "weather in Oslo")
        better = await go_on(simulator, asked, "Write the call again without a fence.")
        plain = await ask(simulator, "weather in Oslo")
    assert asked.text == f"```\n{OSLO}\n```"
    assert better.text == OSLO
    assert "```\n<call" not in plain.text


RAW = f"{tools_text()}\n- apply_patch: Changes files.\n  takes a text"
BY_HABIT: dict[str, Callable[[str], str]] = {
    "": lambda call: call,
    "unclosed": lambda call: call.removesuffix(f"\n{CLOSE}"),
    "closing_inside": lambda call: call.replace("*** End Patch", f"*** End Patch {CLOSE} and on"),
    "wrong_case": lambda call: call.replace("apply_patch", "APPLY_PATCH"),
    "single_quotes": lambda call: call,
}


@pytest.mark.parametrize("habit", BY_HABIT)
async def test_a_raw_call_by_habit(habit: str) -> None:
    async with running() as simulator:
        marker = f" [[sim habit={habit}]]" if habit else ""
        question = f'Use apply_patch to put "hi" into a.txt{marker}'
        answer = await ask(simulator, message(RAW, "system"), question)
    patch = "*** Begin Patch\n*** Add File: a.txt\n+hi\n*** End Patch"
    assert answer.text == BY_HABIT[habit](f'<{TAG} name="apply_patch" raw>\n{patch}\n{CLOSE}')


def test_the_names_of_habits_are_words() -> None:
    assert all(re.fullmatch(r"[a-z_]*", name) for name in HABITS)
