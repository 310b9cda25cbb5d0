"""The JSON object in a body: the same as a parser gives, in less memory, and always well-formed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.openai import JsonBody
from translate.openai.json_body import read_object
from translate.openai.json_scan import LONG_STRING, MAX_DEPTH, MAX_NUMBER, SMALL_TEXT
from translate.values import BadRequest

PICTURE = "A" * LONG_STRING


def parsed(*pieces: bytes) -> Any:
    body = JsonBody()
    for piece in pieces:
        body.feed(piece)
    return body.read_object()


def refused(body: bytes) -> str:
    with pytest.raises(BadRequest) as caught:
        read_object(body)
    return caught.value.message


def test_body_may_come_in_any_pieces_and_with_a_byte_order_mark() -> None:
    assert parsed(b"\xef\xbb", b'\xbf{"a', b'": 1}') == {"a": 1}


@pytest.mark.parametrize(
    "data",
    [
        {"a": PICTURE, "b": [PICTURE + "b", "NaN", {"c": PICTURE + "c"}], "d": "😀"},
        {"a": PICTURE + "\n/" + PICTURE, "b": '"\\' + PICTURE},
        {"a": PICTURE + "ä", "b": PICTURE + "\u2028"},
    ],
)
def test_long_strings_come_out_as_they_went_in(data: dict[str, Any]) -> None:
    assert read_object(json.dumps(data, ensure_ascii=False).encode()) == data
    assert read_object(json.dumps(data, indent=1).encode()) == data
    assert read_object(json.dumps(data).replace("/", "\\/").encode()) == data


LONG = b'"' + PICTURE.encode() + b'"'
NO_JSON = {
    "a constant": b'{"a": NaN}',
    "an infinity": b'{"a": -Infinity}',
    "a constant before a long string": b'{"a": NaN, "b": ' + LONG + b"}",
    "a constant behind a long string": b'{"a": ' + LONG + b', "b": NaN}',
    "another constant": b'{"a": ' + LONG + b', "b": Infinity}',
    "a long string joined to something": b'{"a": -' + LONG + b"}",
    "a control character": b'{"a": "' + PICTURE.encode() + b'\n"}',
    "a broken escape": b'{"a": "' + PICTURE.encode() + b'\\x"}',
    "not UTF-8": b'{"a": "\xff"}',
    "half a character in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert refused(body) == "We could not parse the JSON body of your request."


def test_text_of_a_body_is_told_from_its_pictures() -> None:
    body = JsonBody()
    body.feed(b'{"a": ' + LONG + b"}")
    assert body.other_bytes == len(b'{"a": }')


def test_only_objects_are_read() -> None:
    assert "object" in refused(b"[]")
    assert "object" in refused(LONG)


def test_nothing_is_kept_of_a_body_beyond_a_limit() -> None:
    body = JsonBody()
    with pytest.raises(BadRequest, match="nested"):
        body.feed(b" " * SMALL_TEXT + b"[" * (MAX_DEPTH + 1))
    with pytest.raises(BadRequest, match="parse"):
        body.read_object()


@pytest.mark.parametrize(
    ("text", "said"),
    [(b"[" * (MAX_DEPTH + 1), "nested"), (b'{"a": ' + b"1" * (MAX_NUMBER + 1) + b"}", "number")],
)
def test_small_body_beyond_a_limit_is_refused_when_it_is_read(text: bytes, said: str) -> None:
    assert said in refused(text)


def test_small_body_may_hold_long_words_and_many_brackets_in_its_strings() -> None:
    data = {"a": "w" * 500, "b": "[{" * 500}
    assert read_object(json.dumps(data).encode()) == data


def test_body_that_grows_beyond_a_small_one_is_looked_over_from_its_beginning() -> None:
    body = JsonBody()
    body.feed(b"[" * MAX_DEPTH)
    with pytest.raises(BadRequest, match="nested"):
        body.feed(b" " * SMALL_TEXT + b"[")


def test_halves_of_characters_are_replaced_wherever_they_stand() -> None:
    body = rb'{"a\ud800": ["\udfff x", {"b": "\ud83d\ude00", "c": "\uDBFF"}, 1, null]}'
    assert read_object(body) == {"a\ufffd": ["\ufffd x", {"b": "😀", "c": "\ufffd"}, 1, None]}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([PICTURE, PICTURE + '"\\\n', PICTURE + "\u4f60"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@given(data=st.dictionaries(st.text(max_size=4), VALUES, max_size=4), ascii=st.booleans())
def test_object_is_what_a_parser_gives(data: dict[str, Any], ascii: bool) -> None:
    assert read_object(json.dumps(data, ensure_ascii=ascii).encode()) == data


@given(
    body=st.binary(max_size=60) | st.lists(st.sampled_from([*b'"\\u{}[]:,1eNaN ']), max_size=40).map(bytes)
)
def test_any_bytes_give_an_object_or_are_refused(body: bytes) -> None:
    try:
        expected = json.loads(body.decode(), parse_constant=float)
    except ValueError:
        refused(body)
        return
    try:
        assert read_object(body) == expected
    except BadRequest:
        assert not isinstance(expected, dict) or b"NaN" in body or b"Infinity" in body
