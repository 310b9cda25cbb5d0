"""Stores for tests, and what may stand in the way of their files."""

import os
from collections.abc import Callable
from pathlib import Path

from media.store import MediaStore

SECRET = b"the contents of somebody else's file"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def small_store(
    root: Path,
    clock: Callable[[], float],
    *,
    max_file_bytes: int = 100,
    max_total_bytes: int = 1000,
    max_age_seconds: float = 0,
) -> MediaStore:
    """Ten files of a hundred bytes fit in."""
    return MediaStore(
        root,
        max_file_bytes=max_file_bytes,
        max_total_bytes=max_total_bytes,
        max_age_seconds=max_age_seconds,
        clock=clock,
    )


async def content(store: MediaStore, name: str) -> bytes:
    """All of a stored file."""
    file = await store.open(name)
    try:
        return await file.read(0, file.size + 1)
    finally:
        file.close()


def occupy(root: Path) -> list[Path]:
    """Put very old things that are not its own into a store's directory.

    Returns their paths, after that of a file outside, to which two of them are links.
    """
    root.mkdir(parents=True)
    outside = root.parent / "outside.png"
    outside.write_bytes(SECRET)
    link, fifo, folder = (root / f"{digit * 32}.png" for digit in "123")
    link.symlink_to(outside)
    os.mkfifo(fifo)
    folder.mkdir()
    foreign = root / "README.txt"
    foreign.write_bytes(SECRET)
    dangling = root / f".{'4' * 32}.part"
    dangling.symlink_to(outside)
    for path in (outside, foreign):
        os.utime(path, (0, 0))
    os.utime(link, (0, 0), follow_symlinks=False)
    os.utime(dangling, (0, 0), follow_symlinks=False)
    return [outside, link, fifo, folder, foreign, dangling]
