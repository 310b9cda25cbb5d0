"""Kept responses in one SQLite file."""

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from kept.records import KeptResponse, read, written
from kept.sqlite_conversations import SqliteConversations
from kept.sqlite_file import KeptFile
from kept.store import TOO_LARGE, KeepingFailed, KeptBounds
from translate.values import JsonObject, text_at


class SqliteResponses:
    """The store in the file at `path`. `clock` gives Unix seconds."""

    def __init__(self, path: Path, bounds: KeptBounds, clock: Callable[[], float] = time.time) -> None:
        self._bounds = bounds
        self._file = KeptFile(path, bounds, clock)
        self.conversations = SqliteConversations(self._file)

    async def put(self, record: KeptResponse) -> None:
        """See `ResponseStore`."""
        await self._file.change(lambda connection: self._put(connection, record))

    async def get(self, owner: str, id: str) -> KeptResponse | None:
        """See `ResponseStore`."""
        return await self._file.run(lambda connection: self._get(connection, owner, id))

    async def delete(self, owner: str, id: str) -> bool:
        """See `ResponseStore`."""
        return await self._file.run(
            lambda connection: (
                connection.execute("DELETE FROM responses WHERE id = ? AND owner = ?", (id, owner)).rowcount
                > 0
            )
        )

    async def output_items(self, owner: str, ids: Collection[str]) -> Mapping[str, JsonObject]:
        """See `ResponseStore`."""
        return await self._file.run(lambda connection: self._items(connection, owner, ids))

    async def close(self) -> None:
        """See `ResponseStore`."""
        await self._file.close()

    def _put(self, connection: sqlite3.Connection, record: KeptResponse) -> None:
        data = written(record)
        if len(data) > self._bounds.largest:
            raise KeepingFailed(TOO_LARGE)
        connection.execute(
            "INSERT OR REPLACE INTO responses (id, owner, at, size, record) VALUES (?, ?, ?, ?, ?)",
            (record.id, record.owner, record.at, len(data), data),
        )
        connection.executemany(
            "INSERT OR REPLACE INTO items (id, owner, response) VALUES (?, ?, ?)",
            [(id, record.owner, record.id) for id in record.output_ids],
        )
        self._file.prune(connection)

    def _get(self, connection: sqlite3.Connection, owner: str, id: str) -> KeptResponse | None:
        found = connection.execute(
            "SELECT record FROM responses WHERE id = ? AND owner = ? AND at >= ?",
            (id, owner, self._file.oldest_wanted),
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
