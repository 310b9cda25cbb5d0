"""The SQLite file of what is kept, for one instance of the service.

All work is done by one thread. The file may be read by its owner alone, and what is deleted is overwritten.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from kept.store import DAY, KeepingFailed, KeptBounds
from runtime import ClockTrust

T = TypeVar("T")

log = logging.getLogger("pandora")

BUSY_SECONDS: Final = 1.0
PRUNE_SECONDS: Final = 3600.0
"""How often what is too old is deleted."""
MIGRATIONS: Final = (
    """
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
    """,
    """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
        created REAL NOT NULL, version INTEGER NOT NULL, metadata BLOB NOT NULL, standing BLOB NOT NULL
    );
    CREATE INDEX conversations_at ON conversations (at, size);
    CREATE INDEX conversations_owner ON conversations (owner, at);
    CREATE TABLE conversation_items (
        position INTEGER PRIMARY KEY, id TEXT NOT NULL,
        conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        size INTEGER NOT NULL, item BLOB NOT NULL
    );
    CREATE UNIQUE INDEX conversation_items_id ON conversation_items (conversation, id);
    CREATE INDEX conversation_items_order ON conversation_items (conversation, position);
    """,
)
"""What makes of each version of the file the next one; the first one makes the file."""
VERSION: Final = len(MIGRATIONS)
ALL: Final = """
    (SELECT 'responses' AS kind, id, at, size FROM responses
     UNION ALL SELECT 'conversations', id, at, size FROM conversations)
"""


class SqliteFile:
    """The file at `path`. `clock` gives Unix seconds."""

    def __init__(self, path: Path, bounds: KeptBounds, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self.bounds = bounds
        self.clock = clock
        self._trust = ClockTrust("kept responses", clock)
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._pruned = float("-inf")
        self._thread = ThreadPoolExecutor(1, "kept")
        self._closed = False

    @property
    def oldest_wanted(self) -> float:
        """From which time on something is not too old, in Unix seconds."""
        return self.clock() - self.bounds.days * DAY

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` makes of the connection, in the thread. Raises KeepingFailed, and what `work` does."""

        def guarded() -> T:
            try:
                with _failures(self._path):
                    return work(self._current())
            except KeepingFailed:
                self._disconnect()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, guarded)

    async def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same in one transaction, which is undone if `work` raises something."""

        def transaction(connection: sqlite3.Connection) -> T:
            with _transaction(connection):
                return work(connection)

        return await self.run(transaction)

    async def close(self) -> None:
        """Close it."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown(wait=False)

    def prune(self, connection: sqlite3.Connection) -> None:
        """Delete what is too old, and the oldest of what is too much."""
        now = self.clock()
        if not 0 <= now - self._pruned < PRUNE_SECONDS:
            self._pruned = now
            begin, end = self._trust.witness_times()
            witnessed, older = connection.execute(
                f"SELECT EXISTS (SELECT 1 FROM {ALL} WHERE at >= ? AND at < ?), "  # noqa: S608
                f"EXISTS (SELECT 1 FROM {ALL} WHERE at < ?)",
                (begin, end, begin),
            ).fetchone()
            if self._trust.allows_deletion(witnessed=bool(witnessed), older=bool(older)):
                connection.execute("DELETE FROM responses WHERE at < ?", (self.oldest_wanted,))
                connection.execute("DELETE FROM conversations WHERE at < ?", (self.oldest_wanted,))
        while True:
            count, size = connection.execute(f"SELECT COUNT(*), SUM(size) FROM {ALL}").fetchone()  # noqa: S608
            if count <= self.bounds.responses and (size or 0) <= self.bounds.size:
                return
            kind, id = connection.execute(f"SELECT kind, id FROM {ALL} ORDER BY at LIMIT 1").fetchone()  # noqa: S608
            connection.execute(f"DELETE FROM {kind} WHERE id = ?", (id,))  # noqa: S608

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
        for number, migration in enumerate(MIGRATIONS[version:], version + 1):
            connection.executescript(f"BEGIN; {migration} PRAGMA user_version = {number}; COMMIT;")
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
