"""One SQLite file, worked on by one thread. It may be read by its owner alone, and what is deleted is
overwritten.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

log = logging.getLogger("pandora")

BUSY_SECONDS: Final = 1.0
"""How long to wait for another process that has locked the file."""


class SqliteFailed(Exception):
    """The file cannot be used now. The text names the file, says why, and holds no secret."""


class _Newer(SqliteFailed):
    def __init__(self, path: Path, schema: int) -> None:
        super().__init__(
            f"{path.name} was written by a newer version of this service: use that one, or move the file"
        )
        self.schema = schema


class SqliteFile:
    """The file at `path`, made when needed; a damaged one is put aside.

    `migrations` are scripts that make of each version of the file the next one; the first one makes the file.
    What is written is on the disk then; with `durable` false the last of it may be lost if the machine fails.
    A file that a newer version of the service has written is refused, with `expendable` put aside as well.
    """

    def __init__(
        self, path: Path, migrations: Sequence[str], *, durable: bool = True, expendable: bool = False
    ) -> None:
        self._path = path
        self._migrations = migrations
        self._durable = durable
        self._expendable = expendable
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._thread = ThreadPoolExecutor(1, path.stem)
        self._closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives, in the thread. Raises SqliteFailed, also where `work` cannot read its data."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)

    async def close(self) -> None:
        """Close the file, once all work is done."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown(wait=False)

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._current())
        except SqliteFailed:
            self._disconnect()
            raise
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            self._disconnect()
            reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise SqliteFailed(f"{self._path.name}: {reason}") from None

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that is at the path now."""
        if self._connection is not None and _identity(self._path) != self._identity:
            log.error("%s was removed or replaced while it was in use", self._path.name)
            self._disconnect()
        if self._connection is None:
            self._connection = self._opened()
            self._identity = _identity(self._path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        path = self._path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connected()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            aside = _put_aside(path, f"{path.name}.damaged")
            log.error("%s was damaged: it is put aside as %s", path.name, aside.name)
            return self._connected()
        except _Newer as newer:
            if not self._expendable:
                raise
            aside = _put_aside(path, f"{path.name}.schema-{newer.schema}-{int(time.time())}")
            log.warning(
                "%s is of a newer version of this service: it is kept as %s, and begun anew",
                path.name,
                aside.name,
            )
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        path = self._path
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its other files the same mode
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > len(self._migrations):
                raise _Newer(path, version)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            for number, script in enumerate(self._migrations[version:], version + 1):
                connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written within, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _put_aside(path: Path, name: str) -> Path:
    """Give the file this name, and those beside it likewise."""
    aside = path.with_name(name)
    for ending in ("-wal", "-shm", ""):
        source = path.with_name(path.name + ending)
        if source.exists():
            source.replace(aside.with_name(aside.name + ending))
    return aside


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
