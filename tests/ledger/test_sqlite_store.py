"""The ledger in a file: restarts, damage, a full disk, a lock, files of other versions."""

import asyncio
import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from accounts import Caller
from ledger import DAY, KeyNames, Limits, SqliteStore
from ledger.limits import LimitReached
from ledger.records import Capped, Settled
from ledger.sqlite_file import MIGRATIONS, open_file
from ledger.sqlite_rescue import copy_entries
from ledger.store import PendingRecord
from metrics import Attempt
from tests.eventually import eventually
from tests.ledger.entries import IMPATIENT, WINDOW, caught_up, converse, ledger_over, posted, units
from tests.runtime.disk import full_disk

open_impatiently = partial(open_file, busy_seconds=0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


async def test_entries_are_there_after_a_restart(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        await converse(ledger, Attempt.REFUSED)
        await ledger.post(posted())
    async with ledger_over(SqliteStore(path)) as ledger:
        now = time.time()
        free, row = await ledger.usage(now - DAY, now + DAY)
        assert (free.alias, free.conversations, free.free, free.units) == ("(refused)", 1, 1, 0)
        assert (row.units, row.conversations, row.free, row.unknown) == (28, 2, 0, 1)
        assert (row.prompt_tokens, row.completion_tokens) == (10, 20)
    async with ledger_over(SqliteStore(path), Limits(window=WINDOW, per_day=40)) as ledger:
        with pytest.raises(LimitReached):
            await ledger.post(posted())


async def test_entry_is_on_the_disk_before_post_returns(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        entry = posted()
        await ledger.post(entry)
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT id, outcome FROM conversations").fetchall() == [
                (entry.id, "unknown")
            ]
        await ledger.settle(entry, Settled(entry.id, Attempt.OK))
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT outcome FROM conversations").fetchall() == [("ok",)]


async def test_what_cost_nothing_is_a_sum_that_names_nobody(path: Path) -> None:
    begin = time.time()
    async with ledger_over(SqliteStore(path)) as ledger:
        for number in range(50):
            await converse(ledger, Attempt.REFUSED, alias=f"k-{number}")
            await converse(ledger, Attempt.UNSENT, alias=f"k-{number}")
        await converse(ledger)
        rows = await ledger.usage(begin - DAY, begin + DAY, by_hour=True)
        own = await ledger.usage(begin - DAY, begin + DAY, alias="k-1")
    sums = {row.alias: row.free for row in rows if row.alias.startswith("(")}
    if len(rows) == 3:  # else the hour has changed meanwhile
        assert sums == {"(refused)": 50, "(unsent)": 50}
    assert sum(row.conversations for row in rows) == 101
    assert own == []
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT alias FROM conversations").fetchall() == [("alice",)]
        assert file.execute("SELECT COUNT(*) FROM free_conversations").fetchone()[0] <= 4


async def test_step_that_is_repeated_counts_once(path: Path) -> None:
    store = SqliteStore(path)
    async with ledger_over(store) as ledger:
        entry = await converse(ledger, Attempt.REFUSED)
        await store.write([PendingRecord(Settled(entry.id, Attempt.REFUSED))] * 3)
        (row,) = await ledger.usage(entry.at - DAY, entry.at + DAY)
    assert (row.alias, row.conversations, row.free) == ("(refused)", 1, 1)


async def test_no_secret_and_no_text_is_in_the_file(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        names = KeyNames(b"s" * 32, {"fk-bob": "bob"})
        await converse(ledger, alias=names.alias(Caller("fk-very-secret")))
        await converse(ledger, alias=names.alias(Caller("fk-bob")))
    assert b"fk-" not in path.read_bytes()  # noqa: ASYNC240


async def test_file_of_an_older_version_is_brought_up_to_date(path: Path) -> None:
    with closing(sqlite3.connect(path)) as old:
        old.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
        columns = "id, at, alias, model, slug, units, windowed, message_id, outcome"
        for values in (
            ("old", time.time(), "alice", "gpt-4-s", "gpt-4", 14, 1, "", "ok"),
            ("free", time.time(), "alice", "gpt-4-s", "gpt-4", 0, 1, "", "refused"),
        ):
            old.execute(f"INSERT INTO conversations ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        old.commit()
    rows = await SqliteStore(path).usage(0, time.time() + DAY, DAY, None)  # it is only read
    assert [(row.alias, row.units, row.free) for row in rows] == [("alice", 14, 1)]
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        assert await units(ledger) == 28


async def test_file_of_a_newer_version_is_left_alone_and_answers_go_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        assert ledger.failing
    assert "newer version" in caplog.text
    with closing(sqlite3.connect(path)) as untouched:
        assert untouched.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)


def become_newer(path: Path) -> None:
    """Let a newer version have written the file."""
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")


def version_and_entries(path: Path) -> tuple[int, list[str]]:
    """What another program sees in the file."""
    with closing(sqlite3.connect(path)) as other:
        (version,) = other.execute("PRAGMA user_version").fetchone()
        return version, sorted(id for (id,) in other.execute("SELECT id FROM conversations"))


async def test_newer_file_in_the_place_of_the_open_one_is_left_alone_and_ends_the_service(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newer = path.with_name("newer")
    open_file(newer).close()
    become_newer(newer)
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        newer.replace(path)
        await converse(ledger)
        async with asyncio.timeout(20):
            await ledger.wait_until_refused()
        await converse(ledger)
    assert "the service has to end: ledger.sqlite3 has schema 99, of a newer version" in caplog.text
    assert version_and_entries(path) == (99, [])


async def test_file_that_another_version_has_locked_and_made_newer_is_not_written_any_more(
    path: Path,
) -> None:
    store = SqliteStore(path, open_file=open_impatiently)
    async with ledger_over(store) as ledger:
        first = await converse(ledger)
        with closing(sqlite3.connect(path, isolation_level=None)) as newer:
            newer.execute("BEGIN IMMEDIATE")
            await converse(ledger)
            assert ledger.failing
            newer.execute("PRAGMA user_version = 99")
            newer.execute("COMMIT")
        async with asyncio.timeout(20):
            await ledger.wait_until_refused()
    assert version_and_entries(path) == (99, [first.id])


async def test_trying_whether_a_file_can_be_written_leaves_the_number_of_a_newer_version_as_it_is(
    path: Path,
) -> None:
    async with ledger_over(SqliteStore(path), journal_limits=replace(IMPATIENT, check_pause=0)) as ledger:
        entry = await converse(ledger)
        become_newer(path)
        assert await ledger.ready()
    assert version_and_entries(path) == (99, [entry.id])


@pytest.mark.parametrize("damage", ["no database", "a torn page"])
async def test_damaged_file_is_put_aside_and_the_ledger_goes_on(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        await asyncio.gather(*(ledger.post(posted()) for _ in range(200)))
        await converse(ledger)
    content = bytearray(path.read_bytes())  # noqa: ASYNC240
    if damage == "no database":
        content[:] = b"not a database at all " * 500
    else:
        content[-8192:-4096] = b"\xff" * 4096
    path.write_bytes(content)  # noqa: ASYNC240
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        assert await units(ledger) >= 14
        assert not ledger.failing
    assert "was damaged" in caplog.text
    assert len([file for file in path.parent.iterdir() if ".damaged-" in file.name]) >= 1


async def test_locked_file_keeps_no_answer_waiting_and_is_caught_up_with(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with ledger_over(SqliteStore(path, open_file=open_impatiently)) as ledger:
        await converse(ledger)
        lock = sqlite3.connect(path, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        for _ in range(20):
            await converse(ledger)
        assert ledger.failing
        lock.execute("ROLLBACK")
        lock.close()
        assert await caught_up(ledger)
        assert await units(ledger) == 21 * 14
    assert caplog.text.count("cannot be written") == 1, "it says so once"


class Disk:
    """A disk that can be full: then a ledger's file on it does not grow."""

    def __init__(self) -> None:
        self.full = False
        self.connection: sqlite3.Connection

    def open(self, path: Path) -> sqlite3.Connection:
        """Open the file of a ledger."""
        self.connection = open_impatiently(path)
        if self.full:
            self.fill()
        return self.connection

    def fill(self) -> None:
        """Leave no space at all."""
        self.full = True
        pages = self.connection.execute("PRAGMA page_count").fetchone()[0]
        self.connection.execute(f"PRAGMA max_page_count = {pages}")


async def test_full_disk_keeps_no_answer_waiting_and_is_caught_up_with(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk()
    async with ledger_over(SqliteStore(path, open_file=disk.open)) as ledger:
        await converse(ledger)
        disk.fill()
        for _ in range(100):
            await converse(ledger)
        assert ledger.failing
        disk.full = False
        assert await caught_up(ledger)
        assert await units(ledger) == 101 * 14
    assert "full" in caplog.text


async def test_what_is_older_than_the_retention_goes(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        for days in (500, 10, 0):
            await ledger.post(posted(at=time.time() - days * DAY))
        refused = posted(at=time.time() - 500 * DAY)
        await ledger.post(refused)
        await ledger.settle(refused, Settled(refused.id, Attempt.REFUSED))
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        for _ in range(100):
            rows = await ledger.usage(0, time.time() + DAY)
            if sum(row.conversations for row in rows) == 3:
                break
            await asyncio.sleep(0.02)
        assert sum(row.conversations for row in rows) == 3


async def test_clock_that_is_a_year_ahead_deletes_nothing_even_after_a_new_entry(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        for days in (410, 405):
            await ledger.post(posted(at=time.time() - days * DAY))
    for _ in range(2):
        async with ledger_over(SqliteStore(path)) as ledger:
            await ledger.post(posted())
            await eventually(lambda: "Nothing old is deleted" in caplog.text)
        caplog.clear()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT COUNT(*) FROM conversations").fetchone() == (4,)


async def test_many_old_entries_are_deleted_while_others_are_recorded(path: Path) -> None:
    connection = open_file(path)
    old = [(f"old-{number}", time.time() - 500 * DAY + number) for number in range(20_000)]
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO conversations (id, at, alias, model, slug, units, windowed, message_id) "
        "VALUES (?, ?, 'a', 'm', 's', 1, 0, '')",
        [*old, ("witness", time.time() - 10 * DAY)],
    )
    connection.execute("COMMIT")
    connection.close()
    async with ledger_over(SqliteStore(path)) as ledger:
        while await ledger.usage(0, time.time() - 400 * DAY):
            await converse(ledger)
            assert not ledger.failing
    assert [row.conversations for row in await SqliteStore(path).usage(0, time.time() - DAY, DAY, None)] == [
        1
    ]


async def entries(store: SqliteStore) -> int:
    return sum(row.conversations for row in await store.usage(0, time.time() + DAY, DAY, None))


async def test_removed_folder_is_made_anew_with_all_that_was_in_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state" / "ledger.sqlite3"
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        under_way = posted()
        await ledger.post(under_way)
        ledger.record_cap(Capped("bob", "gpt-4", time.time() + 3600))
        await caught_up(ledger)
        shutil.rmtree(path.parent)
        await ledger.settle(under_way, Settled(under_way.id, Attempt.OK))
        await converse(ledger)
        with closing(sqlite3.connect(path)) as other:
            assert sorted(other.execute("SELECT outcome FROM conversations")) == [("ok",)] * 3
            assert other.execute("SELECT COUNT(*) FROM caps").fetchone() == (1,)
        assert not ledger.failing
        await converse(ledger)
    assert await entries(SqliteStore(path)) == 4
    assert caplog.text.count("was removed or replaced while it was in use") == 1


async def test_removed_file_is_noticed_while_nothing_is_recorded(path: Path) -> None:
    store = SqliteStore(path)
    async with ledger_over(store) as ledger:
        await converse(ledger)
        os.unlink(path)
        await store.check(write=False)
        assert await entries(SqliteStore(path)) == 1
        os.unlink(path)
    assert await entries(SqliteStore(path)) == 1, "also when the service stops"


async def test_file_that_was_put_in_the_place_of_the_open_one_keeps_its_own_entries(path: Path) -> None:
    """The open file knows the outcome of an entry that is unknown in the other one, a copy from before."""
    entry, of_others = posted(), posted("bob")
    async with ledger_over(SqliteStore(path)) as ledger:
        await ledger.post(entry)
        other = path.with_name("copy")
        with closing(sqlite3.connect(path)) as source, closing(open_file(other)) as copy:
            copy_entries(source, copy)
        async with ledger_over(SqliteStore(other)) as second:
            await second.post(of_others)
        await ledger.settle(entry, Settled(entry.id, Attempt.OK))
        other.replace(path)
        await converse(ledger)
        await converse(ledger)
    with closing(sqlite3.connect(path)) as file:
        found = dict(file.execute("SELECT id, outcome FROM conversations"))
    assert (len(found), found[entry.id], found[of_others.id]) == (4, "ok", "unknown")


async def test_folder_that_cannot_be_made_again_costs_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.sqlite3"
    async with ledger_over(SqliteStore(path), journal_limits=replace(IMPATIENT, check_pause=0)) as ledger:
        await converse(ledger)
        shutil.rmtree(path.parent)
        path.parent.write_text("a file in the place of the folder")
        await converse(ledger)
        assert ledger.failing
        assert not await ledger.ready()
        path.parent.unlink()
        await caught_up(ledger)
        assert await ledger.ready()
    assert await entries(SqliteStore(path)) == 2


async def test_disk_without_room_is_noticed_while_nothing_is_recorded(path: Path) -> None:
    async with ledger_over(SqliteStore(path), journal_limits=replace(IMPATIENT, check_pause=0)) as ledger:
        await converse(ledger)
        assert await ledger.ready()
        with full_disk(1000):
            assert not await ledger.ready()
            assert ledger.failing
        await eventually(lambda: not ledger.failing)
        assert await ledger.ready()
