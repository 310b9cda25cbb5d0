"""Counters in memory, with any order of entries and clocks that jump; what is over takes no memory."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from ledger.counters import UsageCounters
from ledger.limits import DAY, CurrentUsage, Limits, limit_reached
from ledger.records import Capped, Subject
from tests.ledger.entries import ALICE, NO_LIMITS, WINDOW, posted

NOW = 1_700_000_000.0

times = st.floats(NOW - 5 * 3600, NOW, allow_nan=False)


def size(counters: UsageCounters) -> int:
    """How large all that is remembered is, in bytes when it is written down."""
    return len(pickle.dumps(counters))


@given(st.lists(times, max_size=60), st.sets(st.integers(0, 59)))
def test_usage_is_what_was_added_less_what_was_refunded(at: list[float], refunded: set[int]) -> None:
    counters = UsageCounters(NO_LIMITS)
    entries = [posted(at=when) for when in at]
    for entry in entries:
        counters.add(entry)
    for number in refunded & set(range(len(entries))):
        counters.refund(entries[number])
    left = [entry for number, entry in enumerate(entries) if number not in refunded]
    usage = counters.current_usage(ALICE, "gpt-4", NOW)
    today = NO_LIMITS.day(NOW)
    assert usage.units == sum(entry.units for entry in left if NO_LIMITS.day(entry.at) == today)
    assert list(usage.window) == sorted(entry.at for entry in left if entry.at > NOW - WINDOW)


@given(st.floats(-30 * DAY, 30 * DAY))
def test_clock_that_jumps_and_comes_back_has_the_same_count(jump: float) -> None:
    limits = Limits(window=WINDOW, window_messages=2)
    counters = UsageCounters(limits)
    counters.add(posted(at=NOW - 10))
    counters.add(posted("bob", at=NOW + jump))
    usage = counters.current_usage(ALICE, "gpt-4", NOW + jump)
    assert limit_reached(limits, limits.of_caller(None), usage, 14, True, NOW + jump) is None
    assert counters.current_usage(ALICE, "gpt-4", NOW).own_units == 14


def test_message_of_the_future_leaves_the_window_in_time() -> None:
    limits = Limits(window=WINDOW, window_messages=1)
    counters = UsageCounters(limits)
    counters.add(posted(at=NOW + 100 * DAY))
    reached = limit_reached(
        limits, limits.of_caller(None), counters.current_usage(ALICE, "gpt-4", NOW), 14, True, NOW
    )
    assert reached is not None
    assert reached.retry_after <= limits.window


def test_cap_of_years_is_not_believed() -> None:
    counters = UsageCounters(NO_LIMITS)
    counters.record_cap(Capped("alice", "gpt-4", NOW + 1000 * DAY), NOW)
    assert counters.current_usage(ALICE, "gpt-4", NOW).capped_until == 0


def test_cap_is_over_in_time() -> None:
    counters = UsageCounters(NO_LIMITS)
    counters.record_cap(Capped("alice", "gpt-4", NOW + 60), NOW)
    assert counters.current_usage(ALICE, "gpt-4", NOW + 59).capped_until == NOW + 60
    assert counters.capped_slugs(NOW + 59) == {"gpt-4"}
    assert counters.current_usage(ALICE, "gpt-4", NOW + 61).capped_until == 0
    assert counters.capped_slugs(NOW + 61) == set()


def test_usage_of_all_instances_takes_the_place_of_our_own() -> None:
    counters = UsageCounters(NO_LIMITS)
    counters.add(posted(at=NOW))
    counters.overwrite(ALICE, NO_LIMITS.day(NOW), CurrentUsage(70, 28, [NOW - 5, NOW - 9], 0))
    usage = counters.current_usage(ALICE, "gpt-4", NOW)
    assert (usage.units, usage.own_units, list(usage.window)) == (70, 28, [NOW - 9, NOW - 5])


def test_windows_that_are_over_take_no_memory() -> None:
    counters, all_at_once = UsageCounters(NO_LIMITS), UsageCounters(NO_LIMITS)
    for number in range(5000):
        counters.add(posted(f"key-{number}", units=0, at=NOW + number * 60))
    for number in range(2500):
        all_at_once.add(posted(f"key-{number}", units=0, at=NOW))
    assert size(counters) < size(all_at_once)


def test_callers_that_have_spent_nothing_take_no_memory() -> None:
    counters = UsageCounters(NO_LIMITS)
    counters.add(posted(at=NOW))
    before = size(counters)
    for number in range(100):
        refused = posted(f"key-{number}", at=NOW)
        counters.add(refused)
        counters.refund(refused)
        counters.current_usage(Subject(f"key-{number}"), "gpt-4", NOW)
    assert size(counters) == before


def test_callers_that_all_instances_have_refused_take_no_memory() -> None:
    counters = UsageCounters(NO_LIMITS)
    counters.overwrite(ALICE, NO_LIMITS.day(NOW), CurrentUsage(14, 14, [], 0))
    before = size(counters)
    for number in range(100):
        counters.overwrite(Subject(f"key-{number}"), NO_LIMITS.day(NOW), CurrentUsage(14, 0, [], 0))
    assert size(counters) == before
