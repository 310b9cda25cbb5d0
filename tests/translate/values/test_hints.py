"""What a conversation may be asked to make use of, in the backend's words."""

import pytest

from translate.values import ListedModel
from translate.values.hints import SYSTEM_HINTS, system_hints


def test_every_hint_has_the_backends_word_when_nothing_is_known_of_the_model() -> None:
    for model in (None, ListedModel("gpt-6")):
        assert system_hints(SYSTEM_HINTS, model) == list(SYSTEM_HINTS.values())


@pytest.mark.parametrize(
    ("tools", "left"),
    [
        (("tools",), ["plugin:connector_openai_deep_research", "reason"]),
        (("tools", "search"), ["search", "plugin:connector_openai_deep_research", "reason"]),
        (("image_gen_tool_enabled",), ["picture_v2", "plugin:connector_openai_deep_research", "reason"]),
        (("canvas",), ["plugin:connector_openai_deep_research", "canvas", "reason"]),
    ],
)
def test_hint_for_a_tool_that_the_model_does_not_have_is_left_out(
    tools: tuple[str, ...], left: list[str]
) -> None:
    assert system_hints(SYSTEM_HINTS, ListedModel("gpt-6", enabled_tools=tools)) == left


def test_hint_is_given_once_and_unknown_words_never() -> None:
    assert system_hints(["search", "magic", "search"], None) == ["search"]
