"""Marks, canvas and pages that were used, through a whole turn."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.deltas import append, begun, v1
from tests.translate.reading import answer, content_of, whole_answer
from tests.translate.tool_turns import code, drawn
from tests.translate.wire import Json, finished, message, sse
from translate.text import PRIVATE
from translate.values.style import Style

MARK = "\ue200cite\ue202turn0search1\ue201"
KNOWN: Json = {"matched_text": MARK, "start_idx": 4, "end_idx": 25, "alt": "([A](https://a.example/))"}
LATE: Json = {
    "type": "content_references_patch",
    "message_id": "a1",
    "content_references": [KNOWN],
}


def end(text: str) -> Json:
    return {"p": "", "o": "patch", "v": [{"p": "/message/status", "o": "replace", "v": text}]}


def test_references_that_come_beside_the_message_resolve_its_marks_at_once() -> None:
    more: Json = {"p": "/message/content/parts/0", "o": "append", "v": " Wet."}
    stream = v1(begun(), append(f"Cold{MARK}."), LATE, more, end("finished_successfully"))
    assert answer(stream).deltas == ["Cold", "([A](https://a.example/)).", " Wet."]


@pytest.mark.parametrize("id", ["nobody", "out-1", "u1"])
def test_references_for_what_is_no_prose_change_nothing(id: str) -> None:
    stream = v1(begun(), append(f"Cold{MARK}."), LATE | {"message_id": id}, end("finished_successfully"))
    assert answer(stream).text == "Cold."


def test_pages_that_were_used_but_are_not_linked_are_annotated_at_the_end() -> None:
    page = {"title": "A", "url": "https://a.example/"}
    other = {"title": "B", "url": "https://b.example/"}
    footnote: Json = {"type": "sources_footnote", "matched_text": " ", "sources": [page, other, other]}
    cited: Json = {"matched_text": MARK, "start_idx": 4, "end_idx": 25, "items": [page]}
    last = finished(f"Cold{MARK}.")
    last["message"]["metadata"] |= {"content_references": [cited, footnote]}  # type: ignore[index]
    body = whole_answer(sse(last))
    assert content_of(body) == "Cold([a.example](https://a.example/))."
    found = [item["url_citation"] for item in body["choices"][0]["message"]["annotations"]]  # type: ignore[index]
    places = [(item["url"], item["start_index"], item["end_index"]) for item in found]
    assert places == [("https://a.example/", 4, 37), ("https://b.example/", 38, 38)]
    assert answer(sse(last), style=Style.TEXT).conversation.citations == []


CANVAS = json.dumps({"name": "x", "type": "code/python", "content": "print(1)"})


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        (Style.WEB, "```python\nprint(1)\n```\n\nDone."),
        (Style.PLAIN, "print(1)\n\nDone."),
        (Style.TEXT, "print(1)\n\nDone."),
    ],
)
def test_canvas_stands_before_what_the_assistant_says(style: Style, shown: str) -> None:
    content: Json = {"content_type": "code", "language": "unknown", "text": CANVAS}
    call = message(
        "", "c1", status="finished_successfully", recipient="canmore.create_textdoc", content=content
    )
    assert answer(sse(call, finished("Done.")), style=style).text == shown


def test_reasoning_of_private_characters_alone_is_none() -> None:
    thoughts: Json = {"content_type": "thoughts", "thoughts": [{"summary": "", "content": "\ue200"}]}
    seen = answer(sse(message("", content=thoughts), finished("Done.", "a2")), reasoning=True)
    assert seen.text == "Done."


def test_prompt_of_a_picture_and_an_error_show_no_private_characters() -> None:
    seen = answer(sse(drawn("file-1", prompt="A\ue200 cat")))
    assert "A cat" in seen.text
    failed = answer(sse({"message": None, "error": "It\ue206 failed", "conversation_id": "c1"}))
    assert not PRIVATE.search(str(failed.error))


PIECES = ["\ue200", "\ue201", "\ue202", "\ue203", "\ue206", "cite", "word", "`", "\n", MARK, "\ud83d", "]"]


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.sampled_from(["prose", "code", "thoughts", "alt"]))
def test_no_private_character_ever_reaches_a_client(pieces: list[str], where: str) -> None:
    text = "".join(pieces)
    thoughts: Json = {"content_type": "thoughts", "thoughts": [{"summary": "", "content": text}]}
    told: Json = {
        "content_references": [json.loads(json.dumps(LATE))["content_references"][0] | {"alt": text}]
    }
    messages = {
        "prose": message(text),
        "code": code(text),
        "thoughts": message("", content=thoughts),
        "alt": message(MARK, metadata=told),
    }
    seen = answer(sse(messages[where], finished("Done.", "a2")), reasoning=True)
    assert not PRIVATE.search(seen.text + str(seen.chunks))
    assert "\\ue20" not in json.dumps(seen.chunks)
