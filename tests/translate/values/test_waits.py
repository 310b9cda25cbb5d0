"""How long to wait, as words say it."""

import pytest

from translate.values import wait_in


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("try again in 40 seconds", 40),
        ("when the limit resets in 40 minutes", 2400),
        ("the limit resets in 5 hours and 20 minutes.", 19200),
        ("available in about 1 day, 2 hours", 93600),
        ("please wait 3 minutes before", 180),
        ("wait for it", None),
        ("the cat has slept 5 hours", None),
        ("resets in 12345 minutes", None),
        ("", None),
    ],
)
def test_wait_is_read_from_words(text: str, seconds: float | None) -> None:
    assert wait_in(text) == seconds


def test_long_run_of_times_costs_no_more_than_its_length() -> None:
    assert wait_in("again in " + "1 day " * 50_000) == 4 * 86400
