"""Kept responses in one SQLite file, for one instance of the service.

All work is done by one thread. The file may be read by its owner alone, and what is deleted is overwritten.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from kept.records import KeptResponse, read, written
from kept.store import DAY, TOO_LARGE, KeepingFailed, KeptBounds
from runtime import ClockTrust
from translate.values import JsonObject, text_at

T = TypeVar("T")

log = logging.getLogger("pandora")

BUSY_SECONDS: Final = 1.0
PRUNE_SECONDS: Final = 3600.0
"""How often what is too old is deleted."""
VERSION: Final = 1
SCHEMA: Final = f"""
    BEGIN;
    CREATE TABLE responses (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
        record BLOB NOT NULL
    );
    CREATE INDEX responses_at ON responses (at, size);
    CREATE TABLE items (
        id TEXT NOT NULL, owner TEXT NOT NULL,
        response TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE,
        PRIMARY KEY (id, owner)
    ) WITHOUT ROWID;
    CREATE INDEX items_response ON items (response);
    PRAGMA user_version = {VERSION};
    COMMIT;
"""
OLDEST: Final = "DELETE FROM responses WHERE id = (SELECT id FROM responses ORDER BY at LIMIT 1)"


class SqliteResponses:
    """The store in the file at `path`. `clock` gives Unix seconds."""

    def __init__(self, path: Path, bounds: KeptBounds, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._bounds = bounds
        self._clock = clock
        self._trust = ClockTrust("kept responses", clock)
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._pruned = float("-inf")
        self._thread = ThreadPoolExecutor(1, "kept")
        self._closed = False

    async def put(self, record: KeptResponse) -> None:
        """See `ResponseStore`."""
        await self._in_thread(lambda connection: self._put(connection, record))

    async def get(self, owner: str, id: str) -> KeptResponse | None:
        """See `ResponseStore`."""
        return await self._in_thread(lambda connection: self._get(connection, owner, id))

    async def delete(self, owner: str, id: str) -> bool:
        """See `ResponseStore`."""
        return await self._in_thread(
            lambda connection: (
                connection.execute("DELETE FROM responses WHERE id = ? AND owner = ?", (id, owner)).rowcount
                > 0
            )
        )

    async def output_items(self, owner: str, ids: Collection[str]) -> Mapping[str, JsonObject]:
        """See `ResponseStore`."""
        return await self._in_thread(lambda connection: self._items(connection, owner, ids))

    async def close(self) -> None:
        """See `ResponseStore`."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def guarded() -> T:
            try:
                with _failures(self._path):
                    return work(self._current())
            except KeepingFailed:
                self._disconnect()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, guarded)

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that is at the path now."""
        if self._connection is not None and _identity(self._path) != self._identity:
            log.error("%s was removed or replaced while it was in use", self._path.name)
            self._disconnect()
        if self._connection is None:
            self._connection = _open(self._path)
            self._identity = _identity(self._path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _put(self, connection: sqlite3.Connection, record: KeptResponse) -> None:
        data = written(record)
        if len(data) > self._bounds.largest:
            raise KeepingFailed(TOO_LARGE)
        with _transaction(connection):
            connection.execute(
                "INSERT OR REPLACE INTO responses (id, owner, at, size, record) VALUES (?, ?, ?, ?, ?)",
                (record.id, record.owner, record.at, len(data), data),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO items (id, owner, response) VALUES (?, ?, ?)",
                [(id, record.owner, record.id) for id in record.output_ids],
            )
            self._prune(connection)

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Delete what is too old, and the oldest of what is too much."""
        now = self._clock()
        if not 0 <= now - self._pruned < PRUNE_SECONDS:
            self._pruned = now
            begin, end = self._trust.witness_times()
            witnessed, older = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM responses WHERE at >= ? AND at < ?), "
                "EXISTS (SELECT 1 FROM responses WHERE at < ?)",
                (begin, end, begin),
            ).fetchone()
            if self._trust.allows_deletion(witnessed=bool(witnessed), older=bool(older)):
                connection.execute("DELETE FROM responses WHERE at < ?", (self._oldest_wanted(),))
        while True:
            count, size = connection.execute("SELECT COUNT(*), SUM(size) FROM responses").fetchone()
            if count <= self._bounds.responses and (size or 0) <= self._bounds.size:
                return
            connection.execute(OLDEST)

    def _get(self, connection: sqlite3.Connection, owner: str, id: str) -> KeptResponse | None:
        found = connection.execute(
            "SELECT record FROM responses WHERE id = ? AND owner = ? AND at >= ?",
            (id, owner, self._oldest_wanted()),
        ).fetchone()
        return read(found[0]) if found else None

    def _items(
        self, connection: sqlite3.Connection, owner: str, ids: Collection[str]
    ) -> Mapping[str, JsonObject]:
        found: dict[str, JsonObject] = {}
        left = self._bounds.at_once
        for id in ids:
            if id in found or left <= 0:
                continue
            row = connection.execute(
                "SELECT response FROM items WHERE id = ? AND owner = ?", (id, owner)
            ).fetchone()
            if row and (record := self._get(connection, owner, row[0])) is not None:
                found |= {text_at(item, "id"): item for item in record.output}
                left -= record.size
        return found

    def _oldest_wanted(self) -> float:
        return self._clock() - self._bounds.days * DAY


def _open(path: Path) -> sqlite3.Connection:
    """Open the file, which is made when needed; a damaged one is put aside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _connected(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        aside = path.with_name(f"{path.name}.damaged")
        for ending in ("-wal", "-shm", ""):
            source = path.with_name(path.name + ending)
            if source.exists():
                source.replace(aside.with_name(aside.name + ending))
        log.error("%s was damaged: it is put aside as %s", path.name, aside.name)
        return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its other files the same mode
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise KeepingFailed(
                f"{path.name} was written by a newer version of this service: use that one, or move the file"
            )
        if version < VERSION:
            connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _failures(path: Path) -> Iterator[None]:
    """Turn errors of SQLite, of the file system and of damaged records into `KeepingFailed`."""
    try:
        yield
    except (sqlite3.Error, OSError, ValueError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise KeepingFailed(f"{path.name}: {reason}") from None
