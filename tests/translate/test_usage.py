"""Token counts are estimates, cheap and never zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.usage import Usage, estimate


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 1), ("a", 1), ("word", 1), ("words", 2), ("你好", 2), ("ab你", 2), ("🔥", 1)]
)
def test_four_letters_or_one_other_character_make_a_token(text: str, tokens: int) -> None:
    assert estimate(text) == tokens


@given(st.text(st.characters() | st.just("\ud83d")))
def test_estimate_is_positive_and_at_most_one_token_a_character(text: str) -> None:
    assert 1 <= estimate(text) <= max(1, len(text))


def test_total_is_the_sum() -> None:
    assert Usage(3, 4).as_json() == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
