"""The ledger's SQLite file: opened, brought up to date, and replaced when it is damaged."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from ledger.sqlite_rescue import copy_entries
from ledger.store import StoreError, refuse_schema

log = logging.getLogger("pandora")

BUSY_SECONDS: Final = 1.0
"""How long to wait for another process that has locked the file."""

MIGRATIONS: Final = (
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
    """
    CREATE TABLE free_conversations (
        hour INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        conversations INTEGER NOT NULL,
        PRIMARY KEY (hour, outcome)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE conversations ADD COLUMN account TEXT NOT NULL DEFAULT '';
    DROP INDEX conversations_unknown;
    CREATE INDEX conversations_unknown ON conversations (account, alias, at) WHERE outcome = 'unknown';
    CREATE TABLE account_caps (
        account TEXT NOT NULL,
        slug TEXT NOT NULL,
        until REAL NOT NULL,
        PRIMARY KEY (account, slug)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE secrets_used (
        fingerprint TEXT PRIMARY KEY,
        since REAL NOT NULL
    ) WITHOUT ROWID;
    """,
)
"""One script for each version of the schema: a file of version n still needs those from n on."""


def open_file(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open the file at `path` for writing, making its folder and itself when needed. Blocks.

    A damaged file is put aside, and what can be read of it is saved into a new one.

    Raises:
        sqlite3.Error: it cannot be opened now.
        OSError: the folder cannot be made.
        LedgerRefused: a newer version of the service has written it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path, busy_seconds)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return _replace_damaged(path, busy_seconds)


def schema_of(connection: sqlite3.Connection) -> int:
    """The version of a file's schema: how many of `MIGRATIONS` have made it. Blocks. Raises sqlite3.Error."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads the file at `path`, which must be there, beside whoever writes. Blocks.

    Raises:
        sqlite3.Error: it cannot be opened now.
    """
    with closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", timeout=BUSY_SECONDS, uri=True)
    ) as connection:
        connection.execute("PRAGMA query_only = ON")
        yield connection


def write_nothing(connection: sqlite3.Connection) -> None:
    """Write to the disk what is in the file already: that shows whether it can be written. Blocks.

    Raises:
        sqlite3.Error: it cannot be written now; the connection has to be closed then.
    """
    connection.execute("BEGIN IMMEDIATE")  # a newer version of the service may just change the number
    connection.execute(f"PRAGMA user_version = {schema_of(connection)}")
    connection.execute("COMMIT")


def _open(path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        version = schema_of(connection)
        refuse_schema(path.name, version, len(MIGRATIONS))  # before anything of it is changed
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def put_aside(path: Path) -> Path:
    """Give a damaged file another name, with the files beside it, and return that. Blocks. Raises OSError."""
    aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    for ending in ("-wal", "-shm", ""):
        source = path.with_name(path.name + ending)
        if source.exists():
            source.replace(aside.with_name(aside.name + ending))
    return aside


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into `StoreError`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StoreError(f"{path.name}: {reason}") from None


def _replace_damaged(path: Path, busy_seconds: float) -> sqlite3.Connection:
    aside = put_aside(path)
    connection = _open(path, busy_seconds)
    saved = 0
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(aside, timeout=busy_seconds)) as old:
        saved = copy_entries(old, connection)
    log.error("%s was damaged: it is kept as %s, %d entries were saved", path.name, aside.name, saved)
    return connection
