"""Folders of services and stores under test, in memory where the system has room for them there.

The disk of a busy machine can stand still for seconds. What they do then has tests of its own; for all others
it is no fault of theirs.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 1 << 30
"""Bytes that have to be free there."""


def scratch_folder(prefix: str = "state-") -> TemporaryDirectory[str]:
    """A folder that is gone at the end of its `with` block."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM
    return TemporaryDirectory(prefix=prefix, dir=MEMORY if roomy else None)


@pytest.fixture(name="tmp_path")
def scratch_path() -> Iterator[Path]:
    """What a `conftest.py` imports in the place of pytest's own folder."""
    with scratch_folder("test-") as folder:
        yield Path(folder)
