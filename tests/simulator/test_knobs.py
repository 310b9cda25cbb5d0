"""Knobs: markers, defaults over HTTP, documentation, command line."""

from dataclasses import fields

import pytest

import simulator
from simulator import Knobs
from simulator.__main__ import command_line
from simulator.faults import FAULTS
from simulator.habit_names import HABITS
from simulator.knob_values import InvalidKnob
from simulator.knobs import apply_marker, describe_knobs
from simulator.refusals import REFUSALS
from tests.simulator.client import ask, call, running


def test_marker_is_taken_out_and_sets_knobs() -> None:
    text, knobs = apply_marker(
        "Hello [[sim pace=25 step=3 chunk=7 newline=crlf fault=reset_mid comments]]", Knobs()
    )
    assert text == "Hello"
    assert (knobs.pace, knobs.step, knobs.chunk, knobs.newline) == (25.0, 3, 7, "crlf")
    assert (knobs.fault, knobs.comments) == ("reset_mid", True)


def test_marker_may_stand_anywhere_and_quote_values() -> None:
    text, knobs = apply_marker("[[sim seed='a b']]\nWhat is [1]?", Knobs())
    assert text == "What is [1]?"
    assert knobs.seed == "a b"


@pytest.mark.parametrize(
    "setting", ["pace=fast", "step=-1", "newline=unix", "fault=nothing", "done=maybe", "chunk=inf"]
)
def test_marker_with_an_impossible_value_is_refused(setting: str) -> None:
    with pytest.raises(InvalidKnob, match=setting.partition("=")[0]):
        apply_marker(f"[[sim {setting}]]", Knobs())


def test_every_knob_habit_and_fault_is_documented_in_package_and_help() -> None:
    help_text = command_line().format_help()
    for text in (simulator.__doc__ or "", help_text, describe_knobs()):
        for name in (*(knob.name for knob in fields(Knobs)), *filter(None, HABITS), *FAULTS, *REFUSALS):
            assert f"  {name} " in text


def test_defaults_are_accepted_as_values() -> None:
    assert Knobs().set(Knobs().as_json()) == Knobs()


async def test_knobs_are_replaced_over_http() -> None:
    async with running(Knobs(done=False)) as simulator:
        answer = await call(simulator, "POST", "/__sim/knobs", {"newline": "crlf"}, key=None)
        asked = await ask(simulator, "Hello")
        wrong = await call(simulator, "POST", "/__sim/knobs", {"newline": "x"}, key=None)
        shown = await call(simulator, "GET", "/__sim/knobs", key=None)
    assert answer.json == shown.json
    assert answer.json["newline"] == "crlf"
    assert asked.body.endswith(b"data: [DONE]\r\n\r\n")
    assert wrong.status == 400


async def test_state_over_http_has_the_numbers() -> None:
    async with running() as simulator:
        asked = await ask(simulator, "Hello", model="gpt-4")
        state = (await call(simulator, "GET", "/__sim/state", key=None)).json
    assert (state["attempts"], state["accepted"], state["quota_units"]) == (1, 1, 14)
    assert (state["open_streams"], state["closed_early"], state["hide_all_calls"]) == (0, 0, 0)
    assert state["streams"][0]["outcome"] == "complete"
    assert state["requests"][0]["body"]["model"] == "gpt-4"
    assert state["requests"][0]["headers"]["Authorization"] == "Bearer fk-tester"
    assert state["conversations"][0]["id"] == asked.records[0]["conversation_id"]


def test_the_public_names_are_these() -> None:
    assert simulator.__all__ == ["DEMO_KNOBS", "GIZMOS", "Knobs", "Simulator"]
