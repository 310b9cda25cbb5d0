"""The pure parts: tallies and decisions, with any order of entries and clocks that jump."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.limits import DAY, Limits, Standing, decide
from ledger.records import Capped, Posted
from ledger.tally import Tally

NOW = 1_700_000_000.0
EMPTY = Standing(0, 0, (), 0.0)

times = st.floats(NOW - 5 * 3600, NOW, allow_nan=False)


def posted(number: int, at: float, alias: str = "alice", *, windowed: bool = True) -> Posted:
    return Posted(f"id-{number}", at, alias, "gpt-4-s", "gpt-4", 14, windowed)


@given(st.lists(times, max_size=60), st.sets(st.integers(0, 59)))
def test_tally_is_what_was_added_less_what_was_released(at: list[float], released: set[int]) -> None:
    tally = Tally(Limits())
    entries = [posted(number, when) for number, when in enumerate(at)]
    for entry in entries:
        tally.add(entry)
    for number in released & set(range(len(entries))):
        tally.release(entries[number])
    left = [entry for number, entry in enumerate(entries) if number not in released]
    standing = tally.standing("alice", "gpt-4", NOW)
    today = Limits().day(NOW)
    assert standing.units == sum(entry.units for entry in left if Limits().day(entry.at) == today)
    assert list(standing.window) == sorted(entry.at for entry in left if entry.at > NOW - 10800)


@given(st.lists(times, min_size=1, max_size=60), st.integers(1, 40))
def test_wait_for_the_window_is_exactly_long_enough(at: list[float], allowed: int) -> None:
    limits, tally = Limits(window_messages=allowed), Tally(Limits(window_messages=allowed))
    for number, when in enumerate(at):
        tally.add(posted(number, when))
    reached = decide(limits, tally.standing("alice", "gpt-4", NOW), 14, True, NOW)
    if reached is None:
        assert sum(when > NOW - limits.window for when in at) < allowed
        return
    later = NOW + reached.retry_after + 0.001
    assert decide(limits, tally.standing("alice", "gpt-4", later), 14, True, later) is None


@given(st.floats(0, 10**9), st.integers(0, 23))
def test_quota_resets_at_the_hour_of_the_settings(now: float, hour: int) -> None:
    reset = Limits(reset_hour=hour).reset_at(now)
    assert 0 < reset - now <= DAY + 1e-3
    assert reset % DAY == hour * 3600


@given(st.floats(-30 * DAY, 30 * DAY))
def test_clock_that_jumps_and_comes_back_has_the_same_count(jump: float) -> None:
    limits = Limits(window_messages=2)
    tally = Tally(limits)
    tally.add(posted(1, NOW - 10))
    tally.add(posted(2, NOW + jump, alias="bob"))
    assert decide(limits, tally.standing("alice", "gpt-4", NOW + jump), 14, True, NOW + jump) is None
    assert tally.standing("alice", "gpt-4", NOW).key_units == 14


def test_message_of_the_future_leaves_the_window_in_time() -> None:
    limits = Limits(window_messages=1)
    tally = Tally(limits)
    tally.add(posted(1, NOW + 100 * DAY))
    reached = decide(limits, tally.standing("alice", "gpt-4", NOW), 14, True, NOW)
    assert reached is not None
    assert reached.retry_after <= limits.window


def test_cap_beyond_all_measure_is_not_believed() -> None:
    tally = Tally(Limits())
    tally.learn(Capped("alice", "gpt-4", NOW + 1000 * DAY), NOW)
    assert tally.standing("alice", "gpt-4", NOW).capped_until == 0


def test_longest_of_several_waits_is_told() -> None:
    limits = Limits(per_day=10, window_messages=1)
    standing = Standing(10, 10, [NOW - 10_000], NOW + 5)
    reached = decide(limits, standing, 14, True, NOW)
    assert reached is not None
    assert reached.reason == "quota"
    assert reached.retry_after == limits.reset_at(NOW) - NOW


def test_windows_that_are_over_take_no_memory() -> None:
    tally = Tally(Limits())
    for number in range(5000):
        tally.add(posted(number, NOW + number * 60, alias=f"key-{number}"))
    assert len(tally._windows) < 2500
