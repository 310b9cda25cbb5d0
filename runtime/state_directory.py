"""The directory where state is kept, watched: if it goes while the service runs, it is filled again.

A restart would otherwise find nothing of what this run knew, and nobody would have been told.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from runtime.background import BackgroundTasks
from runtime.threads import SMALL_FILES

log = logging.getLogger("pandora")

LOOK_SECONDS: Final = 2.0


class StateDirectory:
    """Looks at the directory at `path` every `pause` seconds, and makes it if there is none.

    When it is another one than before, or one of the files `needed` is missing, each of `restore` is awaited;
    they write what is known, and raise OSError if they cannot: then they are asked again.
    """

    def __init__(
        self,
        path: Path,
        needed: Sequence[Path],
        restore: Sequence[Callable[[], Awaitable[None]]],
        *,
        pause: float = LOOK_SECONDS,
    ) -> None:
        self._path = path
        self._needed = needed
        self._restore = restore
        self._pause = pause
        self._identity = _identity(path)
        self._told = False
        self._tasks = BackgroundTasks()

    def start(self) -> None:
        """Begin to look; returns at once."""
        self._tasks.start(self._keep_looking())

    async def close(self) -> None:
        """Look no more."""
        await self._tasks.cancel()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            with suppress(OSError):  # the ledger tells when nothing can be written
                await self._look()

    async def _look(self) -> None:
        identity = await SMALL_FILES.run(self._made)
        if identity is not None and identity == self._identity:
            return
        if not self._told:
            self._told = True
            log.error("%s was removed or replaced: what is known is written again", self._path.name)
        for restore in self._restore:
            await restore()
        self._identity = await SMALL_FILES.run(self._made)
        self._told = self._identity is None  # it went again meanwhile

    def _made(self) -> tuple[int, int] | None:
        """Which directory there is, None if something is missing in it."""
        self._path.mkdir(parents=True, exist_ok=True)
        if not all(path.exists() for path in self._needed):
            return None
        return _identity(self._path)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
