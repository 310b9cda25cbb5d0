"""Which kind of turn a question gets, and the kinds that have no file of their own."""

import logging
from itertools import pairwise

import pytest

from simulator import Knobs
from simulator.faults import FAULTS
from simulator.kind_names import KIND_NAMES
from simulator.kinds import KINDS
from tests.simulator.client import Answer, ask, running, until


def tool_names(answer: Answer) -> set[str]:
    return {shown["author"]["name"] for shown in answer.messages if shown["author"]["role"] == "tool"}


@pytest.mark.parametrize(
    ("question", "tools"),
    [
        ("Draw a cat", {"dalle.text2im"}),
        ("画一只猫", {"dalle.text2im"}),
        ("Please plot a sine wave", {"python"}),
        ("画一个柱状图", {"python"}),
        ("画两张猫的图", {"dalle.text2im"}),
        ("生成一个关于茶的csv文件", {"python"}),
        ("Calculate 3*4", {"python"}),
        ("Run this python:\n```python\nprint(1)\n```", {"python"}),
        ("Make a csv file about tea", {"python"}),
        ("Search the web for tea", {"browser"}),
        ("搜索一下绿茶", {"browser"}),
        ("Tell me about tea", set()),
        ("你好", set()),
    ],
)
async def test_question_chooses_the_tool(question: str, tools: set[str]) -> None:
    async with running() as simulator:
        with_tools = await ask(simulator, question, model="gpt-4")
        without = await ask(simulator, question, model="text-davinci-002-render-sha")
    assert tool_names(with_tools) == tools
    assert tool_names(without) == set()


def test_every_kind_has_a_name_and_every_name_a_kind() -> None:
    assert list(KINDS) == list(KIND_NAMES)


@pytest.mark.parametrize("kind", KIND_NAMES)
async def test_every_kind_can_be_asked_for_and_cut_anywhere(kind: str) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"Tea [[sim kind={kind} chunk=7 tokens=20]]")
        assert simulator.state.streams[0].outcome == "complete"
    assert answer.done
    assert answer.messages[-1]["author"]["role"] == ("tool" if kind in ("action", "oauth") else "assistant")
    seen = list(answer.final())
    for shown in list(answer.final().values())[2:]:
        assert shown["metadata"]["parent_id"] in seen[: seen.index(shown["id"])], "parents form a chain"


@pytest.mark.parametrize("kind", ["code", "draw", "action", "variants"])
@pytest.mark.parametrize("fault", ["fin_mid", "cut_record", "error_mid"])
async def test_mid_faults_happen_in_every_kind_of_turn(kind: str, fault: str) -> None:
    async with running() as simulator:
        await ask(simulator, f"Tea [[sim kind={kind} fault={fault}]]")
        await until(lambda: not simulator.state.open_streams)
        assert simulator.state.streams[0].outcome == fault


async def test_variants_are_announced_and_interleaved_under_two_ids_of_one_parent() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim kind=variants]]")
    announced = next(record for record in answer.records if record.get("type") == "num_variants_in_stream")
    first, second = [shown for shown in answer.final().values() if shown["author"]["role"] == "assistant"]
    assert announced["num_variants_in_stream"] == 2
    assert answer.records.index(announced) < answer.records.index(
        next(record for record in answer.records if (record.get("message") or {}).get("id") == first["id"])
    )
    assert first["metadata"]["parent_id"] == second["metadata"]["parent_id"]
    ids = [shown["id"] for shown in answer.messages if shown["author"]["role"] == "assistant"]
    turns = sum(one != other for one, other in pairwise(ids))
    assert turns > 10, "the two must alternate"


async def test_custom_instructions_come_as_a_hidden_message_after_the_system_message() -> None:
    async with running(Knobs(instructions=True)) as simulator:
        answer = await ask(simulator, "Hello")
    hidden = answer.messages[1]
    assert hidden["author"]["role"] == "user"
    assert hidden["content"]["content_type"] == "user_editable_context"
    assert "PRIVATE-PROFILE" in hidden["content"]["user_profile"]
    assert hidden["metadata"]["is_visually_hidden_from_conversation"] is True
    assert "PRIVATE" not in answer.text


async def test_custom_instructions_are_no_part_of_the_talk() -> None:
    async with running(Knobs(instructions=True)) as simulator:
        first = await ask(simulator, "My cat is Miau")
        more = await ask(
            simulator,
            "What did I say?",
            conversation_id=first.records[0]["conversation_id"],
            parent_message_id=first.messages[-1]["id"],
        )
    assert "My cat is Miau" in more.text


async def test_nothing_is_logged_whatever_goes_wrong(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    endless = {name for name, fault in FAULTS.items() if fault.action in ("stall", "only_pings", "trickle")}
    async with running() as simulator:
        for name in (*(name for name in FAULTS if name not in endless), "status_500", "cloudflare"):
            await ask(simulator, f"Hello [[sim fault={name}]]")
        await ask(simulator, "Hello", key="fk-dead")
        await ask(simulator, "Hello", action="none")
    assert caplog.records == []
