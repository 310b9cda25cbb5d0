"""Which files of the store go, and their removal: one pass over the directory."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from media.names import is_name

TEMPORARY: Final = ".{}.part"
"""The name of a file while it is written, with the token of its name to be."""
ABANDONED_SECONDS: Final = 3600.0
"""When a temporary file has no writer any more; writing takes seconds."""
LOW_WATER: Final = 0.9
"""What is left of the allowed total when it was exceeded, so that not each new file costs a pass."""

_TEMPORARY: Final = re.compile(r"\.[0-9a-f]{32}\.part")


@dataclass(frozen=True, slots=True)
class Kept:
    """The store after a sweep."""

    total_bytes: int
    removed: int


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    modified: float
    name: str
    size: int


def sweep(root: Path, *, now: float, max_age_seconds: float, max_total_bytes: int) -> Kept:
    """Remove what is older than ``max_age_seconds`` (0: nothing is), and of more than ``max_total_bytes``
    the oldest, down to `LOW_WATER`; also temporary files that nobody writes any more.

    Raises OSError if the directory cannot be read; there being none is fine.
    """
    leftovers, entries = _scan(root)
    removed = sum(_remove(root, entry) for entry in leftovers if now - entry.modified > ABANDONED_SECONDS)
    total = sum(entry.size for entry in entries)
    target = max_total_bytes if total <= max_total_bytes else max_total_bytes * LOW_WATER
    for entry in sorted(entries):
        expired = max_age_seconds and now - entry.modified > max_age_seconds
        if not expired and total <= target:
            break  # the rest is younger still
        if _remove(root, entry):
            removed += 1
            total -= entry.size
    return Kept(total, removed)


def _scan(root: Path) -> tuple[list[_Entry], list[_Entry]]:
    """Temporary and whole files; nothing that is not ours, and no link."""
    leftovers: list[_Entry] = []
    entries: list[_Entry] = []
    try:
        scan = os.scandir(root)
    except FileNotFoundError:
        return leftovers, entries
    with scan:
        for item in scan:
            temporary = _TEMPORARY.fullmatch(item.name) is not None
            if not temporary and not is_name(item.name):
                continue
            try:
                status = item.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # renamed since
            if stat.S_ISREG(status.st_mode):
                entry = _Entry(status.st_mtime, item.name, status.st_size)
                (leftovers if temporary else entries).append(entry)
    return leftovers, entries


def _remove(root: Path, entry: _Entry) -> bool:
    try:
        (root / entry.name).unlink()
    except OSError:
        return False  # gone already, or not ours to remove; the next sweep tries again
    return True
