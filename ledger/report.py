"""Usage as a table for people, and as JSON for programs."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ledger.records import Spent

COLUMNS = (
    "date", "model", "key", "units", "conversations", "free", "unknown", "prompt_tokens", "completion_tokens",
)  # fmt: skip
NUMBERS = COLUMNS[3:]


def as_json(row: Spent) -> dict[str, str | int]:
    """One row; ``date`` is the one on which its day of quota begins, in UTC."""
    return {
        "date": datetime.fromtimestamp(row.start, UTC).date().isoformat(),
        "model": row.model,
        "key": row.alias,
        "units": row.units,
        "conversations": row.conversations,
        "free": row.free,
        "unknown": row.unknown,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
    }


def table(rows: Sequence[Spent]) -> str:
    """All rows and their sums, in columns."""
    if not rows:
        return "Nothing was spent.\n"
    cells = [as_json(row) for row in rows]
    total: dict[str, str | int] = {name: sum(int(row[name]) for row in cells) for name in NUMBERS}
    cells.append({"date": "total", "model": "", "key": "", **total})
    heads = {name: name.replace("_", " ") for name in COLUMNS}
    lines = [heads, *({name: str(row[name]) for name in COLUMNS} for row in cells)]
    widths = {name: max(len(line[name]) for line in lines) for name in COLUMNS}

    def shown(line: dict[str, str]) -> str:
        return "  ".join(
            line[name].rjust(widths[name]) if name in NUMBERS else line[name].ljust(widths[name])
            for name in COLUMNS
        )

    return "".join(f"{shown(line).rstrip()}\n" for line in lines)
