"""What a JSON text would be made of is counted before it is made, wherever the text is cut."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.openai.json_scan import (
    LONG_STRING,
    MAX_DEPTH,
    MAX_NUMBER,
    MAX_OTHER_BYTES,
    MAX_VALUES,
    PIECE,
    SMALL_TEXT,
    JsonScan,
    surely_within_limits,
)
from translate.values import ApiError, BadRequest, TooLarge

MIB = 1 << 20


def scanned(text: bytes, *cuts: int, long_string: int = LONG_STRING) -> JsonScan:
    """The scan of a text that is cut at these places."""
    scan = JsonScan(long_string)
    for start, end in pairwise((0, *cuts, len(text))):
        scan.feed(text[start:end])
    return scan


def in_pieces(text: bytes, size: int = PIECE) -> JsonScan:
    return scanned(text, *range(size, len(text), size))


def refusal(text: bytes, kind: type[ApiError] = BadRequest) -> str:
    with pytest.raises(kind) as caught:
        in_pieces(text)
    return caught.value.message


def counted(value: Any) -> int:
    """How many values a parsed text has, names of members among them."""
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(counted, value.values()))
    return 1 + sum(map(counted, value)) if isinstance(value, list) else 1


def test_limits_are_named() -> None:
    assert str(MAX_VALUES) in refusal(b"[" + b"[]," * MAX_VALUES + b"[]]")
    assert str(MAX_DEPTH) in refusal(b"[" * (MAX_DEPTH + 1))
    assert str(MAX_NUMBER) in refusal(b'{"n": ' + b"1" * (MAX_NUMBER + 1) + b"}")
    assert str(MAX_OTHER_BYTES) in refusal(b" " * (MAX_OTHER_BYTES + 1), TooLarge)
    assert str(LONG_STRING) in refusal(b'{"' + b"a" * LONG_STRING + b'" : 1}')


@given(
    pieces=st.lists(
        st.sampled_from([b"[", b"{", b"]", b'"', b"\\", b",", b" ", b"1" * 33, b"[" * 33, b"a" * 33]),
        max_size=12,
    )
)
def test_small_text_that_is_surely_within_the_limits_passes_the_scan(pieces: list[bytes]) -> None:
    text = b"".join(pieces)
    if surely_within_limits(bytearray(text)):
        in_pieces(text)


def test_no_small_text_has_too_many_values_or_a_long_string() -> None:
    assert SMALL_TEXT < MAX_VALUES
    assert SMALL_TEXT < LONG_STRING


def test_what_is_at_the_limits_passes() -> None:
    in_pieces(b"[" + b"1," * (MAX_VALUES - 2) + b"1]")
    in_pieces(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    in_pieces(b"1" * MAX_NUMBER)
    in_pieces(b" " * MAX_OTHER_BYTES)
    in_pieces(b'{"' + b"a" * (LONG_STRING - 3) + b'":1}')


@pytest.mark.parametrize("escape", [b"", b"\\/", b"\\n", b'\\"'])
def test_pictures_may_be_as_large_as_the_body(escape: bytes) -> None:
    picture = b"a" * (16 * MIB - 1) + escape
    scan = in_pieces(b'["' + picture + b'", "' + picture + b'"]')
    assert [(place.start, place.as_is) for place in scan.long_strings] == [
        (1, not escape),
        (len(picture) + 5, not escape),
    ]
    assert scan.other_bytes == 4


@pytest.mark.parametrize("unit", ["你", "\\u4f60", "a\\n你"])
def test_long_text_of_other_characters_counts_as_text(unit: str) -> None:
    text = unit.encode()
    assert str(MAX_OTHER_BYTES) in refusal(b'["' + text * (MAX_OTHER_BYTES // len(text)) + b'"]', TooLarge)


@pytest.mark.parametrize("ending", [b"\x00", b"\n"])
def test_control_character_in_a_long_string_is_left_to_the_parser(ending: bytes) -> None:
    scan = in_pieces(b'"' + b"a" * LONG_STRING + ending + b'"')
    assert [place.as_is for place in scan.long_strings] == [False]


@pytest.mark.parametrize("text", [b"]" * MIB, b"," * MIB, b"[1]]" + b"[]" * MIB, b"", b'"abc', b"[1, 2"])
def test_text_that_is_no_json_is_left_to_the_parser(text: bytes) -> None:
    in_pieces(text)


STRINGS = st.text(max_size=8) | st.integers(240, 260).map(lambda size: "x" * size)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | STRINGS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(STRINGS, inner, max_size=5),
    max_leaves=30,
)
TEXTS = st.builds(
    lambda value, ascii, indent: json.dumps(value, ensure_ascii=ascii, indent=indent).encode(),
    VALUES,
    st.booleans(),
    st.none() | st.integers(0, 2),
)


@given(text=TEXTS, data=st.data())
def test_count_is_that_of_the_parsed_text_wherever_it_is_cut(text: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=5).map(sorted))
    scan = scanned(text, *cuts)
    assert scan.values == counted(json.loads(text))
    assert scan.other_bytes == len(text)


@given(text=st.lists(st.sampled_from([*b'"\\u/n[]{},: 1a\xe4\n']), max_size=60).map(bytes), data=st.data())
def test_any_bytes_give_the_same_wherever_they_are_cut(text: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=5).map(sorted))
    at_once, in_parts = scanned(text), scanned(text, *cuts)
    assert (in_parts.values, in_parts.other_bytes) == (at_once.values, at_once.other_bytes)


SMALL = 16


@given(
    parts=st.lists(
        st.sampled_from(["x" * SMALL, "x" * 300, "\\/", "\\n", "\\u00e4", "ä", '\\"', "\\\\", "u", "/"]),
        max_size=6,
    ),
    before=st.sampled_from(["", "  ", '"a",', "1,"]),
    after=st.sampled_from(["", " ", ', "b"', ",1"]),
    data=st.data(),
)
def test_long_strings_are_found_wherever_the_text_is_cut(
    parts: list[str], before: str, after: str, data: st.DataObject
) -> None:
    content = "".join(parts)
    text = f'[{before}"{content}"{after}]'.encode()
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=5).map(sorted))
    found = scanned(text, long_string=270).long_strings
    assert scanned(text, *cuts, long_string=270).long_strings == found
    for place in found:
        assert json.loads(text[place.start : place.end]) == json.loads(f'"{content}"')
        assert place.as_is == ("\\" not in content)


def test_name_is_known_to_be_too_long_wherever_the_text_is_cut() -> None:
    name = b'{"' + b"a" * LONG_STRING + b'"'
    with pytest.raises(BadRequest, match="name"):
        scanned(name + b"  :1}", len(name), len(name) + 1)
    scanned(name + b"  ,1}", len(name), len(name) + 1)


def test_number_may_come_in_many_pieces() -> None:
    scan = scanned(b"[123456, 7]", 2, 4, 6)
    assert scan.values == 3
    with pytest.raises(BadRequest, match="number"):
        scanned(b"1" * (MAX_NUMBER + 1), 10, 30, 40)
