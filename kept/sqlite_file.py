"""The SQLite file of what is kept, for one instance of the service."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from kept.store import DAY, KeepingFailed, KeptBounds
from runtime import ClockTrust, SqliteFailed, SqliteFile, transaction

T = TypeVar("T")

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
ALL: Final = """
    (SELECT 'responses' AS kind, id, at, size FROM responses
     UNION ALL SELECT 'conversations', id, at, size FROM conversations)
"""


class KeptFile:
    """The file at `path`. `clock` gives Unix seconds."""

    def __init__(self, path: Path, bounds: KeptBounds, clock: Callable[[], float] = time.time) -> None:
        self._file = SqliteFile(path, MIGRATIONS)
        self.bounds = bounds
        self.clock = clock
        self._trust = ClockTrust("kept responses", clock)
        self._pruned = float("-inf")

    @property
    def oldest_wanted(self) -> float:
        """From which time on something is not too old, in Unix seconds."""
        return self.clock() - self.bounds.days * DAY

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` makes of the connection, in the thread. Raises KeepingFailed, and what `work` does."""
        try:
            return await self._file.run(work)
        except SqliteFailed as error:
            raise KeepingFailed(str(error)) from None

    async def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same in one transaction, which is undone if `work` raises something."""

        def changed(connection: sqlite3.Connection) -> T:
            with transaction(connection):
                return work(connection)

        return await self.run(changed)

    async def close(self) -> None:
        """Close it."""
        await self._file.close()

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
