"""Halves of characters: what can be joined is joined, and what cannot be encoded is replaced."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.values.unicode import concatenate, join_surrogates, well_formed

TEXT = st.text(st.characters() | st.sampled_from('\ud83d\udd25\u2028\u0085\ufffd\x00\\"/'), max_size=20)


@given(TEXT)
def test_whole_text_can_be_encoded_and_keeps_all_that_could_be(text: str) -> None:
    result = well_formed(text)
    result.encode()
    assert well_formed(result) == result
    if not re.search("[\ud800-\udfff]", text):
        assert result == text


@given(TEXT)
def test_joined_pairs_of_any_cut_are_whole_again(text: str) -> None:
    halves = "".join(
        character.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
        if character < "\U00010000"
        else chr(0xD800 + ((ord(character) - 0x10000) >> 10)) + chr(0xDC00 + (ord(character) & 0x3FF))
        for character in text
    )
    assert join_surrogates(halves) == join_surrogates(text)
    assert well_formed(join_surrogates(text)) == well_formed(text)


@given(TEXT, TEXT)
def test_concatenation_joins_a_character_that_was_cut(text: str, piece: str) -> None:
    joined = join_surrogates(text)
    assert concatenate(joined, join_surrogates(piece)) == join_surrogates(text + piece)


@pytest.mark.parametrize(
    ("text", "piece", "both"),
    [
        ("a\ud83d", "\udd25b", "a\U0001f525b"),
        ("", "\udd25b", "\udd25b"),
        ("a", "\udd25", "a\udd25"),
        ("a\ud83d", "", "a\ud83d"),
        ("a\ud83d", "b", "a\ud83db"),
        ("a\udd25", "\ud83d", "a\udd25\ud83d"),
    ],
)
def test_only_two_halves_of_one_character_are_joined(text: str, piece: str, both: str) -> None:
    assert concatenate(text, piece) == both
