"""A clock that stands far from all that was recorded is not believed, until a week speaks for it."""

import logging

import pytest

from runtime import ClockTrust

DAY = 86400.0
NOW = 1_700_000_000.0


class Clocks:
    """The clock of the machine, and one that only ever goes on."""

    def __init__(self) -> None:
        self.wall, self.steady = NOW, 5000.0

    def go_on(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def trust(self) -> ClockTrust:
        return ClockTrust("things", lambda: self.wall, lambda: self.steady)


def allows(trust: ClockTrust, *ages: float, now: float = NOW) -> bool:
    """Whether deletion is allowed where things were recorded so many days ago."""
    begin, end = trust.witness_times()
    times = [now - age * DAY for age in ages]
    return trust.allows_deletion(
        witnessed=any(begin <= at < end for at in times), older=any(at < begin for at in times)
    )


@pytest.mark.parametrize("ages", [(), (0.1, 3), (0, 9, 500), (20, 500), (36.9, 400), (8, 9, 10)])
def test_clock_is_believed_where_there_is_no_long_gap(ages: tuple[float, ...]) -> None:
    assert allows(Clocks().trust(), *ages)


@pytest.mark.parametrize("ages", [(400,), (38, 39), (400, 800), (0, 1, 6.9, 400)])
def test_clock_far_behind_a_gap_is_not_believed_even_when_something_was_recorded_since(
    ages: tuple[float, ...],
) -> None:
    assert not allows(Clocks().trust(), *ages)


def test_clock_is_believed_a_week_after_a_gap_in_one_run_or_in_several() -> None:
    clocks = Clocks()
    trust = clocks.trust()
    assert not allows(trust, 90)
    clocks.go_on(8 * DAY)
    assert allows(trust, 98)
    assert allows(clocks.trust(), 7.5, 98)


def test_clock_that_is_set_begins_anew() -> None:
    clocks = Clocks()
    trust = clocks.trust()
    clocks.go_on(20 * DAY)
    assert allows(trust, 400)
    clocks.wall += 400 * DAY
    assert not allows(trust, 400)
    clocks.wall -= 400 * DAY
    assert not allows(trust, 400)
    clocks.go_on(6.9 * DAY)
    assert not allows(trust, 400)
    clocks.go_on(0.2 * DAY)
    assert allows(trust, 400)


def test_log_tells_once_when_nothing_is_deleted_and_once_when_it_is_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clocks = Clocks()
    trust = clocks.trust()
    for _ in range(3):
        allows(trust, 400)
    clocks.go_on(8 * DAY)
    for _ in range(3):
        allows(trust, 400)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
