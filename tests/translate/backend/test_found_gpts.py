"""What a search of the store has found, as far as it can be used."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.backend.found_gpts import MAX_FOUND, MAX_WORDS, read_found_gpts
from translate.values import FoundGpt, FoundGpts

HELPER = {"id": "g-AbC123xyZ", "display": {"name": "My Helper", "description": "Helps"}}
FOUND = FoundGpt("g-AbC123xyZ", "My Helper", "Helps")
KEYS = ["hits", "items", "cursor", "resource", "gizmo", "id", "display", "name"]
ANY_JSON = st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)


def read(answer: object) -> FoundGpts:
    return read_found_gpts(json.dumps(answer).encode())


@pytest.mark.parametrize("item", [{"resource": {"gizmo": HELPER}}, {"gizmo": HELPER}, HELPER])
@pytest.mark.parametrize(
    "wrap", [lambda hits: {"hits": hits}, lambda hits: hits], ids=["in hits", "at the top"]
)
def test_gpts_are_found_in_every_form_of_the_list(item: object, wrap: Callable[[object], object]) -> None:
    assert read(wrap({"items": [item, item], "cursor": "next"})) == FoundGpts((FOUND,), "next")


@pytest.mark.parametrize(
    "item",
    [
        None,
        7,
        {},
        {"id": "g-AbC123xyZ-my-helper"},
        {"id": "g-1/../x"},
        {"id": ["g-1"]},
        {"resource": {"gizmo": {"id": ""}}},
    ],
)
def test_what_has_no_short_id_is_left_out(item: object) -> None:
    assert read({"items": [item, HELPER]}).gpts == (FOUND,)


def test_what_is_kept_is_bounded() -> None:
    words = {"name": "x" * 10_000, "description": "y" * 10_000}
    many = [{"id": f"g-{n}", "display": words} for n in range(999)]
    found = read({"items": many, "cursor": "c" * 10_000})
    assert len(found.gpts) == MAX_FOUND
    assert {(len(gpt.name), len(gpt.description)) for gpt in found.gpts} == {(MAX_WORDS, MAX_WORDS)}
    assert found.cursor == ""


def test_cursor_that_cannot_travel_is_none() -> None:
    assert read({"items": [], "cursor": "a\r\nb"}).cursor == ""


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"{"])
def test_other_answers_are_no_list(body: bytes) -> None:
    with pytest.raises(ValueError, match="no list"):
        read_found_gpts(body)


@given(st.dictionaries(st.sampled_from(KEYS), ANY_JSON))
def test_any_json_object_is_read(answer: dict[str, object]) -> None:
    read(answer)
