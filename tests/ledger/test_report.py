"""The table for people, and the summary for programs."""

import time
from pathlib import Path

from accounts import Account
from ledger import Allowance, Limits, SqliteStore, UsageRow, usage_summary, usage_table
from ledger.records import Capped
from tests.ledger.entries import WINDOW, converse, ledger_over


def test_table_has_the_rows_and_their_sums() -> None:
    rows = [
        UsageRow(1_700_000_000, "gpt-4-s", "alice", 3, 1, 0, 28, 100, 2000),
        UsageRow(1_700_000_000, "gpt-3.5-turbo", "bob", 1, 0, 1, 4, 5, 6),
    ]
    head, alice, bob, total = usage_table(rows).splitlines()
    assert head.split() == [
        "date", "model", "key", "units", "conversations", "free", "unknown", "prompt", "tokens", "completion",
        "tokens",
    ]  # fmt: skip
    assert alice.split() == ["2023-11-14", "gpt-4-s", "alice", "28", "3", "1", "0", "100", "2000"]
    assert bob.split() == ["2023-11-14", "gpt-3.5-turbo", "bob", "4", "1", "0", "1", "5", "6"]
    assert total.split() == ["total", "32", "4", "1", "1", "105", "2006"]
    assert head.index("units") + len("units") == total.index("32") + len("32"), (
        "numbers stand below each other"
    )


def test_table_has_a_column_for_accounts_if_any_was_used() -> None:
    rows = [
        UsageRow(1_700_000_000, "gpt-4-s", "alice", 3, 1, 0, 28, 100, 2000),
        UsageRow(1_700_000_000, "gpt-4-s", "stack", 1, 0, 1, 4, 5, 6, "main"),
    ]
    head, alice, stack, total = usage_table(rows).splitlines()
    assert head.split()[:5] == ["date", "model", "key", "account", "units"]
    assert alice.split()[:4] == ["2023-11-14", "gpt-4-s", "alice", "28"]
    assert stack.split()[:5] == ["2023-11-14", "gpt-4-s", "stack", "main", "4"]
    assert total.split()[:2] == ["total", "32"]
    assert head.index("units") + len("units") == total.index("32") + len("32")


async def test_summary_tells_the_operator_how_each_account_stands(tmp_path: Path) -> None:
    main = Account(alias="main", credential=None, units_per_day=100)
    spare = Account(alias="spare", credential=None, window_messages=0)
    limits = Limits(window=WINDOW, window_messages=40)
    until = time.time() + 3600
    async with ledger_over(SqliteStore(tmp_path / "l.sqlite3"), limits, accounts=[main, spare]) as ledger:
        await converse(ledger, account="main")
        ledger.record_cap(Capped("alice", "gpt-4", until, "main"))
        everything = await usage_summary(ledger, None)
        own = await usage_summary(ledger, "alice", Allowance(50, 3))
    assert everything["accounts"] == [
        {
            "alias": "main",
            "units_today": 14,
            "units_limit": 100,
            "window_messages": 1,
            "window_limit": 40,
            "capped": [{"model": "gpt-4", "until": int(until)}],
        },
        {
            "alias": "spare",
            "units_today": 0,
            "units_limit": None,
            "window_messages": 0,
            "window_limit": None,
            "capped": [],
        },
    ]
    assert own["accounts"] is None
    told = own["limits"]
    assert isinstance(told, dict)
    assert (told["units_per_key_per_day"], told["gpt4_messages"]) == (50, 3)


def test_nothing_spent_is_said_so() -> None:
    assert usage_table([]) == "Nothing was spent.\n"
