"""Files that are replaced whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put `content` in the place of the file at `path`, which need not exist; its directory must.

    A reader, and a start after a crash, finds the old content or the new one. Blocks: call it in a thread.

    Raises:
        OSError: nothing has changed.
    """
    beside = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        beside.unlink()  # left by a crash
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
