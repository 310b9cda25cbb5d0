"""Files that are replaced whole or not at all, by one at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(
    path: Path, *, mode: int = 0o600, temporary: Path | None = None, durable: bool = False
) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of the one at `path` at the end; see `replace_file`. Blocks.

    If what is done within fails, nothing has changed.

    Raises:
        OSError: nothing has changed.
    """
    beside = temporary or path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        beside.unlink()  # left by a crash
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def replace_file(
    path: Path,
    content: bytes,
    *,
    mode: int = 0o600,
    temporary: Path | None = None,
    modified: float | None = None,
    durable: bool = False,
) -> None:
    """Put `content` in the place of the file at `path`, which need not exist; its directory must.

    A reader, and a start after a crash, finds the old content or the new one. Until it is whole, the new
    content stands in the file `temporary`, by default `path` with `.new` behind it; it must be in the same
    file system, and only one caller may use it at a time. A symbolic link at either place is replaced, never
    followed. `modified` is the file's time of change in Unix seconds, by default now. With `durable`, the
    content is on the disk itself before it is in its place. Blocks: call it in a thread.

    Raises:
        OSError: nothing has changed.
    """
    with replacing(path, mode=mode, temporary=temporary, durable=durable) as file:
        file.write(content)
        if modified is not None:
            file.flush()  # what is written later would change the time
            os.utime(file.fileno(), (modified, modified))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for the same folder out of it meanwhile. Blocks. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems know no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
