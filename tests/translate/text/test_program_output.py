"""What a program printed: printable, without line breaks at its end, and not too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.text.program_output import FIGURE_MARK, MAX_CHARACTERS, OutputLimit, printable


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        (f"a{FIGURE_MARK}b{FIGURE_MARK}", "ab"),
        ("\x1b[?25l42", "42"),
    ],
)
def test_control_sequences_and_figure_marks_are_not_shown(printed: str, shown: str) -> None:
    assert printable(printed) == shown


@given(
    st.lists(st.sampled_from(["a", "b\n", "\n", "\n\n", "x" * 7000, "y" * MAX_CHARACTERS]), max_size=8),
)
def test_beginning_is_shown_without_line_breaks_at_its_end_however_it_comes(pieces: list[str]) -> None:
    limit = OutputLimit()
    shown = "".join(map(limit.feed, pieces)) + limit.release()
    assert shown == "".join(pieces).rstrip("\n")[:MAX_CHARACTERS]
    assert not limit.passes_through


def test_cut_is_told_once() -> None:
    limit = OutputLimit()
    told = []
    for piece in ("x" * (MAX_CHARACTERS - 1), "yz", "more"):
        limit.feed(piece)
        told += [limit.take_notice(), limit.take_notice()]
    assert told == ["", "", f"\n[output cut after {MAX_CHARACTERS} characters]\n", "", "", ""]
