"""The table for people."""

from ledger import UsageRow, usage_table


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


def test_nothing_spent_is_said_so() -> None:
    assert usage_table([]) == "Nothing was spent.\n"
