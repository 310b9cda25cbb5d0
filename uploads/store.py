"""Stored files on disk: a directory for each caller, in it for each file its bytes and what is known of it.

The bytes are written first and removed last: what is known of a file stands beside whole bytes, or not at
all. Both are flushed to the disk before the caller is told. Names on disk are made here, never by a caller.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from media import NotStored, StoredFile
from runtime import BackgroundTasks, ClockTrust, HeldBytes, Threads, replace_file
from uploads.directory import ABOUT, bytes_under, remove, sweep, uploads_in
from uploads.upload import Upload, is_upload_id, new_upload_id

log = logging.getLogger("pandora")

MAX_FILES: Final = 1000
"""Files of one caller; a list of them is read from the disk as a whole."""
SHARE: Final = 4
"""One caller may have this part of what all may have together."""
SWEEP_SECONDS: Final = 600.0

_DISK: Final = Threads(2, "uploads")


class NoSuchUpload(Exception):
    """There is no such file, or no longer, or it is another caller's."""


class NoSpace(Exception):
    """The file is too large for what is left, or there are too many; the text says which."""


class UploadFailed(Exception):
    """The disk fails; the text says how."""


class UploadStore:
    """Keeps files under `root`, which is made when the first one comes.

    All together may have `max_total_bytes`, those of one caller a quarter of that, and `max_files`. What has
    no earlier end is kept for `max_age_seconds`; 0 is for ever. `clock` gives Unix time. Call `start` once,
    on the running loop, and `close` at the end.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_total_bytes: int,
        max_age_seconds: float,
        max_files: int = MAX_FILES,
        sweep_seconds: float = SWEEP_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root = root
        self._max_total_bytes = max_total_bytes
        self._max_age_seconds = max_age_seconds
        self._max_files = max_files
        self._sweep_seconds = sweep_seconds
        self._clock = clock
        self._trust = ClockTrust("uploads", clock)
        self._adding = asyncio.Lock()  # so that two files together do not exceed what one may
        self._tasks = BackgroundTasks()

    def start(self) -> None:
        """Remove what is over, now and regularly from now on."""
        self._tasks.start(self._keep_sweeping())

    async def close(self) -> None:
        """Stop that."""
        await self._tasks.cancel()

    def of(self, owner: str) -> "OwnFiles":
        """The files of the caller who is called `owner`, which may be any text."""
        name = hashlib.sha256(owner.encode("utf-8", "replace")).hexdigest()[:32]
        return OwnFiles(self, self._root / name)

    async def sweep(self) -> None:
        """Remove files that are over, and what a crash has left. Raises OSError."""
        removed = await _DISK.run(sweep, self._root, self._clock(), self._trust)
        if removed:
            log.info("uploads: %d files removed", removed)

    async def add(self, home: Path, data: bytes, filename: str, purpose: str, lives: float | None) -> Upload:
        """See `OwnFiles.add`; `home` is the caller's directory."""
        async with self._adding:
            return await _DISK.run(self._add, home, data, filename, purpose, lives)

    async def find(self, home: Path, upload_id: str) -> Upload:
        """See `OwnFiles.get`."""
        if not is_upload_id(upload_id):
            raise NoSuchUpload
        about = await _DISK.run(_read, home / (upload_id + ABOUT))
        upload = Upload.from_json(about) if about is not None else None
        if upload is None or upload.is_over(self._clock()):
            raise NoSuchUpload
        return upload

    async def all_of(self, home: Path) -> list[Upload]:
        """See `OwnFiles.list`."""
        now = self._clock()
        try:
            found = [upload for upload in await _DISK.run(uploads_in, home) if not upload.is_over(now)]
        except OSError as error:
            raise UploadFailed(f"The files cannot be listed: {error.strerror}.") from None
        return sorted(found, key=lambda upload: (upload.created_at, upload.id), reverse=True)

    def _add(self, home: Path, data: bytes, filename: str, purpose: str, lives: float | None) -> Upload:
        now, upload_id = self._clock(), new_upload_id()
        ends = [seconds for seconds in (lives, self._max_age_seconds) if seconds]
        over = int(now + min(ends)) if ends else None
        upload = Upload(upload_id, filename, purpose, len(data), int(now), over)
        try:
            self._check_space(home, len(data))
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(home / upload_id, data, modified=now, durable=True)
            replace_file(home / (upload_id + ABOUT), upload.to_json(), modified=now, durable=True)
        except OSError as error:
            with suppress(OSError):
                remove(home, upload_id)
            raise UploadFailed(f"The file could not be stored: {error.strerror}.") from None
        return upload

    def _check_space(self, home: Path, size: int) -> None:
        own, most = [upload.size for upload in uploads_in(home)], self._max_total_bytes // SHARE
        if len(own) >= self._max_files:
            raise NoSpace(f"At most {self._max_files} files are kept; delete some first.")
        if sum(own) + size > most:
            left = max(0, most - sum(own))
            raise NoSpace(f"The file has {size} bytes; of {most} bytes {left} are left.")
        if bytes_under(self._root) + size > self._max_total_bytes:
            raise NoSpace("There is no room for more files.")

    async def _keep_sweeping(self) -> None:
        while True:
            try:
                await self.sweep()
            except OSError as error:
                log.warning("uploads: the store cannot be swept: %s", error.strerror)
            await asyncio.sleep(self._sweep_seconds)


class OwnFiles:
    """The files of one caller, in the directory `home`. Nobody else's can be reached through it."""

    def __init__(self, store: UploadStore, home: Path) -> None:
        self._store = store
        self._home = home

    async def add(self, data: bytes, filename: str, purpose: str, lives: float | None = None) -> Upload:
        """Store `data`, for at most `lives` seconds if that is given.

        Raises:
            NoSpace, UploadFailed: nothing is stored.
        """
        return await self._store.add(self._home, data, filename, purpose, lives)

    async def get(self, upload_id: str) -> Upload:
        """What is known of a file; `upload_id` may be any text. Raises NoSuchUpload."""
        return await self._store.find(self._home, upload_id)

    async def list(self) -> list[Upload]:
        """All of them, the newest first. Raises UploadFailed if the disk fails."""
        return await self._store.all_of(self._home)

    async def delete(self, upload_id: str) -> None:
        """Remove a file. Raises NoSuchUpload, or UploadFailed if the disk fails."""
        await self.get(upload_id)
        try:
            await _DISK.run(remove, self._home, upload_id)
        except OSError as error:
            raise UploadFailed(f"The file could not be deleted: {error.strerror}.") from None

    async def open(self, upload_id: str) -> StoredFile:
        """Open a file for reading; the caller closes it. Raises NoSuchUpload."""
        await self.get(upload_id)
        try:
            return await _DISK.run(StoredFile.open, self._home, upload_id)
        except NotStored:
            raise NoSuchUpload from None

    async def read(self, upload_id: str, held: HeldBytes) -> bytes:
        """The bytes of a file, for which `held` makes room first.

        Raises:
            NoSuchUpload: there is none.
            NoRoom: there was no room in time.
            UploadFailed: the disk fails.
        """
        with closing(await self.open(upload_id)) as file:
            if (waiting := held.grow_to(held.size + file.size)) is not None:
                await waiting
            try:
                return await file.read(0, file.size)
            except OSError as error:
                raise UploadFailed(f"The file could not be read: {error.strerror}.") from None


def _read(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None
