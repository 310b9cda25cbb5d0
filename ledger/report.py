"""Reports on usage: rows and a summary as JSON for programs, and a table for people."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from heapq import nlargest
from typing import Final

from accounts import Account
from ledger.ledger import Ledger
from ledger.limits import DAY, HOUR, Allowance
from ledger.records import Subject, UsageRow
from runtime import text_table
from translate.values import BackendLimits

COLUMNS: Final = (
    "date", "model", "key", "units", "conversations", "free", "unknown", "prompt_tokens", "completion_tokens",
)  # fmt: skip
NUMBERS: Final = COLUMNS[3:]
SPENT: Final = ("units", "conversations", "prompt_tokens", "completion_tokens")
MAX_SPENDERS: Final = 50
"""How many keys, each with an account, are told of in a summary: those that spent most."""
COLUMNS_WITH_ACCOUNT: Final = (*COLUMNS[:3], "account", *NUMBERS)


def row_as_json(row: UsageRow) -> dict[str, str | int]:
    """One row; `date` is the one on which its day of quota begins, in UTC."""
    return {
        "date": datetime.fromtimestamp(row.start, UTC).date().isoformat(),
        "model": row.model,
        "key": row.alias,
        "account": row.account,
        "units": row.units,
        "conversations": row.conversations,
        "free": row.free,
        "unknown": row.unknown,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
    }


def usage_table(rows: Sequence[UsageRow]) -> str:
    """All rows and their sums, in columns; one for accounts of the operator's if any was used."""
    if not rows:
        return "Nothing was spent.\n"
    cells = [row_as_json(row) for row in rows]
    total: dict[str, str | int] = {name: sum(int(row[name]) for row in cells) for name in NUMBERS}
    columns = COLUMNS_WITH_ACCOUNT if any(row.account for row in rows) else COLUMNS
    cells.append({"date": "total", "model": "", "key": "", "account": "", **total})
    heads = {name: name.replace("_", " ") for name in columns}
    lines = [heads, *({name: str(row[name]) for name in columns} for row in cells)]
    return text_table(lines, NUMBERS)


async def usage_summary(
    ledger: Ledger, alias: str | None, allowance: Allowance | None = None
) -> dict[str, object]:
    """Today, the last 24 hours, the limits and their resets; for one caller and its allowance, or with None
    for all and what the settings allow.

    `{"object", "today": {"units", "by_model", "by_key"}, "hours": [{"start", "units"}], "limits": {...},
    "recorded", "accounts": [...]}`, where the last is null for one caller, and else as `accounts_as_json` has
    it. `by_key` is as `_spent_by_key` has it.

    Raises:
        StoreError: the ledger cannot be read now.
    """
    now, limits = ledger.clock(), ledger.limits
    allowance = allowance or limits.of_caller(None)
    this_hour = int(now // HOUR) * HOUR
    since = min(limits.day_start(limits.day(now)), this_hour - DAY + HOUR)
    rows = await ledger.usage(since, now + HOUR, by_hour=True, alias=alias)
    today = [row for row in rows if limits.day(row.start) == limits.day(now)]
    by_hour = {start: 0 for start in range(this_hour - DAY + HOUR, this_hour + 1, HOUR)}
    for row in rows:
        if row.start in by_hour:
            by_hour[row.start] += row.units
    return {
        "object": "usage",
        "today": {
            "units": sum(row.units for row in today),
            "by_model": _units_by_model(today),
            "by_key": _spent_by_key(today),
        },
        "hours": [{"start": start, "units": units} for start, units in by_hour.items()],
        "limits": {
            "units_per_day": limits.per_day or None,
            "units_per_key_per_day": allowance.units_per_day or None,
            "resets_at": int(limits.reset_at(now)),
            "gpt4_messages": allowance.window_messages or None,
            "gpt4_window_seconds": int(limits.window),
            "gpt4_messages_in_window": len(ledger.window(alias)),
        },
        "recorded": "late" if ledger.failing else "in time",
        "accounts": accounts_as_json(ledger) if alias is None else None,
    }


def accounts_as_json(ledger: Ledger) -> list[dict[str, object]]:
    """How the operator's accounts stand by the ledger: today's units, and the messages in the window.

    `[{"alias", "units_today", "units_limit", "window_messages", "window_limit", "capped": [{"model",
    "until"}]}]`: limits are null for none, the model is called as the backend calls it, `until` is in Unix
    seconds.
    """
    return [_account_as_json(ledger, account) for account in ledger.accounts()]


def _account_as_json(ledger: Ledger, account: Account) -> dict[str, object]:
    subject, allowance = Subject(account.alias, True), ledger.limits.of_account(account)
    usage = ledger.current_usage(subject)
    return {
        "alias": account.alias,
        "units_today": usage.own_units,
        "units_limit": allowance.units_per_day or None,
        "window_messages": len(usage.window),
        "window_limit": allowance.window_messages or None,
        "capped": [
            {"model": slug, "until": int(until)} for slug, until in sorted(ledger.caps(subject).items())
        ],
    }


def limits_as_json(name: str, limits: BackendLimits, known_at: float, account: str) -> dict[str, object]:
    """What the backend itself says of the limits of one key, which has this `name` in the ledger, or of an
    `account` of the operator's.

    Times are in Unix seconds, `known_at` is when it was said. Counts are null where the backend has none.
    """
    return {
        "key": name,
        "account": account,
        "known_at": int(known_at),
        "models": [
            {
                "model": limit.slug,
                "replaced_by": limit.replaced_by or None,
                "resets_at": int(limit.resets_at) or None,
            }
            for limit in limits.models
        ],
        "features": [
            {
                "feature": limit.feature,
                "remaining": limit.remaining,
                "blocked": limit.blocked,
                "resets_at": int(limit.resets_at) or None,
            }
            for limit in limits.features
        ],
    }


def _units_by_model(rows: Sequence[UsageRow]) -> dict[str, int]:
    models: dict[str, int] = {}
    for row in rows:
        if not row.model:
            continue  # it has cost nothing
        models[row.model] = models.get(row.model, 0) + row.units
    return models


def _spent_by_key(rows: Sequence[UsageRow]) -> list[dict[str, object]]:
    """What each key has spent on each account, who spent most first: `[{"key", "account", "units",
    "conversations", "prompt_tokens", "completion_tokens"}]`; `account` is empty for the key's own.
    """
    spent: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        if not row.model:
            continue  # it has cost nothing
        sums = spent.setdefault((row.alias, row.account), Counter())
        for name in SPENT:
            sums[name] += getattr(row, name)
    most = nlargest(MAX_SPENDERS, spent.items(), key=lambda each: each[1]["units"])
    return [
        {"key": key, "account": account, **{name: sums[name] for name in SPENT}}
        for (key, account), sums in most
    ]
