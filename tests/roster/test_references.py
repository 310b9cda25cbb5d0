"""Secrets in files and in the environment: read as programs write them, and refused without being told."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.references import MAX_SECRET_BYTES, Reference, References, Unreadable, token_in


def read(folder: Path, content: bytes) -> str:
    (folder / "token").write_bytes(content)
    return References(folder, {}).read(Reference("file", "token"))


def test_white_space_around_a_secret_does_not_count(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf  fk-canary\r\n") == "fk-canary"
    assert References(tmp_path, {"A": " x\n"}).read(Reference("env", "A")) == "x"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b" \n", "its file is empty"),
        (b"canary\xff", "its file is not UTF-8 text"),
        (b"x" * (MAX_SECRET_BYTES + 1), "its file is larger than"),
    ],
)
def test_file_that_holds_no_secret_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said) as told:
        read(tmp_path, content)
    assert "canary" not in str(told.value)


def test_what_is_no_file_is_told_and_not_waited_for(tmp_path: Path) -> None:
    references = References(tmp_path, {})
    os.mkfifo(tmp_path / "pipe")
    for name, said in ((".", "no regular file"), ("pipe", "no regular file"), ("nothing", "not there")):
        with pytest.raises(Unreadable, match=said):
            references.read(Reference("file", name))
    with pytest.raises(Unreadable, match="the variable NOBODY is not set"):
        references.read(Reference("env", "NOBODY"))


def test_files_are_those_beside_the_roster_and_are_noted(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "token").write_text("x")
    references = References(tmp_path / "deep", {})
    assert references.read(Reference("file", "token")) == "x"
    assert references.read(Reference("file", str(tmp_path / "deep" / "token"))) == "x"
    assert list(references.signatures) == [tmp_path / "deep" / "token"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fk-abc", ("fk-abc", "")),
        ('{"access_token": "eyJ"}', ("eyJ", "")),
        ('{"access_token": "eyJ", "account_id": "acc"}', ("eyJ", "acc")),
        ('{"OPENAI_API_KEY": null, "tokens": {"access_token": "eyJ", "account_id": "a"}}', ("eyJ", "a")),
        ('{"user": {}, "accessToken": "eyJ", "expires": "2027"}', ("eyJ", "")),
        ('{"tokens": [], "access_token": "eyJ", "account_id": 1}', ("eyJ", "")),
    ],
)
def test_token_is_found_where_programs_write_it(text: str, found: tuple[str, str]) -> None:
    assert token_in(text) == found


WRITTEN = '{"tokens": {"access_token": "eyJcanary", "account_id": "acc"}, "last_refresh": "2027"}'


@given(st.integers(1, len(WRITTEN) - 1))
def test_file_of_a_token_cut_anywhere_has_none(length: int) -> None:
    with pytest.raises(Unreadable) as told:
        token_in(WRITTEN[:length])
    assert "canary" not in str(told.value)


@pytest.mark.parametrize("text", ["{}", '{"access_token": 1}', '{"tokens": {"access_token": ""}}'])
def test_json_without_a_token_is_told(text: str) -> None:
    with pytest.raises(Unreadable, match="its JSON has no access_token"):
        token_in(text)
