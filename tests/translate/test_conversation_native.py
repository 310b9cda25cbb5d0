"""The backend's own abilities as items beside the answer: searches, code with its output, pictures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.reading import Answer, answer
from tests.translate.stories import SIZES
from tests.translate.tool_turns import code, drawing_call, drawn, output
from tests.translate.wire import Json, finished, growing, message, search_call, sse
from translate.values import (
    CodeDelta,
    ItemEnded,
    ItemKind,
    ItemStarted,
    Native,
    OutputDelta,
    PictureShown,
    PictureWanted,
    Style,
    WebAction,
    WebUsed,
)

ALL = frozenset(Native)
PYTHON = "print(6*7)  # `7`"


def calculation() -> list[Json]:
    return [
        *growing("", "Let me see.", id="a1"),
        finished("Let me see.", "a1", end_turn=False),
        *(code(PYTHON[:n]) for n in range(0, len(PYTHON), 3)),
        code(PYTHON, status="finished_successfully"),
        output("", status="in_progress"),
        output("42\n\n", images=("file-service://file-plot",)),
        *growing("", "It is", "It is 42.", id="a2"),
        finished("It is 42.", "a2"),
    ]


def said(seen: Answer, kind: type[CodeDelta] | type[OutputDelta]) -> str:
    pieces = [piece for event in seen.player.events if isinstance(event, kind) for piece in event.pieces]
    return b"".join(pieces).decode("unicode_escape")


def items(seen: Answer) -> list[tuple[type, ItemKind]]:
    return [(type(e), e.kind) for e in seen.player.events if isinstance(e, ItemStarted | ItemEnded)]


@pytest.mark.parametrize("style", list(Style))
@given(sizes=SIZES)
def test_code_and_output_stand_beside_the_words_without_fences(style: Style, sizes: list[int]) -> None:
    seen = answer(sse(*calculation()), native=ALL, style=style, sizes=sizes)
    assert seen.text == "Let me see.\n\nIt is 42."
    assert said(seen, CodeDelta) == PYTHON
    assert said(seen, OutputDelta) == "42"
    kinds = [ItemKind.PROSE, ItemKind.CODE, ItemKind.OUTPUT, ItemKind.PICTURE, ItemKind.PROSE]
    assert items(seen) == [(border, kind) for kind in kinds for border in (ItemStarted, ItemEnded)]


def test_code_is_shown_as_it_grows() -> None:
    seen = answer(sse(*calculation()), native=ALL)
    assert sum(isinstance(event, CodeDelta) for event in seen.player.events) > 3


def test_charts_are_told_apart_from_drawings() -> None:
    seen = answer(sse(*calculation()), native=ALL)
    (shown,) = [event for event in seen.player.events if isinstance(event, PictureShown)]
    assert shown.asset.chart
    assert shown.picture.address == "https://files.example/file-plot.png"
    assert "file-plot" not in seen.text


def test_ability_that_was_not_asked_for_is_shown_in_the_text() -> None:
    seen = answer(sse(*calculation()), native=frozenset({Native.IMAGE_GENERATION, Native.WEB_SEARCH}))
    assert seen.text == answer(sse(*calculation())).text
    assert not any(isinstance(event, CodeDelta | OutputDelta) for event in seen.player.events)


def drawing() -> list[Json]:
    return [
        drawing_call(),
        drawn("file-1", prompt="A cat"),
        *growing("", "Here.", id="a1"),
        finished("Here.", "a1"),
    ]


def test_drawing_stands_beside_the_words() -> None:
    seen = answer(sse(*drawing()), native=ALL)
    wanted = [event.asset for event in seen.player.events if isinstance(event, PictureWanted)]
    (shown,) = [event for event in seen.player.events if isinstance(event, PictureShown)]
    assert seen.text == "Here."
    assert wanted == [shown.asset]
    assert (shown.asset.prompt, shown.asset.chart) == ("A cat", False)


def test_drawing_that_cannot_be_fetched_is_told_in_the_text() -> None:
    seen = answer(sse(*drawing()), native=ALL, fetch=lambda asset: None)
    assert "could not be fetched" in seen.text
    assert not any(isinstance(event, PictureShown) for event in seen.player.events)


def browsing() -> list[Json]:
    call: Json = {
        "content_type": "code",
        "language": "unknown",
        "text": '{"open":[{"ref_id":"https://a.example/"}]}',
    }
    opened = message(
        "", "call-2", status="finished_successfully", end_turn=False, recipient="web.run", content=call
    )
    return [search_call(), search_call(), opened, *growing("", "Sunny.", id="a1"), finished("Sunny.", "a1")]


def test_each_use_of_the_browser_is_told_once() -> None:
    seen = answer(sse(*browsing()), native=ALL)
    used = [event for event in seen.player.events if isinstance(event, WebUsed)]
    assert used == [
        WebUsed("call-1", WebAction(("weather Oslo",))),
        WebUsed("call-2", WebAction(url="https://a.example/")),
    ]
    assert seen.text == "Sunny."


def test_browsing_is_not_told_to_who_did_not_ask() -> None:
    seen = answer(sse(*browsing()), native=frozenset({Native.CODE_INTERPRETER}))
    assert not any(isinstance(event, WebUsed) for event in seen.player.events)


@given(
    st.permutations([*calculation()[:1], *browsing()[:3], *drawing()[:2], code("x=1"), output("y")]), SIZES
)
def test_items_never_lie_within_each_other(records: list[Json], sizes: list[int]) -> None:
    seen = answer(sse(*records, finished("End.", "end")), native=ALL, sizes=sizes)
    borders = items(seen)
    for begins, ends in zip(borders[::2], borders[1::2], strict=True):
        assert (begins[0], ends[0], begins[1]) == (ItemStarted, ItemEnded, ends[1])
