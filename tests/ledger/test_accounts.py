"""Accounts of the operator's: counted beside callers, limited by themselves, kept over restarts."""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import Account, Grant
from ledger import DAY, AccountSpent, Limits, SqliteStore, Standing, Subject
from ledger.counters import UsageCounters
from ledger.limits import (
    INFINITY,
    Allowance,
    Allowed,
    CurrentUsage,
    LimitReached,
    account_spent,
    limit_reached,
    standing,
)
from ledger.records import Capped, Posted, Settled
from ledger.sqlite_file import MIGRATIONS, open_file
from ledger.sqlite_rescue import copy_entries
from metrics import Attempt
from tests.ledger.entries import (
    ALICE,
    MAIN,
    NO_LIMITS,
    WINDOW,
    caught_up,
    converse,
    ledger_over,
    posted,
    units,
)

NOW = 1_700_000_000.0
LIMITS = Limits(window=WINDOW, per_key=100, window_messages=40)
SUBJECTS = [Subject(name, is_account) for name in ("alice", "bob", "main") for is_account in (False, True)]


def entry_of(alias: str, account: str, at: float) -> Posted:
    return posted(alias, at=at, account=account)


entries = st.builds(
    entry_of,
    st.sampled_from(["alice", "bob"]),
    st.sampled_from(["", "alice", "bob", "main"]),  # a key and an account may have the same name
    st.floats(NOW - 5 * 3600, NOW, allow_nan=False),
)


@given(st.lists(entries, max_size=40), st.sets(st.integers(0, 39)), st.floats(-30 * DAY, 30 * DAY))
def test_each_subject_has_what_was_posted_for_it_once_however_the_clock_jumps(
    posted: list[Posted], refunded: set[int], jump: float
) -> None:
    counters = UsageCounters(NO_LIMITS)
    for entry in posted:
        counters.add(entry)
    counters.current_usage(MAIN, "gpt-4", NOW - abs(jump))  # nothing leaves a window that may come back
    for number in refunded & set(range(len(posted))):
        counters.refund(posted[number])
    left = [entry for number, entry in enumerate(posted) if number not in refunded]
    today = [entry for entry in left if NO_LIMITS.day(entry.at) == NO_LIMITS.day(NOW)]
    for subject in SUBJECTS:
        usage = counters.current_usage(subject, "gpt-4", NOW)
        own = [
            entry.units
            for entry in today
            if subject.name == (entry.account if subject.is_account else entry.alias)
        ]
        assert usage.own_units == sum(own)
        assert usage.units == sum(entry.units for entry in today), "all together count it once"
        if subject != MAIN:  # at which was looked by the other time
            assert len(usage.window) == sum(
                entry.at > NOW - WINDOW and subject in entry.subjects for entry in left
            )


def test_whose_accounts_a_window_is_about_is_not_a_key_that_uses_several() -> None:
    counters = UsageCounters(NO_LIMITS)
    for account in ("main", "main", "spare"):
        counters.add(posted("stack", at=NOW, account=account))
    counters.add(posted("alice", at=NOW))
    assert len(counters.busiest_window(NOW)) == 2


@pytest.mark.parametrize(
    ("grant", "allowance"),
    [
        (None, Allowance(100, 40)),
        (Grant(alias="g", accounts=frozenset()), Allowance(100, 0)),
        (Grant(alias="g", accounts=frozenset(), units_per_day=0, window_messages=5), Allowance(0, 5)),
        (Grant(alias="g", accounts=frozenset(), units_per_day=7), Allowance(7, 0)),
    ],
)
def test_caller_may_spend_what_its_key_says_else_what_the_settings_say(
    grant: Grant | None, allowance: Allowance
) -> None:
    assert LIMITS.of_caller(grant) == allowance


@pytest.mark.parametrize(
    ("account", "allowance"),
    [
        (Account(alias="main", credential=None), Allowance(0, 40)),
        (Account(alias="main", credential=None, units_per_day=9, window_messages=0), Allowance(9, 0)),
        (Account(alias="main", credential=None, window_messages=80), Allowance(0, 80)),
    ],
)
def test_account_has_the_window_of_the_settings_unless_it_has_one_of_its_own(
    account: Account, allowance: Allowance
) -> None:
    assert LIMITS.of_account(account) == allowance


usages = st.builds(
    CurrentUsage,
    st.integers(0, 300),
    st.integers(0, 200),
    st.lists(st.floats(NOW - WINDOW + 1, NOW), max_size=10).map(sorted),
    st.sampled_from([0.0, NOW - 5, NOW + 5]),
)
allowances = st.builds(Allowance, st.integers(0, 200), st.integers(0, 10))


