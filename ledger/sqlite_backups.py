"""Backups of the ledger in an SQLite file, made while the service writes, and brought back while none runs.

The copy is made by SQLite itself: what a plain copy of the file would lack still stands in the file beside
it. SQLite also brings it back, in one transaction: broken off at any moment, the old ledger is there.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ledger.backup_file import (
    About,
    Backup,
    BackupFailed,
    LedgerCheck,
    file_errors,
    loss,
    place_for_ledger,
    read_backup,
    write_backup,
)
from ledger.key_names import SECRET_BYTES, fingerprint_of
from ledger.sqlite_file import BUSY_SECONDS, MIGRATIONS, put_aside, reading, schema_of, store_errors
from ledger.store import refuse_schema
from runtime import SMALL_FILES, replace_file

KIND: Final = "sqlite"
SCHEMA: Final = len(MIGRATIONS)


class SqliteBackups:
    """Of the ledger in the file at `path`, whose names are made with the secret in `secret_file`."""

    def __init__(self, path: Path, secret_file: Path) -> None:
        self._path = path
        self._secret_file = secret_file

    async def back_up(self, file: Path) -> About:
        """See `LedgerBackups`."""
        return await SMALL_FILES.run(self._back_up, file)

    async def restore(self, file: Path, *, overwrite: bool) -> About:
        """See `LedgerBackups`."""
        return await SMALL_FILES.run(self._restore, file, overwrite)

    async def check(self) -> LedgerCheck:
        """See `LedgerBackups`."""
        return await SMALL_FILES.run(self._check)

    def _back_up(self, file: Path) -> About:
        if not self._path.exists():
            raise BackupFailed(f"there is no {self._path}")
        secret = self._secret()
        if secret is None:
            raise BackupFailed(
                f"{self._secret_file} is missing or damaged, so the names of keys would be lost"
            )
        with file_errors(file), place_for_ledger(file) as place:
            with store_errors(self._path), reading(self._path) as source, closing(_connected(place)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, and nothing beside it
                about = About(KIND, schema_of(copy), time.time(), _conversations(copy))
            write_backup(file, Backup(about, secret, place))
        return about

    def _restore(self, file: Path, overwrite: bool) -> About:
        with file_errors(file):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with read_backup(file, KIND, self._path.parent) as backup:
                refuse_schema(str(file), backup.about.schema, SCHEMA)
                with store_errors(self._path), closing(self._held()) as target:
                    if not overwrite:
                        self._refuse_loss(target, backup)
                    with closing(_connected(backup.ledger)) as source:
                        source.backup(target)
                    replace_file(self._secret_file, backup.secret, durable=True)
        return backup.about

    def _held(self) -> sqlite3.Connection:
        """A connection to the ledger that nobody else has, or can have until it is closed. The ledger is
        made if there is none, and put aside if it is damaged. Raises BackupFailed if a service has it open.
        """
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            return _exclusive(self._path)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise BackupFailed(
                f"{self._path} is in use: stop the service, and whatever else has the file open"
            ) from None
        except sqlite3.DatabaseError:
            put_aside(self._path)
            return self._held()

    def _refuse_loss(self, target: sqlite3.Connection, backup: Backup) -> None:
        if not _has_conversations(target):
            if schema_of(target) > SCHEMA:
                raise BackupFailed(
                    f"a newer version of this service has written {self._path}, and what would be lost "
                    "cannot be told: make a copy of the file, then add --overwrite"
                )
            return
        target.execute("ATTACH ? AS backup", (os.fspath(backup.ledger),))
        missing: int = target.execute(
            "SELECT COUNT(*) FROM main.conversations WHERE id NOT IN (SELECT id FROM backup.conversations)"
        ).fetchone()[0]
        target.execute("DETACH backup")
        if missing:
            raise BackupFailed(loss(missing))

    def _check(self) -> LedgerCheck:
        if not self._path.exists():
            return LedgerCheck((), [f"There is no {self._path}."])
        name, findings, problems = self._path.name, list[str](), list[str]()
        with store_errors(self._path), reading(self._path) as connection:
            state = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            schema = schema_of(connection)
            findings.append(f"{name} has schema {schema}; this version of the service writes {SCHEMA}.")
            if state != "ok":
                problems.append(f"{name} is damaged: {state}.")
            if schema > SCHEMA:
                problems.append("A newer version of the service has written it: this one does not start.")
            elif _has_conversations(connection):
                findings.append(_told(connection))
                problems += self._secret_problems(connection)
        return LedgerCheck(findings, problems)

    def _secret_problems(self, connection: sqlite3.Connection) -> Iterator[str]:
        secret = self._secret()
        if secret is None:
            yield f"{self._secret_file} is missing or damaged: keys without an alias get new names."
            return
        if self._secret_file.stat().st_mode & 0o077:
            yield f"{self._secret_file} can be read by others than its owner."
        if schema_of(connection) < SCHEMA:
            return  # which secrets were used is not told yet
        used = [fingerprint for (fingerprint,) in connection.execute("SELECT fingerprint FROM secrets_used")]
        if used and fingerprint_of(secret) not in used:
            yield (
                f"{self._secret_file} is not the secret that the ledger was written with: keys without an "
                "alias get new names."
            )

    def _secret(self) -> bytes | None:
        try:
            secret = self._secret_file.read_bytes()
        except OSError:
            return None
        return secret if len(secret) == SECRET_BYTES else None


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)


def _exclusive(path: Path) -> sqlite3.Connection:
    connection = _connected(path)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")  # only possible where nobody else has it open
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _has_conversations(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'conversations'").fetchone())


def _conversations(connection: sqlite3.Connection) -> int:
    count: int = connection.execute("SELECT COUNT(*) FROM conversations").fetchone()[0]
    return count


def _told(connection: sqlite3.Connection) -> str:
    count, first, last, unknown = connection.execute(
        "SELECT COUNT(*), MIN(at), MAX(at), SUM(outcome = 'unknown') FROM conversations"
    ).fetchone()
    if not count:
        return "It has no conversations."
    begin, end = (datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") for at in (first, last))
    return f"It has {count} conversations from {begin} to {end}, {unknown} of them without an outcome."
