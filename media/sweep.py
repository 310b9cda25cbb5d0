"""One pass over the store's directory, which removes the files that are not to be kept."""

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from media.names import is_name
from runtime import ClockTrust

ABANDONED_SECONDS: Final = 3600.0
"""A temporary file of this age has no writer any more; writing takes seconds."""
LOW_WATER: Final = 0.9
"""The part of the allowed total that is kept when it was exceeded, so that not each new file costs a pass."""

_TEMPORARY: Final = re.compile(r"\.[0-9a-f]{32}\.part")


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The bytes of all files in the store after a sweep, and how many files were removed."""

    total_bytes: int
    removed: int


@dataclass(frozen=True, slots=True, order=True)
class _File:
    """A file in the directory; sorted by age, the oldest first."""

    modified: float
    name: str
    size: int


def temporary_path(root: Path, name: str) -> Path:
    """Where the file `name`, one of `media.names`, stands while it is written."""
    return root / f".{name[:32]}.part"


def sweep(
    root: Path, *, now: float, trust: ClockTrust, max_age_seconds: float, max_total_bytes: int
) -> SweepResult:
    """Remove files older than `max_age_seconds` (0: none is), and temporary ones that nobody writes any more.

    While `trust` says that the clock cannot be believed, none is removed for its age. If all files have more
    than `max_total_bytes`, the oldest are removed, down to `LOW_WATER` of that. `now` is in Unix seconds.
    Blocks: call it in a thread.

    Raises:
        OSError: the directory cannot be read. If there is none, there is nothing to remove.
    """
    temporary, stored = _files_in(root)
    too_old = [file for file in temporary if now - file.modified > ABANDONED_SECONDS]
    if max_age_seconds:
        too_old += [file for file in stored if now - file.modified > max_age_seconds]
    if too_old and not _is_trusted(trust, [file.modified for file in (*temporary, *stored)]):
        too_old = []
    gone = {file.name for file in too_old if _remove(root, file)}
    removed = len(gone)
    left = sorted(file for file in stored if file.name not in gone)
    total = sum(file.size for file in left)
    target = max_total_bytes if total <= max_total_bytes else max_total_bytes * LOW_WATER
    for file in left:
        if total <= target:
            break
        if _remove(root, file):
            removed += 1
            total -= file.size
    return SweepResult(total, removed)


def _is_trusted(trust: ClockTrust, times: Sequence[float]) -> bool:
    begin, end = trust.witness_times()
    return trust.allows_deletion(
        witnessed=any(begin <= at < end for at in times), older=any(at < begin for at in times)
    )


def _files_in(root: Path) -> tuple[list[_File], list[_File]]:
    """Temporary and stored files; nothing that the store did not make, and no link."""
    temporary: list[_File] = []
    stored: list[_File] = []
    try:
        entries = os.scandir(root)
    except FileNotFoundError:
        return temporary, stored
    with entries:
        for entry in entries:
            is_temporary = _TEMPORARY.fullmatch(entry.name) is not None
            if not is_temporary and not is_name(entry.name):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # renamed since
            if stat.S_ISREG(status.st_mode):
                file = _File(status.st_mtime, entry.name, status.st_size)
                (temporary if is_temporary else stored).append(file)
    return temporary, stored


def _remove(root: Path, file: _File) -> bool:
    try:
        (root / file.name).unlink()
    except OSError:
        return False  # gone already, or not ours to remove; the next sweep tries again
    return True
