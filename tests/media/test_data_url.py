"""`data:` URLs as clients write them, and as attackers do."""

import asyncio
import base64
import tracemalloc
from contextlib import suppress
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.data_url import SLICE, decode_data_url, is_data_url, read_data_url
from media.errors import Malformed, MediaError, TooBig
from tests.media import pictures
from tests.plenty import held

PNG = pictures.png()
BASE64 = base64.b64encode(PNG).decode()
MANY = bytes(range(256)) * 8


def decode(text: str, max_bytes: int = 1 << 20) -> bytes:
    return decode_data_url(text, max_bytes=max_bytes)


@pytest.mark.parametrize(
    "text",
    [
        f"data:image/png;base64,{BASE64}",
        f"DATA:IMAGE/PNG;BASE64,{BASE64}",
        f"data:image/png;name=a.png;base64,{BASE64}",
        f"data:image/png; charset=utf-8; base64, {BASE64}",
        f"  data:image/png;base64,{BASE64}\n",
        f"data:image/png;base64,{BASE64.rstrip('=')}",
        "data:image/png;base64," + "\r\n".join(BASE64[i : i + 20] for i in range(0, len(BASE64), 20)),
        "data:image/png;base64," + BASE64.replace("+", "-").replace("/", "_"),
        "data:image/png;base64," + BASE64.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
        "data:image/png," + quote_from_bytes(PNG),
        "data:image/png," + "".join(f"%{byte:02x}" for byte in PNG),
    ],
)
def test_usual_spellings_give_the_same_bytes(text: str) -> None:
    assert decode(text) == PNG


@pytest.mark.parametrize("text", [BASE64, BASE64.rstrip("="), f"\n{BASE64}\n"])
def test_bare_base64_is_taken(text: str) -> None:
    assert decode(text) == PNG


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data:,hello%20world", b"hello world"),
        ("data:text/csv;charset=utf-8,a%2Cb", b"a,b"),
        ("data:;base64,aGk=", b"hi"),
        ("data:base64,aGk=", b"aGk="),
        ("data:text/plain,你好", "你好".encode()),
        ('data:"><script>,x', b"x"),
        ("data:,100%", b"100%"),
    ],
)
def test_parameters_and_types_are_optional(text: str, expected: bytes) -> None:
    assert decode(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data:",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,A",
        "data:image/png;base64,QQ==QQ==",
        "data:image/png;base64,Q=Q=",
        "data:image/png;base64,QUI*",
        "data:image/png;base64,图片",
        "data:image/png;base64,\ud800\ud800\ud800\ud800",
        "data:,\ud800",
        "data:" + "x" * 5000 + ",a",
        "not base64 at all!",
    ],
)
def test_what_cannot_be_decoded_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        decode(text)


def test_limit_is_exact() -> None:
    for text in (base64.b64encode(MANY).decode(), "data:," + quote_from_bytes(MANY)):
        assert decode(text, len(MANY)) == MANY
        with pytest.raises(TooBig, match=str(len(MANY) - 1)):
            decode(text, len(MANY) - 1)


def test_white_space_and_padding_do_not_count_towards_the_limit() -> None:
    spread = "\n".join(base64.b64encode(MANY).decode())
    assert decode(spread, len(MANY)) == MANY


@pytest.mark.parametrize(
    ("start", "unit"),
    [("", "A"), ("data:,%", "%41"), ("data:;base64,%41", "A")],
    ids=["bare", "percent", "both"],
)
def test_too_much_is_refused_before_it_is_decoded(start: str, unit: str) -> None:
    text = start + unit * 5_000_000
    tracemalloc.start()
    try:
        with pytest.raises(TooBig):
            decode(text, 1000)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=1, max_size=64), st.integers(-5, 5))
def test_slices_join_wherever_they_are_cut(pattern: bytes, shift: int) -> None:
    data = (pattern * (SLICE // len(pattern) + 8))[: SLICE + shift]
    text = base64.b64encode(data).decode()
    limit = len(data)
    assert decode(text, limit) == data
    assert decode(" " * (7 + shift) + text[:99] + "\n" + text[99:].rstrip("="), limit) == data
    assert decode("data:," + quote_from_bytes(data, safe=""), limit) == data


@given(st.text(max_size=60), st.sampled_from(["", "data:", "data:;base64,", "data:a/b,"]))
def test_no_text_fails_otherwise(text: str, start: str) -> None:
    with suppress(MediaError):
        assert len(decode(start + text, 20)) <= 20


def test_only_data_urls_are_taken_for_such() -> None:
    assert is_data_url(" Data:x")
    assert not is_data_url("https://example.com/data:x")
    assert not is_data_url(BASE64)


async def test_event_loop_goes_on_while_a_large_one_is_decoded() -> None:
    text = "data:image/png;base64," + base64.b64encode(bytes(20 << 20)).decode()
    most = 0
    for _ in range(5):  # the loop may stand still for another reason while it is decoded once
        reading = asyncio.ensure_future(read_data_url(text, held(), max_bytes=32 << 20))
        turns = 0
        while not reading.done():
            turns += 1
            await asyncio.sleep(0)
        assert len(await reading) == 20 << 20
        most = max(most, turns)
    assert most > 3
