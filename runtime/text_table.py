"""Rows for people, in columns of one width."""

from collections.abc import Collection, Mapping, Sequence


def text_table(rows: Sequence[Mapping[str, str]], right: Collection[str] = ()) -> str:
    """A line for each row, all with the columns of the first; those in `right` end at the right."""
    widths = {name: max(len(row[name]) for row in rows) for name in rows[0]} if rows else {}

    def line(row: Mapping[str, str]) -> str:
        return "  ".join(
            row[name].rjust(width) if name in right else row[name].ljust(width)
            for name, width in widths.items()
        )

    return "".join(f"{line(row).rstrip()}\n" for row in rows)
