"""Stop sequences: cut before the first one complete, hold back no more than might begin one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.text.stop import StopFilter


def shown(stops: list[str], *pieces: str) -> list[str]:
    filter = StopFilter(stops)
    return [*(filter.feed(piece) for piece in pieces), filter.release()]


def test_text_without_a_stop_sequence_goes_through_at_once() -> None:
    assert shown(["END"], "Hello", " you") == ["Hello", " you", ""]


def test_text_is_cut_before_the_stop_sequence_and_nothing_comes_behind() -> None:
    assert shown(["END"], "Hello END you", "more") == ["Hello ", "", ""]


def test_stop_sequence_cut_over_pieces_is_found_and_its_beginning_held_back() -> None:
    assert shown(["\nUser:"], "Hi\nUs", "er", ": x") == ["Hi", "", "", ""]


def test_beginning_that_leads_to_nothing_is_shown_after_all() -> None:
    assert shown(["\nUser:"], "Hi\nUs", "ed") == ["Hi", "\nUsed", ""]
    assert shown(["\nUser:"], "Hi\nUs") == ["Hi", "\nUs"]


def test_stop_sequence_that_is_complete_first_counts_and_of_two_that_end_together_the_longer() -> None:
    assert shown(["b", "abc"], "xabc") == ["xa", ""]
    assert shown(["bc", "abc"], "xabc") == ["x", ""]
    assert shown(["bc", "abc"], "xa", "b", "c") == ["x", "", "", ""]


def test_stop_sequence_that_was_met_is_known() -> None:
    filter = StopFilter(["bc", "END"])
    assert (filter.feed("xb"), filter.met) == ("x", "")
    assert (filter.feed("c END"), filter.met) == ("", "bc")


@pytest.mark.parametrize("stops", [["aa"], ["aab", "ab"], ["aba"], ["abab", "ba"]])
@given(text=st.text("ab", max_size=12), cuts=st.lists(st.integers(1, 3), min_size=1, max_size=12))
def test_cut_does_not_depend_on_how_the_text_came(stops: list[str], text: str, cuts: list[int]) -> None:
    pieces: list[str] = []
    at = 0
    while at < len(text):
        size = cuts[len(pieces) % len(cuts)]
        pieces.append(text[at : at + size])
        at += size
    ends = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    expected = text[: min(ends)[1]] if ends else text
    assert "".join(shown(stops, *pieces)) == expected
