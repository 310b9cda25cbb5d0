"""Folders of services under test, in memory where the system has room for them there.

The disk of a busy machine can stand still for seconds. What a service does then has tests of its own; for all
others it is no fault of the service.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 1 << 30
"""Bytes that have to be free there."""


def scratch_folder(prefix: str = "state-") -> TemporaryDirectory[str]:
    """A folder that is gone at the end of its `with` block."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM
    return TemporaryDirectory(prefix=prefix, dir=MEMORY if roomy else None)
