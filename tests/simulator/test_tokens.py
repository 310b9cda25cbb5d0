"""Texts in tokens and pieces."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.tokens import split_pieces, split_tokens


@given(st.text(), st.integers(1, 9), st.sampled_from(["token", "char"]))
def test_pieces_joined_are_the_text(text: str, step: int, unit: str) -> None:
    assert "".join(split_tokens(text)) == text
    assert "".join(split_pieces(text, step, unit)[0]) == text
