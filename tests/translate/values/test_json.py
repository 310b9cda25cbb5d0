"""JSON from outside: an object or nothing, and what is in it or a default."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.values.json import json_object, object_at, objects_at, strict_json, text_at

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), ANYTHING, max_size=3)


@given(OBJECTS)
def test_object_is_read(value: dict[str, object]) -> None:
    text = json.dumps(value)
    assert json_object(text) == json_object(text.encode()) == value


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"a"', b"7", b"null", b'{"a": 1} b', b"\xff", b'{"a": "\xff"}', b"<p>", b"1" * 5000],
)
def test_what_is_no_object_is_nothing(body: bytes) -> None:
    assert json_object(body) is None


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_nested_without_end_is_nothing(opening: bytes) -> None:
    assert json_object(opening * 100_000) is None


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_an_object_or_nothing(body: bytes) -> None:
    assert json_object(body) is None or isinstance(json_object(body), dict)


@given(OBJECTS)
def test_what_is_not_of_the_wanted_kind_is_empty(data: dict[str, object]) -> None:
    value = data.get("a")
    assert object_at(data, "a") == (value if isinstance(value, dict) else {})
    assert text_at(data, "a") == (value if isinstance(value, str) else "")
    found = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    assert objects_at(data, "a") == found


def test_only_the_objects_of_a_list_count() -> None:
    assert objects_at({"a": [{"b": 1}, None, "c", {}, [{}]]}, "a") == [{"b": 1}, {}]


@pytest.mark.parametrize(
    "body", [b'{"a": "\x01"}', b'"\t"', b'["\n"]', b"\x00[]", b'["a", "\\"\x1f", "b"]', b'{"\r": 1}']
)
def test_control_character_where_none_may_stand_is_no_json(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        strict_json(body)


def test_json_over_several_lines_is_json() -> None:
    assert strict_json(b'{\n\t"a": "\\t\\"\x7f"\r\n}') == {"a": '\t"\x7f'}
