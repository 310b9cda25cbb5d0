"""What becomes of an account that fails: how long it rests, what ends that, and what two instances know."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool import AccountFault, Condition, Fault, Obstacle
from pool.health import (
    JITTER,
    MAX_RESTING,
    RULES,
    Health,
    Rest,
    Scope,
    after_fault,
    after_success,
    merged,
    with_credential,
    with_enabled,
)

NOW = 1_800_000_000.0
DAY = 86400.0
WELL = Health(digest="a" * 32)
INFINITE = float("inf")


def failed(health: Health, kind: AccountFault, wait: float | None = None, **values: Any) -> Health:
    now = values.get("now", NOW)
    return after_fault(
        health,
        Fault(kind, wait, values.get("feature", "")),
        slug=values.get("slug", ""),
        began=values.get("began", now),
        now=now,
        random=values.get("random", 0.0),
    )


def in_a_row(kind: AccountFault, count: int, wait: float | None = None) -> list[float]:
    """The pauses after so many failures, each of which came when the pause before was over."""
    health, now, pauses = WELL, NOW, []
    for _ in range(count):
        health = failed(health, kind, wait, now=now)
        pauses.append(health.until - now)
        now = health.until
    assert health.failures == count
    return pauses


OF_THE_ACCOUNT = [kind for kind, rule in RULES.items() if rule.scope is Scope.ACCOUNT]
ANNOUNCED = [kind for kind in OF_THE_ACCOUNT if RULES[kind].announced]


def test_every_fault_has_a_rule() -> None:
    assert set(RULES) == set(AccountFault)


@pytest.mark.parametrize(
    ("kind", "first", "longest"),
    [
        (AccountFault.REFUSED, 60, 3600),
        (AccountFault.EXPIRED, 60, 3600),
        (AccountFault.DEACTIVATED, 600, 21600),
        (AccountFault.BUSY, 2, 60),
        (AccountFault.CHALLENGE, 30, 900),
        (AccountFault.RATE, 30, 1800),
        (AccountFault.UNREACHABLE, 1, 60),
        (AccountFault.FAILING, 2, 300),
    ],
)
def test_pauses_double_up_to_a_ceiling(kind: AccountFault, first: float, longest: float) -> None:
    pauses = in_a_row(kind, 12)
    assert pauses[0] == first
    assert pauses[-1] == longest
    assert all(later == min(2 * earlier, longest) for earlier, later in pairwise(pauses))


@given(st.sampled_from(AccountFault), st.integers(1, 2000), st.floats(0, 1))
def test_pause_is_spread_below_its_length(kind: AccountFault, failures: int, random: float) -> None:
    rule = RULES[kind]
    whole = rule.pause(failures, None, 0.0)
    assert (1 - JITTER) * whole <= rule.pause(failures, None, random) <= whole <= rule.ceiling


@pytest.mark.parametrize("kind", ANNOUNCED)
def test_wait_that_the_backend_announces_is_kept(kind: AccountFault) -> None:
    assert failed(WELL, kind, 40.0, random=1.0).until == NOW + 40


@pytest.mark.parametrize("kind", ANNOUNCED)
def test_announcement_that_did_not_help_is_followed_by_longer_pauses(kind: AccountFault) -> None:
    pauses = in_a_row(kind, 12, wait=0.1)
    assert pauses[0] == 1.0
    assert pauses[1] == RULES[kind].base
    assert pauses[-1] == RULES[kind].ceiling


@given(st.sampled_from(AccountFault), st.floats(0, 1e9), st.integers(1, 50))
def test_no_pause_is_longer_than_is_believed(kind: AccountFault, wait: float, failures: int) -> None:
    rule = RULES[kind]
    assert 0 < rule.pause(failures, wait, 0.5) <= rule.longest


def test_cap_is_believed_for_a_week_at_most_and_to_the_second() -> None:
    capped = failed(WELL, AccountFault.CAPPED, 5400.0, slug="gpt-4")
    again = failed(capped, AccountFault.CAPPED, 10.0, slug="gpt-4", now=NOW + 5400)
    assert capped.models["gpt-4"].until == NOW + 5400
    assert again.models["gpt-4"].until == NOW + 5410
    assert failed(WELL, AccountFault.CAPPED, 1e6, slug="gpt-4").models["gpt-4"].until == NOW + 7 * DAY


def test_capped_model_rests_alone() -> None:
    health = failed(WELL, AccountFault.CAPPED, 5400.0, slug="gpt-4")
    assert health.obstacle("gpt-4", (), NOW) == (Obstacle.CAPPED, NOW + 5400)
    assert health.obstacle("gpt-4", (), NOW + 5400) == (Obstacle.NONE, 0.0)
    assert health.obstacle("gpt-5", (), NOW) == (Obstacle.NONE, 0.0)
    assert health.condition(NOW) is Condition.OK


def test_model_that_is_not_offered_is_out_of_reach_alone() -> None:
    health = failed(WELL, AccountFault.NO_MODEL, slug="gpt-9")
    assert health.obstacle("gpt-9", (), NOW) == (Obstacle.UNABLE, NOW + 600)
    assert health.obstacle("gpt-4", (), NOW)[0] is Obstacle.NONE


def test_feature_rests_alone_and_the_longest_rest_counts() -> None:
    health = failed(WELL, AccountFault.FEATURE, 7200.0, feature="image_gen")
    health = failed(health, AccountFault.CAPPED, 60.0, slug="gpt-4")
    assert health.obstacle("gpt-4", (), NOW) == (Obstacle.CAPPED, NOW + 60)
    assert health.obstacle("gpt-4", ("file_upload", "image_gen"), NOW) == (Obstacle.FEATURE, NOW + 7200)
    assert health.obstacle("gpt-5", ("file_upload",), NOW)[0] is Obstacle.NONE


def test_fault_of_a_model_or_feature_that_is_not_named_is_one_of_the_account() -> None:
    assert failed(WELL, AccountFault.CAPPED, 60.0).obstacle("x", (), NOW) == (Obstacle.CAPPED, NOW + 60)
    assert failed(WELL, AccountFault.FEATURE, 60.0).obstacle("x", (), NOW) == (Obstacle.FEATURE, NOW + 60)


@pytest.mark.parametrize("kind", OF_THE_ACCOUNT)
def test_account_that_has_failed_can_take_nothing_until_its_time(kind: AccountFault) -> None:
    health, person = failed(WELL, kind), RULES[kind].needs_person
    obstacle = Obstacle.REFUSED if person else Obstacle.COOLING
    assert health.obstacle("gpt-4", (), NOW) == (obstacle, health.until)
    assert health.condition(NOW) is (Condition.NEEDS_PERSON if person else Condition.COOLING)
    assert health.obstacle("gpt-4", (), health.until)[0] is Obstacle.NONE, "it is tried again"
    assert health.condition(health.until) is (Condition.NEEDS_PERSON if person else Condition.OK)


def test_success_makes_well_and_begins_to_count_anew() -> None:
    health = failed(failed(WELL, AccountFault.RATE), AccountFault.RATE, now=NOW + 30)
    well = after_success(health, slug="", began=NOW + 90, now=NOW + 95)
    assert (well.reason, well.failures, well.until, well.since) == (None, 0, 0.0, 0.0)
    assert failed(well, AccountFault.RATE, now=NOW + 100).until == NOW + 130


def test_success_of_a_message_that_began_before_the_fault_ends_nothing() -> None:
    health = failed(failed(WELL, AccountFault.REFUSED), AccountFault.CAPPED, slug="gpt-4")
    assert after_success(health, slug="gpt-4", began=NOW - 1, now=NOW + 5) is health
    later = after_success(health, slug="gpt-4", began=NOW, now=NOW + 5)
    assert (later.reason, later.models) == (None, {})


def test_success_with_another_model_leaves_a_cap() -> None:
    health = failed(WELL, AccountFault.CAPPED, 60.0, slug="gpt-4")
    assert after_success(health, slug="gpt-5", began=NOW + 1, now=NOW + 2) is health


def test_messages_that_were_under_way_together_fail_as_one() -> None:
    health = failed(WELL, AccountFault.UNREACHABLE, began=NOW - 9)
    for second in range(5):
        health = failed(health, AccountFault.UNREACHABLE, began=NOW - 5, now=NOW + second)
    assert health.failures == 1
    assert health.until == NOW + 5
    assert failed(health, AccountFault.UNREACHABLE, began=NOW + 6, now=NOW + 7).failures == 2


def test_earlier_end_of_a_message_under_way_does_not_shorten_the_rest() -> None:
    health = failed(WELL, AccountFault.RATE, 600.0, began=NOW - 9)
    assert failed(health, AccountFault.RATE, 5.0, began=NOW - 9, now=NOW + 1).until == NOW + 600


def test_what_takes_a_person_is_not_covered_up_by_what_does_not() -> None:
    refused = failed(WELL, AccountFault.REFUSED)
    for kind in OF_THE_ACCOUNT:
        if not RULES[kind].needs_person:
            later = failed(refused, kind, now=NOW + 59)
            assert (later.reason, later.failures) == (AccountFault.REFUSED, 1)
            assert later.until >= refused.until
    assert failed(failed(WELL, AccountFault.BUSY), AccountFault.REFUSED).reason is AccountFault.REFUSED


def test_long_rest_is_not_covered_up_by_a_short_one() -> None:
    paused = failed(WELL, AccountFault.RATE, 3600.0)
    later = failed(paused, AccountFault.UNREACHABLE, now=NOW + 60)
    assert (later.reason, later.until) == (AccountFault.RATE, NOW + 3600)
    longer = failed(failed(WELL, AccountFault.BUSY), AccountFault.RATE, 3600.0)
    assert (longer.reason, longer.failures, longer.since) == (AccountFault.RATE, 1, NOW)


def test_state_begins_when_the_account_was_last_well() -> None:
    health = failed(failed(WELL, AccountFault.REFUSED), AccountFault.REFUSED, now=NOW + 500)
    assert (health.since, health.failed_at) == (NOW, NOW + 500)


def test_new_credential_is_well_at_once_but_stays_switched_off() -> None:
    health = with_enabled(failed(WELL, AccountFault.REFUSED), False, NOW)
    assert with_credential(health, WELL.digest) is health
    fresh = with_credential(health, "b" * 32)
    assert (fresh.reason, fresh.failures, fresh.enabled) == (None, 0, False)
    assert fresh.obstacle("x", (), NOW) == (Obstacle.DISABLED, INFINITE)
    assert with_enabled(fresh, True, NOW).obstacle("x", (), NOW)[0] is Obstacle.NONE


@pytest.mark.parametrize("kind", AccountFault)
def test_end_of_a_rest_that_is_too_far_away_is_not_believed(kind: AccountFault) -> None:
    """The clock stood days ahead when the account failed, and was set right."""
    health = failed(WELL, kind, slug="gpt-4", feature="image_gen", now=NOW + 365 * DAY)
    assert health.obstacle("gpt-4", ("image_gen",), NOW)[0] is Obstacle.NONE


def test_success_counts_after_the_clock_was_set_back() -> None:
    health = failed(WELL, AccountFault.REFUSED, now=NOW + 3000)
    assert after_success(health, slug="", began=NOW, now=NOW + 1).reason is None


def test_names_that_rest_are_bounded() -> None:
    health = WELL
    for number in range(3 * MAX_RESTING):
        health = failed(health, AccountFault.NO_MODEL, slug=f"gpt-{number}", now=NOW + number)
    assert len(health.models) == MAX_RESTING
    assert f"gpt-{3 * MAX_RESTING - 1}" in health.models
    late = failed(health, AccountFault.CAPPED, slug="gpt-4", now=NOW + 365 * DAY)
    assert list(late.models) == ["gpt-4"], "what was over long ago is gone"


times = st.floats(NOW - 1000, NOW + 1000)
rests = st.dictionaries(
    st.sampled_from(["a", "b"]), st.builds(Rest, st.sampled_from(AccountFault), times, times), max_size=2
)
healths = st.builds(
    Health,
    digest=st.just("a" * 32),
    reason=st.none() | st.sampled_from(AccountFault),
    failed_at=times,
    until=times,
    failures=st.integers(0, 5),
    models=rests,
    features=rests,
    enabled=st.booleans(),
    enabled_at=st.sampled_from([0.0, NOW, NOW + 1]),
    changed_at=st.sampled_from([0.0, NOW, NOW + 1]),
)


@given(healths, healths)
def test_two_instances_come_to_know_the_same(one: Health, two: Health) -> None:
    both = merged(one, two)
    assert both == merged(two, one)
    assert merged(both, one) == merged(both, two) == both


@given(healths, healths)
def test_later_change_and_later_word_of_the_administrator_count_each(one: Health, two: Health) -> None:
    both = merged(one, two)
    assert both.changed_at == max(one.changed_at, two.changed_at)
    assert both.enabled_at == max(one.enabled_at, two.enabled_at)


def test_of_another_credential_only_the_word_of_the_administrator_counts() -> None:
    theirs = with_enabled(replace(failed(WELL, AccountFault.REFUSED), digest="b" * 32), False, NOW)
    both = merged(WELL, theirs)
    assert (both.digest, both.reason, both.enabled) == (WELL.digest, None, False)
    assert merged(Health(), theirs) == theirs, "one that has seen no credential yet takes what there is"


@given(healths, st.sampled_from(AccountFault), times)
def test_each_change_is_later_than_the_one_before_whatever_the_clock(
    health: Health, kind: AccountFault, now: float
) -> None:
    assert failed(health, kind, now=now).changed_at > health.changed_at
    assert with_enabled(health, False, now).enabled_at > health.enabled_at


@given(healths, st.sampled_from(AccountFault), times, times, st.none() | st.floats(0, 1e7), st.floats(0, 1))
def test_every_fault_keeps_something_away_for_a_bounded_time(
    health: Health, kind: AccountFault, began: float, now: float, wait: float | None, random: float
) -> None:
    after = after_fault(
        health, Fault(kind, wait, "image_gen"), slug="gpt-4", began=began, now=now, random=random
    )
    obstacle, until = replace(after, enabled=True).obstacle("gpt-4", ("image_gen",), now)
    assert obstacle is not Obstacle.NONE
    assert now < until <= now + 40 * DAY
