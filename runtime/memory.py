"""Memory of the process that is free, and given back to the system.

The C library of Linux (glibc) keeps what was freed for the next time: after a crowd, the process would stay
at its largest for months. Other libraries are left as they are.
"""

import asyncio
import ctypes
from contextlib import suppress
from typing import Final

from runtime.background import BackgroundTasks
from runtime.threads import COMPUTING

LARGE_BLOCK: Final = 256 * 1024
"""Above the buffers of connections, which are made anew at each read."""
TRIM_SECONDS: Final = 30.0
_M_MMAP_THRESHOLD: Final = -3
_NO_GLIBC: Final = (OSError, AttributeError, TypeError)


def give_back_large_blocks() -> None:
    """Have blocks of `LARGE_BLOCK` bytes given back to the system at once when they are freed.

    By default glibc keeps blocks of up to 32 MiB once one of that size was freed.
    """
    with suppress(*_NO_GLIBC):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)


class MemoryTrimmer:
    """Gives the free pages between smaller blocks back every `pause` seconds, in a thread."""

    def __init__(self, pause: float = TRIM_SECONDS) -> None:
        self._pause = pause
        self._tasks = BackgroundTasks()

    def start(self) -> None:
        """Begin; returns at once."""
        self._tasks.start(self._keep_trimming())

    async def close(self) -> None:
        """Trim no more."""
        await self._tasks.cancel()

    async def _keep_trimming(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            await COMPUTING.run(_trim)


def _trim() -> None:
    with suppress(*_NO_GLIBC):
        ctypes.CDLL(None).malloc_trim(0)
