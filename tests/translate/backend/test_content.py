"""What a message of the backend holds, read from any JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.tool_turns import citation, citations_of, drawn, output
from tests.translate.wire import Json, message
from translate.backend.content import (
    MAX_ASSETS,
    assets_of,
    figures_of,
    is_finished,
    language_of,
    output_of,
    shown_text_of,
    text_of,
)
from translate.backend.content_citations import MAX_CITATIONS
from translate.text import Citation, Source
from translate.values import Asset


def inner(envelope: Json) -> Json:
    found = envelope["message"]
    assert isinstance(found, dict)
    return found


TEXTS: dict[str, tuple[Json, str | None]] = {
    "one part": ({"parts": ["Hi"]}, "Hi"),
    "parts": ({"parts": ["Hi ", {"a": 1}, None, "you"]}, "Hi you"),
    "no part of text": ({"parts": [{"a": 1}]}, ""),
    "text": ({"text": "Hi"}, "Hi"),
    "thoughts": (
        {"thoughts": [{"summary": "S", "content": "one"}, {"content": "two"}, {"summary": "T"}, {}]},
        "**S**\n\none\n\ntwo\n\n**T**",
    ),
    "none": ({}, None),
    "of another type": ({"text": 1, "parts": "x", "thoughts": {}}, None),
}


@pytest.mark.parametrize(("content", "text"), TEXTS.values(), ids=TEXTS)
def test_text_is_found_in_any_of_its_places(content: Json, text: str | None) -> None:
    assert text_of(content) == text
    assert shown_text_of({"content": content}) == (text or "")


TRACEBACK: Json = {"traceback": ["Traceback", 1, "ValueError"]}


@pytest.mark.parametrize(
    ("printed", "exception", "shown"),
    [
        ("42\n", TRACEBACK, "42\n"),
        (" \n", TRACEBACK, "Traceback\nValueError"),
        (" \n", {}, " \n"),
        ("", {"traceback": "x"}, ""),
    ],
)
def test_output_is_what_was_printed_or_else_the_traceback(printed: str, exception: Json, shown: str) -> None:
    assert output_of(inner(output(printed, in_kernel_exception=exception))) == shown


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("rust", "rust"),
        ("c++", "c++"),
        ("unknown", "python"),
        ("a b", "python"),
        ("", "python"),
        (1, "python"),
    ],
)
def test_language_is_fit_for_a_fence(language: object, shown: str) -> None:
    assert language_of({"language": language}) == shown


@pytest.mark.parametrize(
    ("raw", "finished"),
    [
        ({"status": "finished_successfully"}, True),
        ({"status": "finished_partial_completion"}, True),
        ({"status": "in_progress", "end_turn": True}, False),
        ({"end_turn": True}, True),
        ({"end_turn": None}, False),
        ({}, False),
    ],
)
def test_message_is_finished_by_its_status_or_without_one_by_its_end_of_turn(
    raw: Json, finished: bool
) -> None:
    assert is_finished(raw) is finished


def test_pictures_stand_in_the_parts_and_figures_in_the_result() -> None:
    pointer = "file-service://file-1"
    cat = Asset(pointer, "A cat", 1024, 1024, prompt="A cat", gen_id="gen-file-1")
    assert assets_of(inner(drawn("file-1", prompt="A cat"))) == [cat]
    assert figures_of(inner(output("x", images=(pointer,)))) == [Asset(pointer, chart=True)]
    assert assets_of(inner(output("x", images=(pointer,)))) == figures_of(inner(drawn("file-1"))) == []
    assert len(assets_of(inner(drawn(*(f"file-{n}" for n in range(MAX_ASSETS + 5)))))) == MAX_ASSETS


def test_picture_without_a_prompt_has_the_title_of_its_message() -> None:
    record = inner(drawn("file-1", prompt=""))
    record["metadata"] = {"image_gen_title": "Fox in snow"}
    (picture,) = assets_of(record)
    assert (picture.alt, picture.prompt) == ("Fox in snow", "")


@pytest.mark.parametrize("pointer", ["", "x", "javascript:x", "file-service://../x", "file-service://a b", 7])
def test_pointer_that_is_none_is_no_picture(pointer: object) -> None:
    record = inner(drawn("file-1"))
    record["content"]["parts"][0]["asset_pointer"] = pointer  # type: ignore[index]
    assert assets_of(record) == []


def test_citations_are_read_in_both_forms() -> None:
    reference: Json = {
        "start_idx": 1,
        "end_idx": 5,
        "matched_text": "mark",
        "alt": "([B](https://b.example/))",
        "items": [{"title": "B", "url": "https://b.example/"}],
    }
    metadata: Json = {"citations": [citation(4, 15, 11)], "content_references": [reference]}
    assert citations_of(metadata) == [
        Citation(4, 15, 11, "https://a.example/", "A"),
        Citation(
            1,
            5,
            None,
            "https://b.example/",
            "B",
            "mark",
            "([B](https://b.example/))",
            sources=(Source("B", "https://b.example/"),),
        ),
    ]


@pytest.mark.parametrize(
    ("reference", "url", "title"),
    [
        ({"url": "https://own.example/", "title": "Own"}, "https://own.example/", "Own"),
        ({"safe_urls": ["https://safe.example/"], "name": "N"}, "https://safe.example/", "N"),
        ({"safe_urls": [1]}, "", ""),
        ({"safe_urls": []}, "", ""),
        ({"url": "ftp://x/"}, "", ""),
        ({"url": "javascript:alert(1)"}, "", ""),
    ],
)
def test_reference_without_items_has_an_address_of_its_own(reference: Json, url: str, title: str) -> None:
    (found,) = citations_of(
        {"content_references": [{"start_idx": 0, "end_idx": 1, "matched_text": "m"} | reference]}
    )
    assert (found.url, found.title) == (url, title)


BROKEN: list[Json] = [
    {},
    {"start_ix": 1, "end_ix": 2},
    citation(2, 1, 11),
    citation(-1, 1, 11),
    citation(1, 2, 11) | {"end_ix": "2"},
]


def test_broken_citations_are_left_out() -> None:
    assert citations_of({"citations": BROKEN}) == []
    assert citations_of({"content_references": [{"start_idx": 0, "end_idx": 1, "matched_text": " "}]}) == []
    assert citations_of({"content_references": [{"matched_text": "m"}]}) == []


def test_file_is_cited_by_its_name_and_without_a_number() -> None:
    about: Json = {"name": "a.pdf", "url": "file-1", "extra": {"cited_message_idx": "1"}}
    (found,) = citations_of({"citations": [{"start_ix": 0, "end_ix": 1, "metadata": about}]})
    assert found == Citation(0, 1, None, "", "a.pdf")


def test_there_is_a_limit_to_citations() -> None:
    endless = [citation(n, n + 1, 1) for n in range(MAX_CITATIONS + 5)]
    assert len(citations_of({"citations": endless})) == MAX_CITATIONS


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = [
    "content", "metadata", "parts", "text", "thoughts", "citations", "content_references", "aggregate_result",
    "messages", "items", "safe_urls", "in_kernel_exception", "traceback",
]  # fmt: skip


@given(
    st.recursive(JUNK, lambda inner: st.dictionaries(st.sampled_from(NAMES), inner, max_size=3), max_leaves=4)
)
def test_any_json_is_read_without_an_error(raw: object) -> None:
    if isinstance(raw, dict):
        for read in (text_of, output_of, language_of, is_finished, assets_of, figures_of, citations_of):
            read(raw)


def test_hidden_parts_of_a_message_are_not_its_text() -> None:
    assert shown_text_of(inner(message("", content={"content_type": "text", "result": "x"}))) == ""
