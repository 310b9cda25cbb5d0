"""JSON in and out: what is written can be read by others, and what ujson does in its own way is known."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.values.json_codec import json_bytes, json_text, parsed_json

LEVELS = 1000
"""Of nesting that both ways take; somewhat above is the end."""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def nested(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@given(VALUES)
def test_others_read_what_is_written_and_it_reads_what_others_write(value: object) -> None:
    for written in (json_bytes(value), json_text(value), json_text(value, ascii=False)):
        assert json.loads(written) == parsed_json(written) == value
    for ascii in (True, False):
        assert parsed_json(json.dumps(value, ensure_ascii=ascii)) == value


@given(VALUES)
def test_bytes_are_ascii_and_on_one_line(value: object) -> None:
    written = json_bytes(value)
    assert written.isascii()
    assert b"\n" not in written


def test_slashes_and_markup_stay_as_they_are() -> None:
    assert json_bytes({"a": "</b>/é"}) == b'{"a":"</b>/\\u00e9"}'
    assert json_text({"a": "</b>/é"}, ascii=False) == '{"a":"</b>/é"}'


@pytest.mark.parametrize("number", [2**63, -(2**64), 2**200, 10**4299])
def test_integers_of_any_size_are_exact(number: int) -> None:
    assert parsed_json(json_bytes(number)) == number


def test_integer_of_more_digits_than_python_reads_is_no_json() -> None:
    with pytest.raises(ValueError, match="4300"):
        parsed_json("1" * 5000)


def test_numbers_that_are_none_are_read_and_written_by_name_unless_they_are_forbidden() -> None:
    assert math.isnan(parsed_json("NaN"))
    assert parsed_json("[Infinity, -Infinity, 1e400]") == [math.inf, -math.inf, math.inf]
    assert json_bytes([math.nan, math.inf]) == b"[NaN,Infinity]"
    for number in (math.nan, math.inf, -math.inf):
        with pytest.raises(OverflowError):
            json_bytes([number], finite=True)


def test_lone_surrogates_are_read_in_both_forms_and_written_as_escapes() -> None:
    assert parsed_json('"\\ud83d"') == parsed_json(b'"\xed\xa0\xbd"') == "\ud83d"
    assert json_bytes("\ud83d") == b'"\\ud83d"'
    assert json_text("\ud83d", ascii=False) == '"\ud83d"'


def test_surrogates_of_one_character_become_that_character() -> None:
    assert parsed_json('"\\ud83e\\udd8a"') == "🦊"


def test_nesting_has_an_end_both_ways_with_an_error() -> None:
    deep = "[" * LEVELS + "]" * LEVELS
    assert json_text(parsed_json(deep)) == deep
    for levels in (LEVELS + 100, 100_000):
        with pytest.raises(ValueError, match=r".+"):
            parsed_json("[" * levels + "]" * levels)
        with pytest.raises(OverflowError):
            json_bytes(nested(levels))


@pytest.mark.parametrize(
    ("text", "value"),
    [('"\x01"', "\x01"), ("-", 0), ("01", 1), ("1.", 1.0), ('{"a": 1, "a": 2}', {"a": 2}), (" [] \n", [])],
)
def test_what_is_taken_though_it_is_not_quite_json(text: str, value: object) -> None:
    assert parsed_json(text) == parsed_json(text.encode()) == value


@pytest.mark.parametrize(
    "text", ["", "[1,]", "'a'", "[] x", "\ufeff[]", "1e", "nul", "{1: 2}", "[", '"a', "//\n1", "+1", ".5"]
)
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    for data in (text, text.encode()):
        with pytest.raises(ValueError, match=r".+"):
            parsed_json(data)


def test_bytes_that_are_no_utf8_are_no_json() -> None:
    with pytest.raises(ValueError, match=r".+"):
        parsed_json(b'"\xff"')


def test_keys_become_strings_and_tuples_arrays() -> None:
    assert json_bytes({1: (2, 3), None: ()}) == b'{"1":[2,3],"null":[]}'


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_what_json_has_no_form_for_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError):
        json_bytes(value)
