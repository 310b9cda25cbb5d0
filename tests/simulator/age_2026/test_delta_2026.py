"""Delta v1 of 2026: how messages begin, what is left out, the rarer forms."""

import json
from typing import Any

import pytest

from tests.simulator.client import IN_2026, Answer, ask_2026, running


def deltas(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(data) for name, data in answer.events if name == "delta"]


async def test_messages_begin_bare_after_the_first_and_are_counted() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Search the web for tea")
    first, *others = [
        each for each in deltas(answer) if isinstance(each["v"], dict) and "message" in each["v"]
    ]
    assert (first["p"], first["o"], first["c"]) == ("", "add", 0)
    assert all(set(each) == {"v", "c"} for each in others)
    assert [each["c"] for each in others] == list(range(1, len(others) + 1))


async def test_text_grows_by_bare_strings() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "say exactly: one two three")
    strings = [each for each in deltas(answer) if isinstance(each["v"], str)]
    assert strings[0] == {"p": "/message/content/parts/0", "o": "append", "v": "one"}
    assert [set(each) for each in strings[1:]] == [{"v"}, {"v"}]


async def test_messages_say_what_answered() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Hello", model="gpt-5-mini")
    metadata = list(answer.shown.values())[-1]["metadata"]
    assert (metadata["model_slug"], metadata["resolved_model_slug"]) == ("gpt-5-mini", "gpt-5-mini")
    ste = next(record for record in answer.records if record["type"] == "server_ste_metadata")
    assert ste["metadata"]["turn_exchange_id"] == metadata["turn_exchange_id"]
    assert ste["metadata"]["turn_use_case"] == "text"


@pytest.mark.parametrize("kind", ["text", "search", "think", "widgets"])
async def test_loose_forms_say_the_same(kind: str) -> None:
    question = f"Tell me about tea [[sim kind={kind} tokens=60 citations=delta forms="
    async with running(IN_2026) as simulator:
        usual = await ask_2026(simulator, question + "usual]]")
        loose = await ask_2026(simulator, question + "loose]]")
    assert contents(loose) == contents(usual)
    forms = [each for each in deltas(loose) if isinstance(each["v"], list)]
    assert any(each.get("p") == "/message" for each in forms), "relative paths"
    assert any("o" not in each or each["o"] == "add" for each in forms), "lists that are no patch by name"


async def test_a_string_without_a_path_may_follow_its_message() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "say exactly: one two three [[sim forms=loose]]")
    strings = [each for each in deltas(answer) if isinstance(each["v"], str)]
    assert strings[0] == {"v": "one"}


def contents(answer: Answer) -> list[Any]:
    return [
        (shown["content"].get("parts"), shown["content"].get("thoughts"), shown["status"])
        for shown in answer.shown.values()
    ]
