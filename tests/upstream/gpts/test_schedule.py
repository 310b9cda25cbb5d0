"""Pauses between attempts: they grow after failures, differ at random, and end."""

import pytest

from upstream.gpts.schedule import (
    AFTER_PERMANENT,
    AFTER_TRANSIENT,
    REFRESH_SECONDS,
    Backoff,
    pause_before_refresh,
)


@pytest.mark.parametrize("backoff", [AFTER_TRANSIENT, AFTER_PERMANENT])
def test_pauses_double_up_to_the_longest(backoff: Backoff) -> None:
    pauses = [backoff.pause(failures, 1.0) for failures in range(1, 40)]
    assert pauses[:3] == [backoff.first, 2 * backoff.first, 4 * backoff.first]
    assert pauses == sorted(pauses)
    assert pauses[-1] == backoff.longest


def test_half_of_a_pause_is_random() -> None:
    assert [Backoff(8.0, 100.0).pause(1, jitter) for jitter in (0.0, 0.5, 1.0)] == [4.0, 6.0, 8.0]


def test_attempt_that_ended_without_a_failure_is_followed_soon() -> None:
    assert Backoff(8.0, 100.0).pause(0, 1.0) == 8.0


@pytest.mark.parametrize(
    ("age", "pause"),
    [
        (0.0, REFRESH_SECONDS),
        (REFRESH_SECONDS / 4, REFRESH_SECONDS * 3 / 4),
        (REFRESH_SECONDS - 1, AFTER_PERMANENT.first),
        (10 * REFRESH_SECONDS, AFTER_PERMANENT.first),
        (-REFRESH_SECONDS, REFRESH_SECONDS),
    ],
)
def test_description_is_refreshed_when_it_is_old_but_never_at_once(age: float, pause: float) -> None:
    assert pause_before_refresh(age, 1.0) == pause
    assert pause_before_refresh(age, 0.0) == pytest.approx(0.9 * pause)
