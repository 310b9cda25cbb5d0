"""Files on disk under unguessable names.

Each is written under a temporary name, flushed to the disk and renamed, so that there is never half a file
under a name, after a crash either. Names are made by `media.names`; an entry of the directory that is no
such name, or no regular file, is never read, counted or removed, and symbolic links are never followed.

A name can be reserved before its bytes are there: see `media.reservations`.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from media.errors import NotStored, StoreFailed, TooBig
from media.names import is_name, new_name
from media.reservations import FILL_WAIT_SECONDS, Reservations
from media.sniff import sniff
from media.stored_file import StoredFile
from media.sweep import sweep, temporary_path
from media.threads import in_thread
from runtime import BackgroundTasks, ClockTrust, replace_file

SWEEP_SECONDS: Final = 600.0

log = logging.getLogger("pandora")


class MediaStore:
    """Keeps files in `root`, which is made when the first one comes.

    A file may have `max_file_bytes`. All together may have `max_total_bytes`: above that, the oldest are
    removed, by a sweep that comes soon; until then the total may be exceeded. After `max_age_seconds` a file
    is gone; 0 is for never. A sweep comes at least every `sweep_seconds`. Who opens a reserved name waits up
    to `fill_wait_seconds` for its bytes. `clock` gives Unix time.

    Call `start` once, on the running loop, and `close` at the end.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_file_bytes: int,
        max_total_bytes: int,
        max_age_seconds: float,
        sweep_seconds: float = SWEEP_SECONDS,
        fill_wait_seconds: float = FILL_WAIT_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.max_age_seconds = max_age_seconds
        self._root = root
        self._max_file_bytes = max_file_bytes
        self._max_total_bytes = max_total_bytes
        self._sweep_seconds = sweep_seconds
        self._clock = clock
        self._trust = ClockTrust("media", clock)
        self._reservations = Reservations(clock, fill_wait_seconds)
        self._total_bytes = 0
        self._sweep_needed = asyncio.Event()
        self._tasks = BackgroundTasks()

    def start(self) -> None:
        """Sweep now, and regularly from now on."""
        self._tasks.start(self._keep_sweeping())

    async def close(self) -> None:
        """Stop sweeping."""
        await self._tasks.cancel()

    async def save(self, data: bytes, filename: str = "") -> str:
        """Store `data` under a fresh name and return the name, made from `filename`, which may be any text.

        Raises:
            TooBig, StoreFailed: nothing is stored.
        """
        name = new_name(filename, sniff(data))
        await self._write(name, data)
        return name

    def reserve(self, filename: str = "") -> str:
        """Return a fresh name, with the extension of `filename`, for bytes that will come by `fill`."""
        name = new_name(filename)
        self._reservations.add(name)
        return name

    async def fill(self, name: str, data: bytes) -> None:
        """Store `data` under a reserved name, whatever the type of `data` is.

        Raises:
            TooBig, StoreFailed: nothing is stored, and the name is dropped.
            NotStored: the name is not reserved, or no longer.
        """
        if name not in self._reservations:
            raise NotStored("The name is not reserved.")
        try:
            await self._write(name, data)
        except BaseException:
            self.drop(name)
            raise
        self._reservations.end(name, filled=True)

    def drop(self, name: str) -> None:
        """Give up a reserved name: its bytes will not come. A name that is not reserved is left alone."""
        self._reservations.end(name, filled=False)

    async def open(self, name: str) -> StoredFile:
        """Open a file for reading; the caller closes it. `name` may be any text.

        Raises:
            NotYetStored: it is reserved, and its bytes did not come in time.
            NotStored: there is none, or no longer.
        """
        if not is_name(name):
            raise NotStored("There is no file of this name.")
        await self._reservations.wait(name)
        file = await in_thread(StoredFile.open, self._root, name)
        if self.max_age_seconds and self._clock() - file.modified > self.max_age_seconds:
            file.close()
            raise NotStored("The file is no longer kept.")
        return file

    async def sweep(self) -> None:
        """Remove files that are too old, the oldest ones above the total, and leftovers of a crash.

        Raises:
            OSError: the directory cannot be read.
        """
        self._reservations.drop_expired()
        result = await in_thread(
            sweep,
            self._root,
            now=self._clock(),
            trust=self._trust,
            max_age_seconds=self.max_age_seconds,
            max_total_bytes=self._max_total_bytes,
        )
        self._total_bytes = result.total_bytes
        if result.removed:
            log.info("media: %d files removed, %d bytes kept", result.removed, result.total_bytes)

    async def _write(self, name: str, data: bytes) -> None:
        if len(data) > self._max_file_bytes:
            raise TooBig(f"The file has {len(data)} bytes; the limit is {self._max_file_bytes} bytes.")
        await in_thread(_write, self._root, name, data, self._clock())
        self._total_bytes += len(data)
        if self._total_bytes > self._max_total_bytes:
            self._sweep_needed.set()

    async def _keep_sweeping(self) -> None:
        while True:
            self._sweep_needed.clear()
            try:
                await self.sweep()
            except OSError as error:
                log.warning("media: the store cannot be swept: %s", error.strerror)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._sweep_seconds):
                    await self._sweep_needed.wait()


def _write(root: Path, name: str, data: bytes, now: float) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        replace_file(
            root / name,
            data,
            mode=0o640,
            temporary=temporary_path(root, name),
            modified=now,
            durable=True,
        )
    except OSError as error:
        raise StoreFailed(f"The file could not be stored: {error.strerror}.") from None
