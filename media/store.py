"""Files on disk under unguessable names.

Each is written to a temporary name, flushed to the disk and renamed, so that there is never half a file
under a name, after a crash either. Names are made by `media.names`; an entry of the directory that is no
such name, or no regular file, is never read, counted or removed, and symbolic links are never followed.

A name can be reserved before its bytes are there, so that a link can be shown while they are fetched. Who
follows the link in the meantime waits up to `FILL_WAIT_SECONDS`: a short wait is better than a dead link,
and browsers do not come back by themselves.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from media.errors import NotStored, NotYetStored, StoreFailed, TooBig
from media.names import is_name, new_name
from media.sniff import sniff
from media.stored_file import StoredFile
from media.sweep import TEMPORARY, Kept, sweep
from media.threads import in_thread

FILL_WAIT_SECONDS: Final = 5.0
RESERVED_SECONDS: Final = 900.0
"""How long a reservation holds that is neither filled nor dropped; no fetch takes that long."""
SWEEP_SECONDS: Final = 600.0

log = logging.getLogger("pandora")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store; ``size`` in bytes."""

    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class _Reservation:
    filled: "asyncio.Future[bool]"
    until: float


class MediaStore:
    """Keeps files in ``root``, which is made when the first one comes.

    Limits: ``max_file_bytes`` for each file; ``max_total_bytes`` for all, above which the oldest go;
    ``max_age_seconds`` after which a file is gone, 0 for never. The total can be exceeded for moments, by
    what is stored while a sweep runs. ``clock`` gives Unix time.

    Call `start` on the running loop, once; `close` at the end.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_file_bytes: int,
        max_total_bytes: int,
        max_age_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.max_age_seconds = max_age_seconds
        self._root = root
        self._max_file_bytes = max_file_bytes
        self._max_total_bytes = max_total_bytes
        self._clock = clock
        self._reserved: dict[str, _Reservation] = {}
        self._total_bytes = 0
        self._sweep_wanted = asyncio.Event()
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep now, and from now on now and then."""
        self._sweeper = asyncio.get_running_loop().create_task(self._keep_sweeping())

    async def close(self) -> None:
        """Sweep no more."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper

    async def save(self, data: bytes, filename: str = "") -> Stored:
        """Store ``data`` under a fresh name. ``filename`` may be anything; it only flavours the name.

        Raises:
            TooBig, StoreFailed: nothing is stored.
        """
        media_type = sniff(data)
        return await self._write(new_name(filename, media_type), data, media_type)

    def reserve(self, filename: str = "") -> str:
        """A fresh name, with the extension of ``filename``, for bytes that will come by `fill`."""
        name = new_name(filename)
        filled = asyncio.get_running_loop().create_future()
        self._reserved[name] = _Reservation(filled, self._clock() + RESERVED_SECONDS)
        return name

    async def fill(self, name: str, data: bytes) -> Stored:
        """Store ``data`` under a reserved name. The type is that of the bytes, whatever the name says.

        Raises:
            TooBig, StoreFailed: nothing is stored, and the name is dropped.
            NotStored: the name is not reserved, or no longer.
        """
        if name not in self._reserved:
            raise NotStored("The name is not reserved.")
        try:
            stored = await self._write(name, data, sniff(data))
        except BaseException:
            self.drop(name)
            raise
        self._release(name, True)
        return stored

    def drop(self, name: str) -> None:
        """The bytes for a reserved name will not come."""
        self._release(name, False)

    async def open(self, name: str) -> StoredFile:
        """Open a file for reading; the caller closes it. ``name`` may be anything.

        Raises:
            NotYetStored: it is reserved, and was not filled within `FILL_WAIT_SECONDS`.
            NotStored: there is none, or no longer.
        """
        if not is_name(name):
            raise NotStored("There is no file of this name.")
        if (reservation := self._reserved.get(name)) is not None:
            await self._filled(reservation)
        file = await in_thread(StoredFile.open, self._root, name)
        if self.max_age_seconds and self._clock() - file.modified > self.max_age_seconds:
            file.close()
            raise NotStored("The file is no longer kept.")
        return file

    async def sweep(self) -> None:
        """Remove what is too old, what exceeds the total, and what a crash left behind."""
        now = self._clock()
        for name in [name for name, reserved in self._reserved.items() if reserved.until < now]:
            self.drop(name)
        kept: Kept = await in_thread(
            sweep,
            self._root,
            now=now,
            max_age_seconds=self.max_age_seconds,
            max_total_bytes=self._max_total_bytes,
        )
        self._total_bytes = kept.total_bytes
        if kept.removed:
            log.info("media: %d files removed, %d bytes kept", kept.removed, kept.total_bytes)

    async def _write(self, name: str, data: bytes, media_type: str) -> Stored:
        if len(data) > self._max_file_bytes:
            raise TooBig(f"The file has {len(data)} bytes; the limit is {self._max_file_bytes} bytes.")
        await in_thread(_write, self._root, name, data, self._clock())
        self._total_bytes += len(data)
        if self._total_bytes > self._max_total_bytes:
            self._sweep_wanted.set()
        return Stored(name, media_type, len(data))

    def _release(self, name: str, filled: bool) -> None:
        reservation = self._reserved.pop(name, None)
        if reservation is not None and not reservation.filled.done():
            reservation.filled.set_result(filled)

    async def _filled(self, reservation: _Reservation) -> None:
        try:
            async with asyncio.timeout(FILL_WAIT_SECONDS):
                filled = await asyncio.shield(reservation.filled)
        except TimeoutError:
            raise NotYetStored("The file is still being fetched.") from None
        if not filled:
            raise NotStored("The file could not be fetched.")

    async def _keep_sweeping(self) -> None:
        while True:
            self._sweep_wanted.clear()
            try:
                await self.sweep()
            except OSError as error:
                log.warning("media: the store cannot be swept: %s", error.strerror)
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._sweep_wanted.wait()


def _write(root: Path, name: str, data: bytes, now: float) -> None:
    temporary = root / TEMPORARY.format(name[:32])
    try:
        root.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(temporary, flags, 0o640), "wb", buffering=0) as file:
            try:
                _write_all(file.fileno(), data)
                os.utime(file.fileno(), (now, now))
                os.fsync(file.fileno())
                temporary.rename(root / name)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise StoreFailed(f"The file could not be stored: {error.strerror}.") from None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
