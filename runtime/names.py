"""Names in lines of the log."""

from collections.abc import Collection
from typing import Final

MAX_LISTED: Final = 20
"""Names in one line."""


def listed(heading: str, names: Collection[str]) -> str:
    """The names behind a heading, to be put at the end of a line: `; new: a, b`. Empty without names."""
    if not names:
        return ""
    shown = sorted(names)[:MAX_LISTED]
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return f"; {heading}: {', '.join(shown)}{more}"
