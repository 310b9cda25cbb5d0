"""Forms: what clients send is read, and anything else is a 400, however large and however cut."""

import time
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.openai import Form, FormBody, FormFile, read_form
from translate.openai.form import MAX_FIELD_BYTES, MAX_HEADER_BYTES, MAX_NAME, MAX_PARTS
from translate.values import BadRequest, UnsupportedMediaType

TYPE = "multipart/form-data; boundary=b"


def part(name: str, value: bytes = b"x", more: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


def form(*parts: bytes) -> Form:
    return read_form(TYPE, b"".join(parts) + b"--b--\r\n")


def refused(body: bytes) -> str:
    with pytest.raises(BadRequest) as caught:
        read_form(TYPE, body)
    assert caught.value.status == 400
    return caught.value.message


def test_last_value_of_a_field_and_all_files_are_read() -> None:
    found = form(
        part("prompt", b"one"),
        part("prompt", "zwei ä".encode()),
        part("image", b"\r\n\x00--", '; filename="a.png"\r\nContent-Type: image/png'),
        part("image", b"", "; filename=b.png"),
    )
    assert found.fields == {"prompt": "zwei ä"}
    assert found.files == {"image": [FormFile("a.png", b"\r\n\x00--"), FormFile("b.png", b"")]}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('filename="a \\"b\\" c.png"', 'a "b" c.png'),
        ("filename*=UTF-8''%E4%BD%A0.png", "你.png"),
        ("filename=\"_.png\"; filename*=utf-8'en'%E4%BD%A0.png", "你.png"),
        ("filename=\"_.png\"; filename*=latin-1''x", "_.png"),
        ('filename="你.png"', "你.png"),
        ('filename=""', ""),
        ("filename*=utf-8''%ED%A0%80", "\ufffd\ufffd\ufffd"),
    ],
)
def test_names_of_files_are_read_in_all_notations(written: str, name: str) -> None:
    assert form(part("image", b"x", f"; {written}")).files["image"][0].name == name


@pytest.mark.parametrize(
    "content_type", ['multipart/form-data; charset=utf-8; boundary="b"', "multipart/form-data;BOUNDARY = b"]
)
def test_boundary_is_found(content_type: str) -> None:
    assert read_form(content_type, part("a") + b"--b--").fields == {"a": "x"}


def test_what_stands_around_the_parts_means_nothing() -> None:
    assert read_form(TYPE, b"preamble\r\n" + part("a") + b"--b--\r\nepilogue").fields == {"a": "x"}
    assert form() == Form()


def test_without_a_boundary_nothing_is_read() -> None:
    with pytest.raises(UnsupportedMediaType):
        read_form("multipart/form-data", part("a"))


HOSTILE = {
    "nothing": b"",
    "no boundary in it": b"x" * 100,
    "no last boundary": part("a"),
    "cut in the headers": part("a") + b"--b\r\nContent-Disposition: form-data",
    "cut behind a boundary": part("a") + b"--b",
    "text behind a boundary": b"--bc\r\n\r\n\r\n--b--",
    "no name": part(""),
    "no disposition": b"--b\r\nContent-Type: x\r\n\r\nx\r\n--b--",
    "another disposition": b'--b\r\nContent-Disposition: file; name="a"\r\n\r\nx\r\n--b--',
    "no headers": b"--b\r\n\r\nx\r\n--b--",
    "too many parts": part("a") * (MAX_PARTS + 1) + b"--b--",
    "too many boundaries": b"\r\n--b" * 100_000,
    "too many headers": b"--b\r\n" + b"a: b\r\n" * MAX_HEADER_BYTES + b"\r\n\r\n--b--",
    "long name": part("a" * (MAX_NAME + 1)) + b"--b--",
    "long name of a file": part("a", b"x", f'; filename="{"a" * (MAX_NAME + 1)}"') + b"--b--",
    "long field": part("a", b"x" * (MAX_FIELD_BYTES + 1)) + b"--b--",
    "nothing but beginnings": part("a") + b"\r\n--" * 1_000_000,
    "open quotes": part("a", b"x", '; x="' * 1000) + b"--b-",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_form_is_refused_soon(body: bytes) -> None:
    start = time.process_time()
    assert refused(body)
    assert time.process_time() - start < 5


def test_form_at_the_limits_is_read() -> None:
    found = form(*(part(f"{index}", b"x" * 1000) for index in range(MAX_PARTS - 1)), part("a" * MAX_NAME))
    assert len(found.fields) == MAX_PARTS


@given(
    values=st.lists(
        st.lists(st.sampled_from([b"\r\n", b"--", b"b", b"-", b"x"]), max_size=6).map(b"".join), max_size=4
    ),
    data=st.data(),
)
def test_form_is_the_same_wherever_it_is_cut(values: list[bytes], data: st.DataObject) -> None:
    body = (
        b"".join(part("f", value, "; filename=x") for value in values if b"\r\n--b" not in b"\r\n" + value)
        + b"--b--"
    )
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=6).map(sorted))
    kept = FormBody(TYPE)
    for start, end in pairwise((0, *cuts, len(body))):
        kept.feed(body[start:end])
    whole = read_form(TYPE, body)
    assert kept.read_form() == whole
    expected = [value for value in values if b"\r\n--b" not in b"\r\n" + value]
    assert [file.data for file in whole.files.get("f", [])] == expected


@given(
    body=st.lists(
        st.sampled_from([b"--b", b"\r\n", b"--", b'Content-Disposition: form-data; name="a"', b";"]),
        max_size=12,
    )
)
def test_any_bytes_are_a_form_or_refused(body: list[bytes]) -> None:
    with suppress(BadRequest):
        assert isinstance(read_form(TYPE, b"".join(body)), Form)