@given(allowances, usages, st.integers(1, 50), st.booleans())
def test_account_is_spent_just_when_its_standing_has_a_time(
    allowance: Allowance, usage: CurrentUsage, cost: int, windowed: bool
) -> None:
    left = standing(LIMITS, allowance, usage, cost, windowed, NOW)
    spent = account_spent(LIMITS, allowance, usage, cost, windowed, NOW)
    latest = max(left.capped_until, left.quota_resets_at, left.window_frees_at)
    assert (spent is None) == (latest == 0)
    if spent is not None:
        assert NOW + spent.retry_after == pytest.approx(latest)
    assert (left.units_left < cost) == bool(left.quota_resets_at)
    assert (left.messages_left == 0) == bool(left.window_frees_at)
    alone = replace(LIMITS, per_day=0)
    assert (limit_reached(alone, allowance, usage, cost, windowed, NOW) is None) == (spent is None)


async def test_account_that_has_no_room_is_told_apart_from_a_caller_that_has_none(tmp_path: Path) -> None:
    allowed = Allowed(Allowance(42, 0), Allowance(28, 0))
    async with ledger_over(SqliteStore(tmp_path / "ledger.sqlite3")) as ledger:
        for _ in range(2):
            await converse(ledger, account="main", allowed=allowed)
        with pytest.raises(AccountSpent) as spent:
            await ledger.post(posted(account="main"), allowed)
        assert spent.value.reason == "account_quota"
        assert 0 < spent.value.retry_after <= DAY
        await converse(ledger, account="spare", allowed=allowed)
        with pytest.raises(LimitReached) as reached:
            await ledger.post(posted(account="main"), allowed)
        assert reached.value.reason == "key_quota", "another account would not help"
        await converse(ledger, alias="bob", account="spare", allowed=allowed)
        assert await units(ledger) == 4 * 14


async def test_free_conversation_gives_back_to_key_and_account(tmp_path: Path) -> None:
    allowed = Allowed(Allowance(14, 1), Allowance(14, 1))
    async with ledger_over(SqliteStore(tmp_path / "ledger.sqlite3")) as ledger:
        for outcome in (Attempt.REFUSED, Attempt.UNSENT, Attempt.OK):
            await converse(ledger, outcome, account="main", allowed=allowed)
        for subject in (ALICE, MAIN):
            assert ledger.current_usage(subject).own_units == 14
            assert len(ledger.current_usage(subject).window) == 1


async def test_key_and_account_of_one_name_are_limited_apart(tmp_path: Path) -> None:
    tight, path = Allowance(14, 1), tmp_path / "ledger.sqlite3"
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger, alias="main", allowed=Allowed(tight))
        ledger.record_cap(Capped("main", "gpt-3", time.time() + 3600))
        await converse(ledger, alias="alice", account="main", allowed=Allowed(tight, tight))
        ledger.record_cap(Capped("bob", "gpt-4", time.time() + 3600, "main"))
    async with ledger_over(SqliteStore(path)) as ledger:
        await ledger.wait_until_loaded()
        assert ledger.current_usage(Subject("main")).own_units == 14
        assert ledger.current_usage(MAIN).own_units == 14
        assert list(ledger.caps(MAIN)) == ["gpt-4"]
        assert list(ledger.caps(Subject("main"))) == ["gpt-3"]
        assert ledger.caps(Subject("bob")) == {}, "the cap is the account's"


async def test_standing_of_an_account_is_that_of_its_own_limits(tmp_path: Path) -> None:
    account = Account(alias="main", credential=None, units_per_day=40, window_messages=2)
    async with ledger_over(SqliteStore(tmp_path / "ledger.sqlite3"), LIMITS) as ledger:
        fresh = ledger.standing(account, "gpt-4", 14, windowed=True)
        assert fresh == Standing(units_left=40, units_limit=40, messages_left=2, messages_limit=2)
        for _ in range(2):
            await converse(ledger, account="main")
        spent = ledger.standing(account, "gpt-4", 14, windowed=True)
        assert (spent.units_left, spent.messages_left) == (12, 0)
        assert spent.quota_resets_at == LIMITS.reset_at(ledger.clock())
        assert spent.window_frees_at == pytest.approx(time.time() + WINDOW, abs=60)
        cheap = ledger.standing(account, "gpt-3", 4, windowed=False)
        assert (cheap.units_left, cheap.messages_left, cheap.window_frees_at) == (12, INFINITY, 0)
        assert not cheap.quota_resets_at
        ledger.record_cap(Capped("alice", "gpt-4", time.time() + 600, "main"))
        assert ledger.standing(account, "gpt-4", 1, windowed=False).capped_until > time.time()
        assert not ledger.standing(account, "gpt-3", 1, windowed=False).capped_until


