"""What is counted: messages with their frames, the reply's priming, pictures by tiles, never zero."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.values.usage import Usage, picture_tokens, usage_of


def by_words(texts: Sequence[str]) -> int:
    """A tokenizer with one token a word."""
    return sum(len(text.split()) for text in texts)


def test_each_message_takes_four_tokens_more_than_its_text_and_the_reply_three() -> None:
    assert usage_of(["be nice", "hi"], 0, "well met friend", by_words) == Usage(2 * 4 + 3 + 3, 3)


def test_pictures_add_to_the_prompt() -> None:
    assert usage_of(["look"], 850, "nice", by_words) == Usage(4 + 3 + 1 + 850, 1)


def test_empty_texts_still_count_as_one_token_on_each_side() -> None:
    usage = usage_of([], 0, "", by_words)
    assert usage.prompt_tokens >= 1
    assert usage.completion_tokens == 1


@pytest.mark.parametrize(
    ("width", "height", "detail", "tokens"),
    [
        (1024, 1024, "high", 765),  # the published examples
        (2048, 4096, "high", 1105),
        (4096, 8192, "low", 85),
        (1024, 1024, "auto", 765),
        (512, 512, "high", 255),
        (513, 512, "high", 425),
        (1, 1, "high", 255),
        (20000, 1, "high", 85 + 4 * 170),
    ],
)
def test_pictures_count_by_tiles_as_published(width: int, height: int, detail: str, tokens: int) -> None:
    assert picture_tokens(width, height, detail) == tokens


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_no_picture_takes_more_than_eight_tiles(width: int, height: int) -> None:
    assert 85 + 170 <= picture_tokens(width, height, "high") <= 85 + 8 * 170
