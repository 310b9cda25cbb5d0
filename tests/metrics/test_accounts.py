"""Series of accounts and keys: those that there are, with what is known of them, and no others."""

import math

from hypothesis import given
from hypothesis import strategies as st

from metrics import AccountGauges, AccountState, Attempt, Metrics, names
from pool import AccountFault
from tests.metrics.test_registry import OWN, samples

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
GAUGES = AccountGauges(
    state=AccountState.COOLING,
    in_use=2,
    cooldown_until=1_000.0,
    units=30.0,
    units_limit=100.0,
    messages=39.0,
    messages_limit=40.0,
)


def of_accounts(metrics: Metrics) -> Series:
    return {key: value for key, value in samples(metrics).items() if key[0].startswith(f"{OWN}account_")}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(OWN + name, labels)


def test_series_of_an_account_are_there_as_long_as_it_is() -> None:
    metrics = Metrics([], [])
    assert of_accounts(metrics) == {}
    metrics.accounts.keep(["a", "b"], ["k"])
    one = {key for key in of_accounts(metrics) if dict(key[1])["account"] == "a"}
    assert set(of_accounts(metrics).values()) == {0.0}
    assert len(of_accounts(metrics)) == 2 * len(one)
    assert value(metrics, "key_quota_units_total", key="k") == 0
    metrics.accounts.keep(["a"], [])
    assert of_accounts(metrics).keys() == one
    assert value(metrics, "key_quota_units_total", key="k") is None


def test_one_that_stays_keeps_its_counts_and_one_that_comes_back_begins_anew() -> None:
    metrics = Metrics([], [])
    metrics.accounts.keep(["a", "b"], ["k", "l"])
    for account, key in (("a", "k"), ("b", "l")):
        metrics.attempt("m", Attempt.OK, 4, account=account, key=key)
    metrics.accounts.keep(["a"], ["k"])
    metrics.accounts.keep(["a", "b"], ["k", "l"])
    assert value(metrics, "account_quota_units_total", account="a") == 4
    assert value(metrics, "key_quota_units_total", key="k") == 4
    assert value(metrics, "account_quota_units_total", account="b") == 0
    assert value(metrics, "key_quota_units_total", key="l") == 0


def test_account_is_in_one_state_at_a_time() -> None:
    metrics = Metrics([], [])
    metrics.accounts.keep(["a"], [])
    metrics.accounts.stands("a", GAUGES)
    states = {state: value(metrics, "account_state", account="a", state=state) for state in AccountState}
    assert states == {state: float(state is AccountState.COOLING) for state in AccountState}
    assert value(metrics, "account_cooldown_until_timestamp_seconds", account="a") == 1_000
    assert value(metrics, "account_in_use", account="a") == 2


def test_what_is_left_of_an_account_is_never_below_nothing_and_infinite_without_a_limit() -> None:
    metrics = Metrics([], [])
    metrics.accounts.keep(["a"], [])
    for units, limit, left in ((30.0, 100.0, 70.0), (130.0, 100.0, 0.0), (5.0, math.inf, math.inf)):
        gauges = AccountGauges(
            state=AccountState.OK,
            in_use=0,
            cooldown_until=0.0,
            units=units,
            units_limit=limit,
            messages=3.0,
            messages_limit=math.inf,
        )
        metrics.accounts.stands("a", gauges)
        assert value(metrics, "account_quota_used_units", account="a") == units
        assert value(metrics, "account_quota_limit_units", account="a") == limit
        assert value(metrics, "account_quota_remaining_units", account="a") == left
    assert value(metrics, "account_gpt4_window_messages", account="a") == 3
    assert value(metrics, "account_gpt4_window_limit", account="a") == math.inf


def test_conversations_count_for_account_key_and_model() -> None:
    metrics = Metrics([], ["m"])
    metrics.accounts.keep(["a"], ["k"])
    metrics.attempt("m", Attempt.OK, 4, account="a", key="k")
    metrics.attempt("m", Attempt.REFUSED, 0, account="a", key="k")
    metrics.attempt("m", Attempt.OK, 3, key="key-9f2c")
    assert value(metrics, "account_conversations_total", account="a", outcome="ok") == 1
    assert value(metrics, "account_conversations_total", account="a", outcome="refused") == 1
    assert value(metrics, "account_quota_units_total", account="a") == 4
    assert value(metrics, "key_quota_units_total", key="k") == 4
    assert value(metrics, "quota_units_total", model="m") == 7


def test_failures_and_moves_count_by_reason() -> None:
    metrics = Metrics([], [])
    metrics.accounts.keep(["a"], [])
    for reason in (*names.ACCOUNT_FAULTS[:-1], "made up"):
        metrics.accounts.failed("a", reason)
        metrics.accounts.moved("a", reason)
    metrics.accounts.moved("a", "quota")
    for reason in names.ACCOUNT_FAULTS:
        assert value(metrics, "account_failures_total", account="a", reason=reason) == 1
        assert value(metrics, "account_switches_total", account="a", reason=reason) == 1
    assert value(metrics, "account_switches_total", account="a", reason="quota") == 1


def test_each_fault_that_an_account_can_have_is_counted_under_its_own_name() -> None:
    assert {*AccountFault, "other"} == set(names.ACCOUNT_FAULTS)


@given(strangers=st.lists(st.text(), max_size=10))
def test_names_that_the_file_does_not_have_add_no_series(strangers: list[str]) -> None:
    metrics = Metrics([], [])
    metrics.accounts.keep(["known-account"], ["known-key"])
    before = samples(metrics).keys()
    for name in strangers:
        metrics.attempt("m", Attempt.OK, 1, account=name, key=name)
        metrics.accounts.failed(name, name)
        metrics.accounts.moved("known-account", name)
        metrics.accounts.failed("known-account", name)
        metrics.accounts.stands(name, GAUGES)
    assert samples(metrics).keys() == before