async def test_entry_of_unknown_outcome_is_found_by_the_account_that_it_was_posted_to(tmp_path: Path) -> None:
    store = tmp_path / "ledger.sqlite3"
    own, lent = posted(), posted(account="main")
    async with ledger_over(SqliteStore(store)) as ledger:
        await ledger.post(own)
        await ledger.post(lent)
    async with ledger_over(SqliteStore(store)) as ledger:
        await ledger.wait_until_loaded()
        soon = time.time() + 60
        assert await ledger.unsettled(ALICE, soon) == [own]
        assert await ledger.unsettled(MAIN, soon) == [lent]
        assert await ledger.unsettled(Subject("alice", True), soon) == []
        await ledger.settle_unknown(lent, Settled(lent.id, Attempt.UNSENT))
        assert ledger.current_usage(MAIN).own_units == 0
        assert ledger.current_usage(ALICE).own_units == 14


async def test_usage_is_told_by_key_and_account(tmp_path: Path) -> None:
    async with ledger_over(SqliteStore(tmp_path / "ledger.sqlite3")) as ledger:
        for account in ("", "main", "main", "spare"):
            await converse(ledger, account=account)
        await converse(ledger, alias="bob", account="main")
        now = time.time()
        rows = await ledger.usage(now - DAY, now + DAY)
        own = await ledger.usage(now - DAY, now + DAY, alias="bob")
    assert [(row.alias, row.account, row.units) for row in rows] == [
        ("alice", "", 14),
        ("alice", "main", 28),
        ("alice", "spare", 14),
        ("bob", "main", 14),
    ]
    assert [(row.account, row.units) for row in own] == [("main", 14)]


def file_of_version_3(path: Path) -> None:
    """With one entry of today, one of unknown outcome and a cap."""
    with closing(sqlite3.connect(path)) as old:
        old.executescript("".join(MIGRATIONS[:3]) + "PRAGMA user_version = 3;")
        columns = "id, at, alias, model, slug, units, windowed, message_id, outcome"
        for id, outcome in (("old", "ok"), ("open", "unknown")):
            values = (id, time.time(), "alice", "gpt-4-s", "gpt-4", 14, 1, "message", outcome)
            old.execute(f"INSERT INTO conversations ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        old.execute("INSERT INTO caps VALUES ('alice', 'gpt-4', ?)", (time.time() + 3600,))
        old.commit()


async def test_file_without_accounts_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    file_of_version_3(path)
    (row,) = await SqliteStore(path).usage(0, time.time() + DAY, DAY, None)  # it is only read
    assert (row.alias, row.account, row.units) == ("alice", "", 28)
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger, alias="bob", account="main")
        assert await units(ledger) == 42
        assert ledger.current_usage(ALICE).own_units == 28
        assert list(ledger.caps(ALICE)) == ["gpt-4"]
        (entry,) = await ledger.unsettled(ALICE, time.time() + 60)
        assert (entry.id, entry.account) == ("open", "")


def test_file_without_accounts_is_saved_into_one_that_knows_them(tmp_path: Path) -> None:
    """As is done when it is damaged, or was put in the place of the open one."""
    path = tmp_path / "old.sqlite3"
    file_of_version_3(path)
    with closing(sqlite3.connect(path)) as old, closing(open_file(tmp_path / "new.sqlite3")) as new:
        assert copy_entries(old, new) == 2
        assert new.execute("SELECT id, account FROM conversations").fetchall() == [("old", ""), ("open", "")]
        assert new.execute("SELECT alias, slug FROM caps").fetchall() == [("alice", "gpt-4")]


async def test_removed_file_is_made_anew_with_accounts_and_their_caps(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger, account="main")
        ledger.record_cap(Capped("alice", "gpt-4", time.time() + 3600, "main"))
        await caught_up(ledger)
        path.unlink()
        await converse(ledger, alias="bob", account="spare")
    async with ledger_over(SqliteStore(path)) as ledger:
        await ledger.wait_until_loaded()
        assert ledger.current_usage(MAIN).own_units == 14
        assert list(ledger.caps(MAIN)) == ["gpt-4"]
