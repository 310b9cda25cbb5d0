"""A response in which items of the backend's own abilities stand between messages: streamed and whole."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.translate.openai.responses.test_formats import end, events_of, numbered, pieces, types
from translate.openai import ResponseDraft, ResponseFacts, ResponseStream, WholeResponse, responses_request
from translate.values import (
    Asset,
    Cited,
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
    ReasoningDelta,
    ShownCitation,
    ToolCall,
    ToolCalled,
    WebAction,
    WebUsed,
)

CAT = Asset("file-service://file-1", "A cat", prompt="A cat")
DRAWING: tuple[Event, ...] = (PictureWanted(CAT), PictureShown(CAT, Picture("inline", "QUJD")))
SEARCH = WebUsed("m1", WebAction(queries=("tea",)))
PROGRAM: tuple[Event, ...] = (
    ItemStarted(ItemKind.CODE, "m1", "python"),
    CodeDelta([b"print(7)"]),
    ItemEnded(ItemKind.CODE, "m1"),
    OutputDelta([b"7"]),
)
FILES = "http://localhost/v1/containers/cntr_1/files/"


def draft(native: frozenset[Native] = frozenset(Native)) -> ResponseDraft:
    request = responses_request({"model": "gpt-4-s", "input": "Hi"}, numbered())
    facts = ResponseFacts(
        "resp_1",
        1_796_000_000,
        "gpt-4-s",
        True,
        request.echo,
        native=native,
        container="cntr_1",
        files=FILES if Native.CODE_INTERPRETER in native else "",
    )
    return ResponseDraft(facts, numbered(), lambda: 1_796_000_004.9)


def streamed(events: Sequence[Event], text: str = "") -> list[dict[str, Any]]:
    """The events; each item is added, and done before the next one is."""
    stream = ResponseStream(draft())
    said = [stream.encode(event) for event in events]
    found = events_of(stream.open() + b"".join(said) + stream.finish(end(text)))
    assert [event["sequence_number"] for event in found[:-1]] == list(range(len(found) - 1))
    steps = [kind for kind in types(found) if kind.startswith("output_item")]
    assert steps == ["output_item.added", "output_item.done"] * (len(steps) // 2)
    return found


def output(events: Sequence[Event], text: str = "") -> list[dict[str, Any]]:
    """The items at the end, which are those of the whole answer and those that were done in the stream."""
    found = streamed(events, text)
    items: list[dict[str, Any]] = found[-2]["response"]["output"]
    assert [event["item"] for event in found if event["type"] == "response.output_item.done"] == items
    whole = WholeResponse(draft())
    assert b"".join(map(whole.encode, events)) == b""
    assert json.loads(whole.finish(end(text)))["output"] == items
    return items


def kinds(items: Sequence[dict[str, Any]]) -> list[str]:
    return [item["type"] for item in items]


def words(item: dict[str, Any]) -> str:
    (part,) = item["content"]
    text: str = part["text"]
    return text


def test_item_parts_the_text_into_messages_of_their_own() -> None:
    items = output([pieces("Let me see."), SEARCH, pieces("Tea ", "is hot.")], "Let me see.Tea is hot.")
    assert kinds(items) == ["message", "web_search_call", "message"]
    assert [words(items[0]), words(items[2])] == ["Let me see.", "Tea is hot."]
    assert items[0]["id"] != items[2]["id"]


def test_empty_lines_between_items_are_no_message() -> None:
    items = output([SEARCH, pieces("\n\n"), SEARCH, pieces("\n", "Hot.")], "\n\n\nHot.")
    assert kinds(items) == ["web_search_call", "web_search_call", "message"]
    assert words(items[-1]) == "Hot."


def test_thoughts_end_before_an_item_begins() -> None:
    items = output([ReasoningDelta([b"Well."]), SEARCH, pieces("Hot.")], "Hot.")
    assert kinds(items) == ["reasoning", "web_search_call", "message"]


def test_program_that_is_open_at_the_end_is_whole() -> None:
    items = output(PROGRAM)
    assert items[0]["code"] == "print(7)"
    assert items[0]["outputs"] == [{"type": "logs", "logs": "7"}]


def test_drawing_without_a_word_is_followed_by_an_empty_message() -> None:
    """openai-agents would ask once more without one."""
    items = output(DRAWING)
    assert kinds(items) == ["image_generation_call", "message"]
    assert words(items[-1]) == ""


def test_drawing_after_some_words_is_the_last_item() -> None:
    assert kinds(output([pieces("Here it is:"), *DRAWING], "Here it is:")) == [
        "message",
        "image_generation_call",
    ]


def test_calls_come_after_items_and_need_no_message() -> None:
    call = ToolCalled(ToolCall("call_1", "get_weather", "{}"))
    assert kinds(output([SEARCH, call])) == ["web_search_call", "function_call"]


@pytest.mark.parametrize("last", ["", "And more."])
def test_page_and_file_are_noted_in_the_message_that_has_them(last: str) -> None:
    page = "[tea](https://tea.example)"
    file = f"[a.csv]({FILES}0a%20b)"
    cited = Cited(ShownCitation(page, "https://tea.example", "Tea"))
    after = [pieces(last)] if last else []
    items = output([pieces(f"Hot {page} {file}"), cited, SEARCH, *after], f"Hot {page} {file}{last}")
    (part,) = items[0]["content"]
    found = [
        (note["type"], part["text"][note["start_index"] : note["end_index"]]) for note in part["annotations"]
    ]
    assert found == [("url_citation", page), ("container_file_citation", file)]
    assert part["annotations"][1]["file_id"] == "0a b"
    assert part["annotations"][1]["filename"] == "a.csv"
    assert all(part["annotations"] == [] for item in items[1:] for part in item.get("content", []))


def test_link_that_looks_like_a_file_is_none_where_no_program_was_asked_for() -> None:
    page = "[tea](https://tea.example)"
    stream = ResponseStream(draft(frozenset({Native.WEB_SEARCH})))
    cited = Cited(ShownCitation(page, "https://tea.example", "Tea"))
    said = stream.encode(pieces(f"{page} [a.csv]({FILES}0a)")) + stream.encode(cited)
    found = events_of(stream.open() + said + stream.finish(end(page)))
    (part,) = found[-2]["response"]["output"][0]["content"]
    assert [note["type"] for note in part["annotations"]] == ["url_citation"]


def test_drawing_tells_its_prompt_where_it_is_known() -> None:
    unknown = Asset("file-service://file-2")
    told, silent = output(
        [*DRAWING, PictureWanted(unknown), PictureShown(unknown, Picture("inline", "QUJD"))]
    )[:2]
    assert told["revised_prompt"] == "A cat"
    assert "revised_prompt" not in silent
