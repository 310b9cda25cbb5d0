"""Kept conversations in the SQLite file of the responses."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from kept.records import (
    KeptConversation,
    Page,
    Standing,
    WrittenItem,
    page_of,
    read_standing,
    written_items,
    written_standing,
)
from kept.sqlite_file import KeptFile
from kept.store import ConversationFull
from translate.values import JsonObject, json_bytes, parsed_json

NEWEST_FIRST: Final = (
    "SELECT item FROM conversation_items WHERE conversation = ? AND position < ? ORDER BY position DESC"
)
OLDEST_FIRST: Final = (
    "SELECT item FROM conversation_items WHERE conversation = ? AND position > ? ORDER BY position"
)
TOO_MANY: Final = """
    DELETE FROM conversations WHERE id IN (
        SELECT id FROM conversations WHERE owner = ? ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?
    )
"""
"""Deletes the oldest ones of a caller."""
LAST: Final = (1 << 63) - 1
"""The last position that there can be."""


class SqliteConversations:
    """The conversations in `file`."""

    def __init__(self, file: KeptFile) -> None:
        self._file = file

    async def create(self, conversation: KeptConversation, items: Sequence[JsonObject]) -> None:
        """See `ConversationStore`."""

        def work(connection: sqlite3.Connection) -> None:
            standing, metadata = written_standing(conversation.standing), json_bytes(conversation.metadata)
            connection.execute(
                "INSERT INTO conversations (id, owner, at, size, created, version, metadata, standing) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(conversation.id, conversation.owner, self._file.clock()),
                    len(standing) + len(metadata),
                    *(conversation.created, conversation.version, metadata, standing),
                ),
            )
            connection.execute(TOO_MANY, (conversation.owner, self._file.bounds.conversations))
            self._add(connection, conversation.id, written_items(items))

        await self._file.change(work)

    async def get(self, owner: str, id: str) -> KeptConversation | None:
        """See `ConversationStore`."""
        return await self._file.run(lambda connection: self._get(connection, owner, id))

    async def describe(self, owner: str, id: str, metadata: Mapping[str, str]) -> bool:
        """See `ConversationStore`."""

        def work(connection: sqlite3.Connection) -> bool:
            if self._get(connection, owner, id) is None:
                return False
            connection.execute(
                "UPDATE conversations SET metadata = ?1, at = ?2, "
                "size = size - length(metadata) + length(?1) WHERE id = ?3",
                (json_bytes(metadata), self._file.clock(), id),
            )
            return True

        return await self._file.change(work)

    async def delete(self, owner: str, id: str) -> bool:
        """See `ConversationStore`."""

        def work(connection: sqlite3.Connection) -> bool:
            found = connection.execute("DELETE FROM conversations WHERE id = ? AND owner = ?", (id, owner))
            return found.rowcount > 0

        return await self._file.change(work)

    async def append(
        self,
        owner: str,
        id: str,
        items: Sequence[JsonObject],
        standing: Standing | None = None,
        seen: int | None = None,
    ) -> bool:
        """See `ConversationStore`."""

        def work(connection: sqlite3.Connection) -> bool:
            if (found := self._get(connection, owner, id)) is None:
                return False
            self._stand(connection, id, standing if found.version == seen else None)
            self._add(connection, id, written_items(items))
            return True

        return await self._file.change(work)

    async def remove(self, owner: str, id: str, item_id: str) -> bool:
        """See `ConversationStore`."""

        def work(connection: sqlite3.Connection) -> bool:
            if self._get(connection, owner, id) is None:
                return False
            gone = connection.execute(
                "DELETE FROM conversation_items WHERE conversation = ? AND id = ? RETURNING size",
                (id, item_id),
            ).fetchone()
            if gone is None:
                return False
            self._stand(connection, id, None)
            self._changed(connection, id, -gone[0])
            return True

        return await self._file.change(work)

    async def item(self, owner: str, id: str, item_id: str) -> JsonObject | None:
        """See `ConversationStore`."""

        def work(connection: sqlite3.Connection) -> JsonObject | None:
            if self._get(connection, owner, id) is None:
                return None
            found = connection.execute(
                "SELECT item FROM conversation_items WHERE conversation = ? AND id = ?", (id, item_id)
            ).fetchone()
            item: JsonObject | None = parsed_json(found[0]) if found else None
            return item

        return await self._file.run(work)

    async def items(
        self, owner: str, id: str, *, limit: int, after: str = "", newest_first: bool = False
    ) -> Page | None:
        """See `ConversationStore`."""

        def work(connection: sqlite3.Connection) -> Page | None:
            if self._get(connection, owner, id) is None:
                return None
            begin = LAST if newest_first else -1
            if after:
                place = connection.execute(
                    "SELECT position FROM conversation_items WHERE conversation = ? AND id = ?", (id, after)
                ).fetchone()
                if place is None:
                    return None
                begin = place[0]
            rows = connection.execute(NEWEST_FIRST if newest_first else OLDEST_FIRST, (id, begin))
            return page_of((data for (data,) in rows), limit, self._file.bounds.largest)

        return await self._file.run(work)

    async def all_items(self, owner: str, id: str) -> Sequence[JsonObject]:
        """See `ConversationStore`."""

        def work(connection: sqlite3.Connection) -> Sequence[JsonObject]:
            if self._get(connection, owner, id) is None:
                return ()
            return [parsed_json(data) for (data,) in connection.execute(OLDEST_FIRST, (id, -1))]

        return await self._file.run(work)

    def _get(self, connection: sqlite3.Connection, owner: str, id: str) -> KeptConversation | None:
        found = connection.execute(
            "SELECT created, metadata, standing, version, size, "
            "(SELECT COUNT(*) FROM conversation_items WHERE conversation = conversations.id) "
            "FROM conversations WHERE id = ? AND owner = ? AND at >= ?",
            (id, owner, self._file.oldest_wanted),
        ).fetchone()
        if found is None:
            return None
        created, metadata, standing, version, size, count = found
        return KeptConversation(
            id=id,
            owner=owner,
            created=created,
            metadata=parsed_json(metadata),
            standing=read_standing(standing),
            version=version,
            room=self._file.bounds.conversation - size,
            free=self._file.bounds.items - count,
        )

    def _stand(self, connection: sqlite3.Connection, id: str, standing: Standing | None) -> None:
        connection.execute(
            "UPDATE conversations SET standing = ?1, "
            "size = size - length(standing) + length(?1) WHERE id = ?2",
            (written_standing(standing), id),
        )

    def _add(self, connection: sqlite3.Connection, id: str, items: Sequence[WrittenItem]) -> None:
        """Put items behind the others. Raises ConversationFull."""
        connection.executemany(
            "INSERT INTO conversation_items (id, conversation, size, item) VALUES (?, ?, ?, ?)",
            [(item.id, id, item.size, item.data) for item in items],
        )
        self._changed(connection, id, sum(item.size for item in items))
        size, count = connection.execute(
            "SELECT size, (SELECT COUNT(*) FROM conversation_items WHERE conversation = ?1) "
            "FROM conversations WHERE id = ?1",
            (id,),
        ).fetchone()
        if size > self._file.bounds.conversation or count > self._file.bounds.items:
            raise ConversationFull
        self._file.prune(connection)

    def _changed(self, connection: sqlite3.Connection, id: str, bytes_more: int) -> None:
        connection.execute(
            "UPDATE conversations SET size = size + ?, version = version + 1, at = ? WHERE id = ?",
            (bytes_more, self._file.clock(), id),
        )
