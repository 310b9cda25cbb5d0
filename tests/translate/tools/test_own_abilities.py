"""What the model is told of its own abilities beside the client's tools."""

import pytest

from translate.tools import checked_toolbox, instructed
from translate.values import ChatMessage, Native, Tool, Toolbox

QUESTION = [ChatMessage("user", "Hi")]


@pytest.mark.parametrize(
    ("native", "said"),
    [
        (frozenset(), "No other tools are available."),
        (frozenset({Native.WEB_SEARCH}), "your own web search. No other"),
        (frozenset(Native), "your own web search and Python and drawing of pictures. No other"),
    ],
)
def test_abilities_that_were_asked_for_may_be_used_besides(native: frozenset[Native], said: str) -> None:
    rules = instructed(QUESTION, Toolbox([Tool("f")], native=native), None, "7f3a9c12")[0].text
    assert said in rules
    assert rules.count("No other tools") == 1


def test_tools_of_a_request_may_be_none() -> None:
    assert checked_toolbox([], "auto", [], parallel=True) is None
