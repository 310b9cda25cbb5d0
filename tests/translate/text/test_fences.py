"""Fences: long enough at the beginning, and not closed by what comes later."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.text.fences import BREAK, FenceGuard, backticks_at_end, fence_for


@pytest.mark.parametrize(
    ("text", "fence"),
    [("", "```"), ("x", "```"), ("a `b` ``c``", "```"), ("```", "````"), ("````\n```", "`````")],
)
def test_fence_is_longer_than_any_run_in_the_text(text: str, fence: str) -> None:
    assert fence_for(text) == fence


@pytest.mark.parametrize(("text", "count"), [("", 0), ("a", 0), ("`a", 0), ("a`", 1), ("```", 3)])
def test_backticks_at_the_end_are_counted(text: str, count: int) -> None:
    assert backticks_at_end(text) == count


@given(st.lists(st.text("`a \n", max_size=6), max_size=6))
def test_nothing_that_is_fed_closes_the_fence_and_nothing_of_it_is_lost(pieces: list[str]) -> None:
    guard = FenceGuard("```")
    shown = "".join(map(guard.feed, pieces)) + guard.release()
    assert not re.search("^ *`{3,} *$", shown, re.MULTILINE)
    assert shown.replace(BREAK, "") == "".join(pieces)


def test_run_that_would_close_the_fence_is_broken_up() -> None:
    guard = FenceGuard("```")
    assert guard.feed("a\n```\nb") == f"a\n{BREAK.join('```')}\nb"


def test_runs_that_meet_are_kept_apart() -> None:
    guard = FenceGuard("````")
    assert [guard.feed("a``"), guard.feed(""), guard.feed("``b")] == ["a``", "", BREAK + "``b"]


def test_plain_pieces_go_by_unless_a_backtick_came_last() -> None:
    guard = FenceGuard("```")
    assert guard.passes_through
    guard.feed("`")
    assert not guard.passes_through
    guard.feed("x")
    assert guard.passes_through
