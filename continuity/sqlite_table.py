"""The answers in one SQLite file, for one instance of the service: hashes and ids, no word of what was said.

Answers are written a moment after they are added, many together. The last ones before a `kill -9` may be
lost: then a conversation begins anew.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from continuity.fingerprint import Fingerprint
from continuity.table import MOST_LOOKED_AT, Bounds, Known, Node, TableFailed, chosen, read, written
from runtime import BackgroundTasks, ClockTrust, SqliteFailed, SqliteFile, transaction

T = TypeVar("T")

log = logging.getLogger("pandora")

GATHER_SECONDS: Final = 0.25
"""How long answers are gathered that are written together,"""
MOST_GATHERED: Final = 500
"""or how many of them."""
PRUNE_SECONDS: Final = 3600.0
"""How often what is too old is deleted,"""
PRUNE_ANSWERS: Final = 200
"""and after how many answers what is too much."""
SCHEMA: Final = """
    CREATE TABLE answers (
        number INTEGER PRIMARY KEY,
        owner TEXT NOT NULL, strict TEXT NOT NULL, tolerant TEXT NOT NULL,
        home TEXT NOT NULL, conversation_id TEXT NOT NULL, message_id TEXT NOT NULL,
        told TEXT NOT NULL, nonce TEXT NOT NULL, tokens INTEGER NOT NULL, at REAL NOT NULL,
        taken INTEGER NOT NULL DEFAULT 0
    );
    CREATE UNIQUE INDEX answers_strict ON answers (owner, strict, conversation_id);
    CREATE INDEX answers_tolerant ON answers (owner, tolerant);
"""
COLUMNS: Final = "owner, strict, tolerant, home, conversation_id, message_id, told, nonce, tokens, at"
INSERT: Final = f"INSERT OR REPLACE INTO answers ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
FIND: Final = (
    f"SELECT {COLUMNS}, taken FROM answers WHERE owner = ? AND {{}} = ? AND at >= ? "  # noqa: S608 - constants
    f"ORDER BY number LIMIT {MOST_LOOKED_AT + 1}"
)
FIND_STRICT: Final = FIND.format("strict")
FIND_TOLERANT: Final = FIND.format("tolerant")
THIS: Final = "owner = ? AND strict = ? AND conversation_id = ?"
TAKE: Final = f"UPDATE answers SET taken = 1 WHERE {THIS} AND NOT taken"  # noqa: S608 - constants
FORGET: Final = f"DELETE FROM answers WHERE {THIS}"  # noqa: S608 - constants
TOO_MANY: Final = (
    "DELETE FROM answers WHERE number <= "
    "(SELECT number FROM answers WHERE owner = ? ORDER BY number DESC LIMIT 1 OFFSET ?) AND owner = ?"
)
TOO_MANY_IN_ALL: Final = (
    "DELETE FROM answers WHERE number <= (SELECT number FROM answers ORDER BY number DESC LIMIT 1 OFFSET ?)"
)


class SqliteConversations:
    """The table in the file at `path`. `clock` gives Unix seconds."""

    def __init__(
        self, path: Path, bounds: Bounds | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._file = SqliteFile(path, [SCHEMA], durable=False, expendable=True)
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._trust = ClockTrust("conversations", clock)
        self._tasks = BackgroundTasks()
        self._gathered: list[Node] = []
        self._timer: asyncio.TimerHandle | None = None  # when they are written
        self._pruned = float("-inf")
        self._added: dict[str, int] = {}  # by owner, since the last time

    async def add(self, node: Node) -> None:
        """See `ConversationTable`; what cannot be written is told by the log, or by whoever asks next."""
        self._gathered.append(node)
        if len(self._gathered) >= MOST_GATHERED:
            await self._write()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._write_in_background)

    async def take(self, owner: str, fingerprint: Fingerprint) -> Node | None:
        """See `ConversationTable`."""
        await self._write()
        return await self._in_thread(lambda connection: self._take(connection, owner, fingerprint))

    async def forget(self, node: Node) -> None:
        """See `ConversationTable`."""
        await self._write()
        await self._in_thread(lambda connection: connection.execute(FORGET, _name(node)))

    async def close(self) -> None:
        """See `ConversationTable`."""
        await self._write_or_log()
        await self._tasks.wait()
        await self._file.close()

    def _write_in_background(self) -> None:
        self._tasks.start(self._write_or_log())

    async def _write_or_log(self) -> None:
        try:
            await self._write()
        except TableFailed as error:
            log.error("conversations could not be kept: %s", error)

    async def _write(self) -> None:
        """Write what was gathered; whoever uses the file after this call does so after it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if nodes := self._gathered:
            self._gathered = []
            await self._in_thread(lambda connection: self._put(connection, nodes))

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._file.run(work)
        except SqliteFailed as error:
            raise TableFailed(str(error)) from None

    def _put(self, connection: sqlite3.Connection, nodes: Sequence[Node]) -> None:
        with transaction(connection):
            connection.executemany(INSERT, map(written, nodes))
            for node in nodes:
                self._added[node.owner] = self._added.get(node.owner, 0) + 1
            self._prune(connection)

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Delete what is too old, and the oldest of what is too much."""
        if not 0 <= self._clock() - self._pruned < PRUNE_SECONDS:
            self._pruned = self._clock()
            begin, end = self._trust.witness_times()
            witnessed, older = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM answers WHERE at >= ? AND at < ?), "
                "EXISTS (SELECT 1 FROM answers WHERE at < ?)",
                (begin, end, begin),
            ).fetchone()
            if self._trust.allows_deletion(witnessed=bool(witnessed), older=bool(older)):
                connection.execute("DELETE FROM answers WHERE at < ?", (self._oldest_wanted(),))
        if sum(self._added.values()) >= min(PRUNE_ANSWERS, self._bounds.per_owner):
            for owner in self._added:
                connection.execute(TOO_MANY, (owner, self._bounds.per_owner, owner))
            connection.execute(TOO_MANY_IN_ALL, (self._bounds.answers,))
            self._added.clear()

    def _take(self, connection: sqlite3.Connection, owner: str, fingerprint: Fingerprint) -> Node | None:
        oldest = self._oldest_wanted()
        strict = connection.execute(FIND_STRICT, (owner, fingerprint.strict, oldest)).fetchall()
        similar = []
        if not strict:
            similar = connection.execute(FIND_TOLERANT, (owner, fingerprint.tolerant, oldest)).fetchall()
        if max(len(strict), len(similar)) > MOST_LOOKED_AT:
            return None
        node = chosen(_known(strict), _known(similar))
        if node is not None:
            connection.execute(TAKE, _name(node))
        return node

    def _oldest_wanted(self) -> float:
        return self._clock() - self._bounds.seconds


def _name(node: Node) -> tuple[str, str, str]:
    return node.owner, node.fingerprint.strict, node.place.conversation_id


def _known(rows: Sequence[Sequence[Any]]) -> list[Known]:
    return [Known(read(fields), bool(taken)) for *fields, taken in rows]
