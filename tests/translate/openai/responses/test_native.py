"""Items of the backend's own abilities: their steps in order, each item whole and once."""

import json
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from translate.openai.responses.native import Added, Done, NativeItems, Step, Told
from translate.values import (
    Asset,
    CodeDelta,
    Event,
    ItemEnded,
    ItemKind,
    ItemStarted,
    Native,
    OutputDelta,
    Picture,
    PictureShown,
    PictureWanted,
    TextDelta,
    WebAction,
    WebUsed,
)

CAT = Asset("file-service://file-1", "A cat", prompt="A cat")
PLOT = Asset("file-service://file-2", chart=True)
PROGRAM: tuple[Event, ...] = (
    ItemStarted(ItemKind.CODE, "m1", "python"),
    CodeDelta([b"print(", b'\\"7\\")']),
    ItemEnded(ItemKind.CODE, "m1"),
    ItemStarted(ItemKind.OUTPUT, "m2"),
    OutputDelta([b"7"]),
    ItemEnded(ItemKind.OUTPUT, "m2"),
    PictureWanted(PLOT),
    PictureShown(PLOT, Picture("https://x.example/plot.png")),
)


def items() -> NativeItems:
    numbers = count(1)
    return NativeItems(frozenset(Native), lambda prefix: f"{prefix}_{next(numbers)}", "cntr_1")


def steps(*events: Event) -> list[Step]:
    native = items()
    made = [step for event in events for step in native.take(event)]
    return [*made, *native.close()]


def kinds(made: list[Step]) -> list[str]:
    return [
        step.kind.removeprefix("response.") if isinstance(step, Told) else type(step).__name__
        for step in made
    ]


def done(made: list[Step]) -> list[Any]:
    return [json.loads(step.item) for step in made if isinstance(step, Done)]


def test_search_has_its_query_and_all_stages() -> None:
    made = steps(WebUsed("m1", WebAction(("ferry", "tides"))))
    assert kinds(made) == [
        "Added",
        "web_search_call.in_progress",
        "web_search_call.searching",
        "web_search_call.completed",
        "Done",
    ]
    action = {"type": "search", "query": "ferry", "queries": ["ferry", "tides"]}
    assert done(made) == [{"id": "ws_1", "type": "web_search_call", "status": "completed", "action": action}]


def test_opened_page_and_what_was_looked_for_are_actions_of_their_own() -> None:
    made = steps(WebUsed("m", WebAction(url="https://a.example")), WebUsed("m", WebAction(pattern="tea")))
    assert [item["action"] for item in done(made)] == [
        {"type": "open_page", "url": "https://a.example"},
        {"type": "find_in_page", "url": "", "pattern": "tea"},
    ]


def test_program_has_its_code_its_output_and_its_charts() -> None:
    made = steps(*PROGRAM)
    assert kinds(made) == [
        "Added",
        "code_interpreter_call.in_progress",
        "code_interpreter_call_code.delta",
        "code_interpreter_call_code.delta",
        "code_interpreter_call_code.done",
        "code_interpreter_call.interpreting",
        "code_interpreter_call.completed",
        "Done",
    ]
    assert done(made) == [
        {
            "id": "ci_1",
            "type": "code_interpreter_call",
            "status": "completed",
            "container_id": "cntr_1",
            "code": 'print("7")',
            "outputs": [
                {"type": "logs", "logs": "7"},
                {"type": "image", "url": "https://x.example/plot.png"},
            ],
        }
    ]


def test_output_without_code_is_a_program_without_any() -> None:
    (item,) = done(steps(OutputDelta([b"7"])))
    assert (item["code"], item["outputs"]) == ("", [{"type": "logs", "logs": "7"}])


def test_drawing_is_told_of_before_it_is_fetched() -> None:
    native = items()
    assert kinds(list(native.take(PictureWanted(CAT)))) == [
        "Added", "image_generation_call.in_progress", "image_generation_call.generating",
    ]  # fmt: skip
    (item,) = map(json.loads, native.open_items)
    assert item["status"] == "failed"
    made = list(native.take(PictureShown(CAT, Picture("inline", "QUJD"))))
    assert kinds(made) == ["image_generation_call.completed", "Done"]
    (item,) = done(made)
    assert (item["status"], item["result"], item["revised_prompt"]) == ("completed", "QUJD", "A cat")
    assert native.open_items == []


def test_drawing_that_could_not_be_fetched_has_failed() -> None:
    (item,) = done(steps(PictureWanted(CAT)))
    assert (item["status"], item["result"]) == ("failed", None)


EVENTS = st.sampled_from(
    [
        *PROGRAM,
        PictureWanted(CAT),
        PictureShown(CAT, Picture("", "QQ==")),
        WebUsed("m", WebAction(("q",))),
        TextDelta([b"x"]),
    ]
)


@given(st.lists(EVENTS))
def test_each_item_is_done_before_the_next_begins_whatever_comes(events: list[Event]) -> None:
    opened: list[str] = []
    for step in steps(*events):
        match step:
            case Added(item):
                assert not opened
                opened.append(json.loads(item)["id"])
            case Told(_, id):
                assert opened == [id]
            case Done(item):
                assert opened.pop() == json.loads(item)["id"]
    assert not opened


def test_text_is_no_item() -> None:
    assert steps(TextDelta([b"Hello"])) == []


def test_what_was_not_asked_for_is_no_item() -> None:
    native = NativeItems(frozenset({Native.WEB_SEARCH}), lambda prefix: prefix, "cntr_1")
    beside = [*PROGRAM[:1], PROGRAM[2], *PROGRAM[6:], PictureWanted(CAT), PictureShown(CAT, Picture("x"))]
    assert [step for event in beside for step in native.take(event)] == []
