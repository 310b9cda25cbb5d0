"""The directories of the store: what is in them, and what is removed. All of it blocks.

Of each file the bytes stand under its id, and what is known of it under the same name with `.json` behind it.
Anything else in a directory is left alone, and links are never followed.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from runtime import ClockTrust
from uploads.upload import Upload, is_upload_id

ABOUT: Final = ".json"
UNFINISHED: Final = ".new"
"""What stands behind the name of a file while it is written."""
ABANDONED_SECONDS: Final = 3600.0
"""What is not whole after this time has no writer any more."""


def uploads_in(home: Path) -> list[Upload]:
    """What is known of the files in the directory of one caller, which need not be there."""
    found = []
    for entry in _entries(home):
        if entry.name.endswith(ABOUT) and is_upload_id(entry.name.removesuffix(ABOUT)):
            with suppress(OSError):
                upload = Upload.from_json(Path(entry.path).read_bytes())
                if upload is not None and upload.id == entry.name.removesuffix(ABOUT):
                    found.append(upload)
    return found


def bytes_under(root: Path) -> int:
    """How much all files of all callers take."""
    return sum(
        status.st_size
        for home in _homes(root)
        for entry in _entries(home)
        if (status := _regular(entry)) is not None
    )


def remove(home: Path, upload_id: str) -> None:
    """Remove a file, first what is known of it. Raises OSError if that is there and cannot be removed."""
    (home / (upload_id + ABOUT)).unlink(missing_ok=True)
    with suppress(OSError):  # the sweep comes again
        (home / upload_id).unlink()


def sweep(root: Path, now: float, trust: ClockTrust) -> int:
    """Remove files that are over at `now`, in Unix seconds, and bytes of which nothing is known any more.

    While `trust` says that the clock cannot be believed, nothing is removed for its age. Returns how many
    files were removed. Raises OSError if the directory cannot be read.
    """
    homes = list(_homes(root))
    uploads = [(home, upload) for home in homes for upload in uploads_in(home)]
    left_over = [path for home in homes for path in _left_over(home, now)]
    begin, end = trust.witness_times()
    times = [upload.created_at for _, upload in uploads]
    over = [(home, upload) for home, upload in uploads if upload.is_over(now)]
    if (over or left_over) and not trust.allows_deletion(
        witnessed=any(begin <= at < end for at in times), older=any(at < begin for at in times)
    ):
        return 0
    for home, upload in over:
        with suppress(OSError):
            remove(home, upload.id)
    for path in left_over:
        with suppress(OSError):
            path.unlink()
    for home in homes:
        with suppress(OSError):
            home.rmdir()  # fails while something is in it
    return len(over)


def _left_over(home: Path, now: float) -> Iterator[Path]:
    """Bytes without anything known of them, and files that were never whole, of an hour ago or more."""
    names = {entry.name for entry in _entries(home)}
    for entry in _entries(home):
        name = entry.name.removesuffix(UNFINISHED)
        unfinished = name != entry.name and is_upload_id(name.removesuffix(ABOUT))
        unknown = is_upload_id(name) and name + ABOUT not in names
        status = _regular(entry) if unfinished or unknown else None
        if status is not None and now - status.st_mtime > ABANDONED_SECONDS:
            yield Path(entry.path)


def _homes(root: Path) -> Iterator[Path]:
    for entry in _entries(root):
        if entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)


def _entries(directory: Path) -> Iterator["os.DirEntry[str]"]:
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        yield from entries


def _regular(entry: "os.DirEntry[str]") -> os.stat_result | None:
    with suppress(FileNotFoundError):
        status = entry.stat(follow_symlinks=False)
        return status if stat.S_ISREG(status.st_mode) else None
    return None
