"""The ledger in one SQLite file, for one instance of the service.

In WAL mode with full synchronisation: what was committed survives a crash of the machine. All writing is
done by one thread; reading uses a connection of its own and disturbs nobody.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from ledger.records import Capped, Counted, Posted, Record, Settled, Spent
from ledger.store import Item, Recent, StoreError, Verdict
from metrics.names import Attempt

log = logging.getLogger("pandora")

T = TypeVar("T")

BUSY_SECONDS = 1.0
MAX_UNKNOWN = 20

MIGRATIONS = (
    """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        at REAL NOT NULL,
        alias TEXT NOT NULL,
        model TEXT NOT NULL,
        slug TEXT NOT NULL,
        units INTEGER NOT NULL,
        windowed INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        outcome TEXT NOT NULL DEFAULT 'unknown',
        served TEXT NOT NULL DEFAULT '',
        conversation_id TEXT NOT NULL DEFAULT '',
        duration REAL,
        ttft REAL,
        prompt_tokens INTEGER NOT NULL DEFAULT 0,
        completion_tokens INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX conversations_at ON conversations (at);
    """,
    """
    CREATE TABLE caps (
        alias TEXT NOT NULL,
        slug TEXT NOT NULL,
        until REAL NOT NULL,
        PRIMARY KEY (alias, slug)
    ) WITHOUT ROWID;
    CREATE INDEX conversations_unknown ON conversations (alias, at) WHERE outcome = 'unknown';
    """,
)
"""One script for each version of the schema: a file of version n still needs those from n on."""

POST = """INSERT OR IGNORE INTO conversations (id, at, alias, model, slug, units, windowed, message_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
SETTLE = """UPDATE conversations SET outcome = ?, served = ?, conversation_id = ?, duration = ?, ttft = ?,
    units = CASE WHEN ? THEN 0 ELSE units END WHERE id = ? AND outcome = 'unknown'"""
COUNT = "UPDATE conversations SET prompt_tokens = ?, completion_tokens = ? WHERE id = ?"
CAP = "INSERT OR REPLACE INTO caps (alias, slug, until) VALUES (?, ?, ?)"
POSTED = "SELECT id, at, alias, model, slug, units, windowed, message_id FROM conversations"
FREE = f"outcome IN ('{Attempt.REFUSED}', '{Attempt.UNSENT}')"
USAGE = f"""SELECT CAST((at - :offset) / :bucket AS INTEGER) * :bucket + :offset AS start, model, alias,
    COUNT(*), SUM({FREE}), SUM(outcome = 'unknown'), SUM(units), SUM(prompt_tokens), SUM(completion_tokens)
    FROM conversations WHERE at >= :since AND at < :until AND (:alias IS NULL OR alias = :alias)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""  # noqa: S608 - both names are ours


class SqliteStore:
    """``path`` is the file, made when needed; ``offset`` is where in a day its quota begins, in seconds."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self._offset = offset
        self._connection: sqlite3.Connection | None = None
        self._writer = ThreadPoolExecutor(1, "ledger")
        self._closed = False

    async def load(self, since: float) -> Recent:
        """What was spent since then, and the caps known."""
        return await self._in_writer(lambda: _recent(self._connected(), since))

    async def write(self, items: Sequence[Item]) -> Sequence[Verdict | None]:
        """Commit all of them; a file of one's own needs no verdicts."""
        records = [item.record for item in items]
        await self._in_writer(lambda: self._commit(records))
        return [None] * len(items)

    async def usage(self, since: float, until: float, bucket: int, alias: str | None) -> list[Spent]:
        """See Store."""
        return await asyncio.to_thread(read_usage, self._path, since, until, bucket, alias, self._offset)

    async def unknown(self, alias: str, before: float) -> list[Posted]:
        """See Store."""
        clause = f"WHERE outcome = 'unknown' AND alias = ? AND at < ? ORDER BY at DESC LIMIT {MAX_UNKNOWN}"
        query = f"{POSTED} {clause}"
        return await self._in_writer(lambda: _posted(self._connected().execute(query, (alias, before))))

    async def forget(self, before: float) -> None:
        """Remove what is older."""

        def delete() -> None:
            self._connected().execute("DELETE FROM conversations WHERE at < ?", (before,))

        await self._in_writer(delete)

    async def close(self) -> None:
        """Close the file."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._writer, self._disconnect)
            self._writer.shutdown(wait=False)

    async def _in_writer(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            try:
                with _told(self._path):
                    return work()
            except StoreError:
                self._disconnect()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._writer, guarded)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = _open(self._path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._connection = _start_anew(self._path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _commit(self, records: Sequence[Record]) -> None:
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for record in records:
                connection.execute(*_statement(record))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def read_usage(
    path: Path, since: float, until: float, bucket: int, alias: str | None, offset: int
) -> list[Spent]:
    """What is in the file, which may be in use. Raises StoreError."""
    if not path.exists():
        return []
    given = {"since": since, "until": until, "bucket": bucket, "offset": offset, "alias": alias}
    with _told(path), closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA query_only = ON")
        return [Spent(*row) for row in connection.execute(USAGE, given)]


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of SQLite and of the file system, as StoreError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StoreError(f"{path.name}: {reason}") from None


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{path.name} was written by a newer version of this service: use that one, or move the file"
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def _start_anew(path: Path) -> sqlite3.Connection:
    """Put a damaged file aside and begin a new one with what can still be read of it."""
    aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    for ending in ("-wal", "-shm", ""):
        source = path.with_name(path.name + ending)
        if source.exists():
            source.replace(aside.with_name(aside.name + ending))
    connection = _open(path)
    saved = 0
    try:
        with closing(sqlite3.connect(aside, timeout=BUSY_SECONDS)) as old:
            names = [row[1] for row in connection.execute("PRAGMA table_info(conversations)")]
            columns, marks = ", ".join(names), ", ".join("?" * len(names))
            into = f"INSERT OR IGNORE INTO conversations ({columns}) VALUES ({marks})"  # noqa: S608 - our own
            for row in old.execute(f"SELECT {columns} FROM conversations"):  # noqa: S608
                connection.execute(into, row)
                saved += 1
    except sqlite3.DatabaseError:
        pass  # up to here it could be read
    log.error("%s was damaged: it is kept as %s, %d entries were saved", path.name, aside.name, saved)
    return connection


def _statement(record: Record) -> tuple[str, tuple[object, ...]]:
    match record:
        case Posted():
            return POST, (
                record.id,
                record.at,
                record.alias,
                record.model,
                record.slug,
                record.units,
                record.windowed,
                record.message_id,
            )
        case Settled():
            return SETTLE, (
                record.outcome,
                record.served,
                record.conversation_id,
                record.duration,
                record.ttft,
                record.free,
                record.id,
            )
        case Counted():
            return COUNT, (record.prompt, record.completion, record.id)
        case Capped():
            return CAP, (record.alias, record.slug, record.until)


def _recent(connection: sqlite3.Connection, since: float) -> Recent:
    posted = _posted(connection.execute(f"{POSTED} WHERE at >= ? AND NOT {FREE}", (since,)))
    caps = connection.execute("SELECT alias, slug, until FROM caps WHERE until > ?", (since,))
    return Recent(posted, [Capped(*row) for row in caps])


def _posted(rows: sqlite3.Cursor) -> list[Posted]:
    return [Posted(*row) for row in rows]
