"""Text comes to the client with the record that brings it."""

import pytest

from benchmarks.backend_stream import Style, reply_tokens
from benchmarks.held_back import DIALECTS, answer_tokens, waiting_for

PER_MILLE = 2
"""Of plain text without citations, at most so much may wait for a later record."""


@pytest.mark.parametrize("style", ["raw", "py"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("tokens", [answer_tokens(), reply_tokens(1000)], ids=["answers", "phrases"])
def test_nearly_no_token_waits_for_the_next_one(tokens: tuple[str, ...], dialect: str, style: Style) -> None:
    waiting = waiting_for(tokens, DIALECTS[dialect](tokens, style))
    assert 1000 * waiting.total() <= PER_MILLE * len(tokens), waiting


def test_what_may_still_become_a_citation_waits() -> None:
    tokens = ("Cold", " 【", "注意", "】", " and [", "x", "](", "https", ")")
    waiting = waiting_for(tokens, DIALECTS["snapshot"](tokens, "raw"))
    assert waiting == {"a citation mark": 1}
