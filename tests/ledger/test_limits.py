"""Decisions: a wait is long enough and no longer, and the longest of several is told."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.counters import UsageCounters
from ledger.limits import DAY, CurrentUsage, Limits, limit_reached, ratelimit_headers
from tests.ledger.entries import ALICE, WINDOW, posted

NOW = 1_700_000_000.0

times = st.floats(NOW - 5 * 3600, NOW, allow_nan=False)


@given(st.lists(times, min_size=1, max_size=60), st.integers(1, 40))
def test_wait_for_the_window_is_exactly_long_enough(at: list[float], allowed: int) -> None:
    limits = Limits(window=WINDOW, window_messages=allowed)
    counters = UsageCounters(limits)
    for when in at:
        counters.add(posted(at=when))
    reached = limit_reached(
        limits, limits.of_caller(None), counters.current_usage(ALICE, "gpt-4", NOW), 14, True, NOW
    )
    if reached is None:
        assert sum(when > NOW - limits.window for when in at) < allowed
        return
    later = NOW + reached.retry_after + 0.001
    assert (
        limit_reached(
            limits, limits.of_caller(None), counters.current_usage(ALICE, "gpt-4", later), 14, True, later
        )
        is None
    )


@given(st.floats(0, 10**9), st.integers(0, 23))
def test_quota_resets_at_the_hour_of_the_settings(now: float, hour: int) -> None:
    reset = Limits(window=WINDOW, reset_hour=hour).reset_at(now)
    assert 0 < reset - now <= DAY + 1e-3
    assert reset % DAY == hour * 3600


def test_longest_of_several_waits_is_told() -> None:
    limits = Limits(window=WINDOW, per_day=10, window_messages=1)
    usage = CurrentUsage(10, 10, [NOW - 10_000], NOW + 5)
    reached = limit_reached(limits, limits.of_caller(None), usage, 14, True, NOW)
    assert reached is not None
    assert reached.reason == "quota"
    assert reached.retry_after == limits.reset_at(NOW) - NOW


def test_headers_tell_of_the_quota_of_which_less_is_left() -> None:
    limits = Limits(window=WINDOW, per_day=100, per_key=50)
    own_first = ratelimit_headers(limits, limits.of_caller(None), CurrentUsage(40, 30, (), 0), True, NOW)
    common_first = ratelimit_headers(limits, limits.of_caller(None), CurrentUsage(95, 30, (), 0), True, NOW)
    names = ("x-ratelimit-limit-units", "x-ratelimit-remaining-units")
    assert [own_first[name] for name in names] == ["50", "20"]
    assert [common_first[name] for name in names] == ["100", "5"]
    assert "x-ratelimit-limit-requests" not in own_first
