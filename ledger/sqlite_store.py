"""The ledger in one SQLite file, for one instance of the service.

In WAL mode with full synchronisation: what was committed survives a crash of the machine. All writing is done
by one thread; reading uses a connection of its own and does not delay the writing.

If the file is removed or replaced while it is open, what would be written next could be read by nobody. So
before and after each piece of work the store looks whether its file is still there; if not, it opens what is
there now, or a new file, and brings along all that the old one held.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from ledger.limits import HOUR
from ledger.records import (
    FREE_OUTCOMES,
    Capped,
    Counted,
    Posted,
    Record,
    Settled,
    Subject,
    UsageRow,
    free_alias,
)
from ledger.sqlite_file import MIGRATIONS, open_file, reading, schema_of, store_errors, write_nothing
from ledger.sqlite_rescue import (
    FileIdentity,
    beside_of,
    close_removed,
    copy_entries,
    identity_of,
    unlink_beside,
)
from ledger.store import (
    GO_BACK,
    MAX_UNSETTLED,
    AccountRecord,
    PendingRecord,
    RecentRecords,
    StoreDecision,
    StoreError,
    refuse_schema,
)
from runtime import SMALL_FILES

T = TypeVar("T")
_Rows = list[tuple[object, ...]]

log = logging.getLogger("pandora")

ROWS_LOADED_AT_ONCE: Final = 200
"""Thousands at once would hold up the event loop when they are counted."""
ROWS_DELETED_AT_ONCE: Final = 500
"""Records that come meanwhile are stored in between."""

_INSERT: Final = """INSERT OR IGNORE INTO conversations
    (id, at, alias, model, slug, units, windowed, message_id, account) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_SETTLE: Final = """UPDATE conversations
    SET outcome = ?, served = ?, conversation_id = ?, duration = ?, ttft = ?
    WHERE id = ? AND outcome = 'unknown'"""
_COUNT_FREE: Final = f"""INSERT INTO free_conversations (hour, outcome, conversations)
    SELECT CAST(at / {HOUR} AS INTEGER) * {HOUR}, ?, 1 FROM conversations WHERE id = ? AND outcome = 'unknown'
    ON CONFLICT DO UPDATE SET conversations = conversations + 1"""  # noqa: S608 - a number of ours
_REMOVE: Final = "DELETE FROM conversations WHERE id = ? AND outcome = 'unknown'"
_COUNT: Final = "UPDATE conversations SET prompt_tokens = ?, completion_tokens = ? WHERE id = ?"
_CAP: Final = "INSERT OR REPLACE INTO caps (alias, slug, until) VALUES (?, ?, ?)"
_CAP_ACCOUNT: Final = "INSERT OR REPLACE INTO account_caps (account, slug, until) VALUES (?, ?, ?)"
_SELECT: Final = "SELECT id, at, alias, model, slug, units, windowed, message_id, account FROM conversations"
_FREE: Final = f"outcome IN ({', '.join(repr(outcome.value) for outcome in sorted(FREE_OUTCOMES))})"
_RECENT: Final = f"""{_SELECT} WHERE (at, id) > (?, ?) AND NOT {_FREE}
    ORDER BY at, id LIMIT {ROWS_LOADED_AT_ONCE}"""
_USAGE: Final = f"""SELECT
    CAST((at - :offset) / :bucket AS INTEGER) * :bucket + :offset AS start, model, alias,
    COUNT(*), SUM({_FREE}), SUM(outcome = 'unknown'), SUM(units), SUM(prompt_tokens), SUM(completion_tokens),
    %s FROM conversations WHERE at >= :since AND at < :until AND (:alias IS NULL OR alias = :alias)
    GROUP BY 1, 2, 3, 10"""  # noqa: S608 - both names are ours
_HAS_ACCOUNT: Final = "SELECT 1 FROM pragma_table_info('conversations') WHERE name = 'account'"
"""Whether a version that knows accounts of the operator's has written the file."""
_HAS_FREE: Final = "SELECT 1 FROM sqlite_master WHERE name = 'free_conversations'"
"""Whether a version that counts them has written the file."""
_FREE_USAGE: Final = """SELECT
    CAST((hour - :offset) / :bucket AS INTEGER) * :bucket + :offset, outcome, SUM(conversations)
    FROM free_conversations WHERE hour >= :since AND hour < :until GROUP BY 1, 2"""
_CAPS: Final = """SELECT alias, slug, until, '' FROM caps WHERE until > :since
    UNION ALL SELECT '', slug, until, account FROM account_caps WHERE until > :since"""
