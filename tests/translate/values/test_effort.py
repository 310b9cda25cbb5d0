"""OpenAI's words for how long a model may think, in the backend's."""

import pytest

from translate.values import ListedModel, reasoning_efforts, thinking_effort
from translate.values.effort import EFFORTS, WANTED

ALL = ListedModel("gpt-6", efforts=EFFORTS)
USUAL = ListedModel("gpt-5-6-thinking", efforts=("standard", "extended"))
FIXED = ListedModel("gpt-5-6")


@pytest.mark.parametrize(
    ("word", "effort"),
    [
        ("none", "min"),
        ("minimal", "min"),
        ("low", "standard"),
        ("medium", "extended"),
        ("high", "max"),
        ("xhigh", "max"),
    ],
)
def test_word_has_its_effort_where_the_model_lists_it(word: str, effort: str) -> None:
    assert thinking_effort(word, ALL) == effort


def test_effort_that_is_not_listed_becomes_the_next_shorter_one_else_the_next_longer_one() -> None:
    assert thinking_effort("high", USUAL) == "extended"
    assert thinking_effort("minimal", USUAL) == "standard"
    assert thinking_effort("low", ListedModel("x", efforts=("max", "extended"))) == "extended"
    assert thinking_effort("medium", ListedModel("x", efforts=("standard", "max"))) == "standard"


def test_effort_is_left_out_where_the_model_does_not_take_one() -> None:
    assert thinking_effort("high", FIXED) == ""
    assert thinking_effort("high", None) == ""
    assert thinking_effort("high", ListedModel("x", efforts=("warp",))) == ""


@pytest.mark.parametrize("word", ["", "HIGH", "standard", "extended", "much"])
def test_word_that_openai_does_not_have_asks_for_nothing(word: str) -> None:
    assert thinking_effort(word, ALL) == ""


def test_words_that_a_model_tells_apart_lead_to_different_efforts() -> None:
    assert reasoning_efforts(ALL) == ("minimal", "low", "medium", "high")
    assert reasoning_efforts(USUAL) == ("low", "medium")
    assert reasoning_efforts(FIXED) == ()


@pytest.mark.parametrize("word", WANTED)
def test_only_listed_efforts_are_sent(word: str) -> None:
    assert thinking_effort(word, USUAL) in USUAL.efforts
