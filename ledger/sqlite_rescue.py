"""What a ledger's file holds is brought into another one: when it is damaged, or is no longer at its path.

A file that was removed while it is open can still be read; only its name is gone.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

ROWS_AT_ONCE: Final = 1000
BESIDE: Final = ("-wal", "-shm")
"""Endings of the files that SQLite keeps beside its file."""

FileIdentity = tuple[int, int] | None
"""Device and inode, which tell one file from another; None if there is no file."""


def identity_of(path: Path | str) -> FileIdentity:
    """Which file is at `path` now. Blocks."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def beside_of(path: Path) -> tuple[FileIdentity, ...]:
    """Which files SQLite keeps beside the one at `path` now. Blocks."""
    name = os.fspath(path)  # new paths take longer to make than files to look at
    return tuple(identity_of(name + ending) for ending in BESIDE)


def unlink_beside(path: Path, identities: tuple[FileIdentity, ...]) -> None:
    """Take the names from the files beside a file that is gone itself, if they are still those. Blocks.

    SQLite would read them as those of the next file at `path`, and damage it.
    """
    for beside, identity in zip(_beside(path), identities, strict=True):
        if identity is not None and identity_of(beside) == identity:
            with suppress(OSError):
                beside.unlink()


def copy_entries(source: sqlite3.Connection, target: sqlite3.Connection) -> int:
    """Copy conversations, sums and caps, as far as they can be read, and return how many conversations.

    An entry that `target` has already is overwritten if its outcome is unknown there. Blocks.

    Raises:
        sqlite3.Error: `target` cannot be written; what was copied before stays.
    """
    copied = _copy(source, target, "conversations", ("id",), "conversations.outcome = 'unknown'")
    more = "excluded.conversations > free_conversations.conversations"
    _copy(source, target, "free_conversations", ("hour", "outcome"), more)
    _copy(source, target, "caps", ("alias", "slug"), "excluded.until > caps.until")
    _copy(source, target, "account_caps", ("account", "slug"), "excluded.until > account_caps.until")
    return copied


def _copy(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, key: tuple[str, ...], overwrite: str
) -> int:
    found = _columns(source, table)  # a file of an earlier version has fewer of them
    names = [name for name in _columns(target, table) if name in found]
    if not names:
        return 0
    columns, marks = ", ".join(names), ", ".join("?" * len(names))
    values = ", ".join(f"{name} = excluded.{name}" for name in names)
    into = (
        f"INSERT INTO {table} ({columns}) VALUES ({marks}) "  # noqa: S608 - names are our own
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {values} WHERE {overwrite}"
    )
    copied = 0
    for rows in _readable(source, f"SELECT {columns} FROM {table}"):  # noqa: S608
        target.execute("BEGIN IMMEDIATE")
        try:
            target.executemany(into, rows)
            target.execute("COMMIT")
        except BaseException:
            if target.in_transaction:
                target.execute("ROLLBACK")
            raise
        copied += len(rows)
    return copied


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Empty if it has no such table, or that cannot be read."""
    with suppress(sqlite3.DatabaseError):
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    return []


def _readable(source: sqlite3.Connection, query: str) -> Iterator[list[tuple[object, ...]]]:
    """What the query gives, some rows at a time, up to where the file is damaged."""
    with suppress(sqlite3.DatabaseError):
        cursor = source.execute(query)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows


def close_removed(connection: sqlite3.Connection, path: Path) -> None:
    """Close a connection to a file that is no longer at `path`. Blocks.

    SQLite then removes the files beside it by their names, and would take those of the new file.
    """
    kept = [(beside, beside.with_name(f"{beside.name}.kept")) for beside in _beside(path) if beside.exists()]
    for beside, aside in kept:
        beside.replace(aside)
    try:
        connection.close()
    finally:
        for beside, aside in kept:
            aside.replace(beside)


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in BESIDE]