_DELETE: Final = f"""DELETE FROM conversations WHERE id IN
    (SELECT id FROM conversations WHERE at < ? ORDER BY at LIMIT {ROWS_DELETED_AT_ONCE})"""  # noqa: S608
_ANY_BETWEEN: Final = """SELECT
    EXISTS (SELECT 1 FROM conversations WHERE at >= :begin AND at < :end)
    OR EXISTS (SELECT 1 FROM free_conversations WHERE hour >= :begin AND hour < :end)"""


class SqliteStore:
    """The store in the file at `path`.

    `day_offset` is where in a day (UTC) its quota begins, in seconds. `open_file` gives a connection to the
    file, and is called again after each failure. `fingerprint` tells the secret of the names of keys from
    others: the file remembers it, so that it can be seen whether both belong together.
    """

    shared = False
    """No other instance uses it."""
    incomplete = False
    """What it has lost is known to nobody."""

    def __init__(
        self,
        path: Path,
        day_offset: int = 0,
        *,
        open_file: Callable[[Path], sqlite3.Connection] = open_file,
        fingerprint: str = "",
    ) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._day_offset = day_offset
        self._open_file = open_file
        self._connection: sqlite3.Connection | None = None
        self._identity: FileIdentity = None
        self._beside: tuple[FileIdentity, ...] = (None, None)
        self._removed: list[sqlite3.Connection] = []
        """Connections to files that are gone, from which nothing was brought along yet."""
        self._writer = ThreadPoolExecutor(1, "ledger")
        self._closed = False

    async def refuse_newer(self) -> None:
        """See `Store`."""
        await SMALL_FILES.run(self._refuse_newer)

    async def load(self, since: float, after: str = "") -> RecentRecords:
        """See `Store`."""
        return await self._in_writer(lambda connection: _recent(connection, since, after))

    async def write(self, pending: Sequence[PendingRecord]) -> Sequence[StoreDecision | None]:
        """See `Store`; it decides nothing."""
        records = [each.record for each in pending]
        await self._in_writer(lambda connection: _commit(connection, records))
        return [None] * len(pending)

    async def usage(self, since: float, until: float, bucket: int, alias: str | None) -> list[UsageRow]:
        """See `Store`. It reads the file beside whoever writes it."""
        wanted = {
            "since": since, "until": until, "bucket": bucket, "alias": alias, "offset": self._day_offset
        }  # fmt: skip
        return await SMALL_FILES.run(self._read_usage, wanted)

    async def accounts(self, messages: Mapping[str, int], day: int) -> Mapping[str, AccountRecord]:
        """See `Store`: there is nothing."""
        return {}

    async def total(self, day: int) -> int | None:
        """See `Store`: there are no others."""
        return None

    async def fullest_window(self, now: float) -> None:
        """See `Store`: there are no others."""

    async def unsettled(self, owner: Subject, before: float) -> list[Posted]:
        """See `Store`."""
        whose = "account = ?" if owner.is_account else "account = '' AND alias = ?"
        clause = f"WHERE outcome = 'unknown' AND {whose} AND at < ? ORDER BY at DESC LIMIT {MAX_UNSETTLED}"
        query, values = f"{_SELECT} {clause}", (owner.name, before)
        return await self._in_writer(lambda connection: _posted(connection.execute(query, values)))

    async def delete_before(self, before: float) -> None:
        """See `Store`."""
        deleted = ROWS_DELETED_AT_ONCE
        while deleted == ROWS_DELETED_AT_ONCE:
            deleted = await self._in_writer(lambda connection: _delete(connection, before))

    async def any_between(self, begin: float, end: float) -> bool:
        """See `Store`."""
        between = {"begin": begin, "end": end}
        return await self._in_writer(
            lambda connection: bool(connection.execute(_ANY_BETWEEN, between).fetchone()[0])
        )

    async def check(self, *, write: bool) -> None:
        """See `Store`."""
        await self._in_writer(write_nothing if write else lambda _: None)

    async def close(self) -> None:
        """Close the file."""
        if not self._closed:
            if self._connection is not None or self._removed:
                with suppress(StoreError):
                    await self.check(write=False)
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._writer, self._close)
            self._writer.shutdown(wait=False)

    async def _in_writer(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in the thread that writes; after a failure it begins with a new connection."""

        def guarded() -> T:
            try:
                with store_errors(self._path):
                    result = work(self._current())
                    self._current()  # what was written to a file that is gone by now is brought along
                    self._beside = beside_of(self._path)
                    return result
            except StoreError:
                self._disconnect()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._writer, guarded)

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that is at the path now, with all that earlier files held."""
        if self._connection is not None and not self._is_in_place():
            log.error("%s was removed or replaced while it was in use", self._path.name)
            self._disconnect()
        if self._connection is None:
            self._connection = self._open_file(self._path)
            self._note_fingerprint(self._connection)
            self._identity, self._beside = identity_of(self._path), beside_of(self._path)
        while self._removed:
            saved = copy_entries(self._removed[-1], self._connection)
            close_removed(self._removed.pop(), self._path)
            log.warning("%s is there again, with %d entries of the old one", self._path.name, saved)
        return self._connection

    def _is_in_place(self) -> bool:
        """Whether the open file is the one at the path."""
        return self._identity is not None and identity_of(self._path) == self._identity

    def _disconnect(self) -> None:
        if self._connection is None:
            return
        if self._is_in_place():
            self._connection.close()
        else:
            unlink_beside(self._path, self._beside)
            self._removed.append(self._connection)
        self._connection = None

    def _close(self) -> None:
        self._disconnect()
        for connection in self._removed:
            close_removed(connection, self._path)

    def _note_fingerprint(self, connection: sqlite3.Connection) -> None:
        known = [fingerprint for (fingerprint,) in connection.execute("SELECT fingerprint FROM secrets_used")]
        if not self._fingerprint or self._fingerprint in known:
            return
        connection.execute("INSERT INTO secrets_used VALUES (?, ?)", (self._fingerprint, time.time()))
        if known:
            log.error(
                "%s was written with another secret: keys without an alias have new names from now on. "
                "'%s' brings back both as they belong together",
                self._path.name,
                GO_BACK,
            )

    def _refuse_newer(self) -> None:
        if self._path.exists():
            with store_errors(self._path), reading(self._path) as connection:
                refuse_schema(self._path.name, schema_of(connection), len(MIGRATIONS))

    def _read_usage(self, wanted: Mapping[str, object]) -> list[UsageRow]:
        if not self._path.exists():
            return []
        with store_errors(self._path), reading(self._path) as connection:
            account = "account" if connection.execute(_HAS_ACCOUNT).fetchone() else "''"
            rows = [UsageRow(*row) for row in connection.execute(_USAGE % account, wanted)]
            if wanted["alias"] is None and connection.execute(_HAS_FREE).fetchone():
                rows += [_free_row(*row) for row in connection.execute(_FREE_USAGE, wanted)]
            return sorted(rows, key=lambda row: (row.start, row.model, row.alias, row.account))


def _commit(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement, rows in _statements(records):
            if rows:
                connection.executemany(statement, rows)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(records: Sequence[Record]) -> Iterator[tuple[str, _Rows]]:
    """Statements, and the rows for which each is run: all records of a kind at once, in the order in which
    those of one conversation come.
    """
    posted: _Rows = []
    settled: _Rows = []
    free: _Rows = []
    counted: _Rows = []
    capped: _Rows = []
    capped_accounts: _Rows = []
    for record in records:
        match record:
            case Posted(id, at, alias, model, slug, units, windowed, message_id, account):
                posted.append((id, at, alias, model, slug, units, windowed, message_id, account))
            case Settled(id, outcome, served, conversation_id, duration, ttft):
                if record.free:
                    free.append((outcome, id))
                else:
                    settled.append((outcome, served, conversation_id, duration, ttft, id))
            case Counted(id, prompt, completion):
                counted.append((prompt, completion, id))
            case Capped(_, slug, until, account) if account:
                capped_accounts.append((account, slug, until))
            case Capped(alias, slug, until):
                capped.append((alias, slug, until))
    yield _INSERT, posted
    yield _SETTLE, settled
    for row in free:
        yield _COUNT_FREE, [row]
        yield _REMOVE, [row[1:]]
    yield _COUNT, counted
    yield _CAP, capped
    yield _CAP_ACCOUNT, capped_accounts


def _free_row(start: int, outcome: str, conversations: int) -> UsageRow:
    return UsageRow(start, "", free_alias(outcome), conversations, conversations, 0, 0, 0, 0)


def _delete(connection: sqlite3.Connection, before: float) -> int:
    """Delete some of what is older; gives how many conversations it were."""
    connection.execute("DELETE FROM free_conversations WHERE hour < ?", (before,))
    return connection.execute(_DELETE, (before,)).rowcount


def _recent(connection: sqlite3.Connection, since: float, after: str) -> RecentRecords:
    posted = _posted(connection.execute(_RECENT, (since, after)))
    if posted:
        return RecentRecords(posted)
    caps = connection.execute(_CAPS, {"since": since})
    return RecentRecords((), [Capped(*row) for row in caps])


def _posted(rows: sqlite3.Cursor) -> list[Posted]:
    return [Posted(*row) for row in rows]
