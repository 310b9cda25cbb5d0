"""The ledger over its stores: restarts, damage, a full disk, a lock, a Redis that goes and comes back."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

import ledger.journal as journal
import ledger.sqlite_store as sqlite_store
from accounts import Caller
from ledger.key_names import KeyNames
from ledger.ledger import Ledger
from ledger.limits import DAY, LimitReached, Limits
from ledger.records import Counted, Posted, Settled
from ledger.redis_store import RedisStore
from ledger.sqlite_store import SqliteStore
from ledger.store import Store
from metrics import Attempt, Metrics
from tests.redis_server import RedisServer, needs_redis

NO_LIMITS = Limits()
_ids = count(1)


@asynccontextmanager
async def ledger_over(store: Store, limits: Limits = NO_LIMITS) -> AsyncIterator[Ledger]:
    ledger = Ledger(store, limits, Metrics(("chat",), ["gpt-4-s"]), retention_days=400)
    ledger.start()
    try:
        yield ledger
    finally:
        await ledger.close()


def posted(alias: str = "alice", units: int = 14, at: float | None = None) -> Posted:
    when = time.time() if at is None else at
    return Posted(f"id-{next(_ids)}", when, alias, "gpt-4-s", "gpt-4", units, True, "message")


async def converse(ledger: Ledger, outcome: Attempt = Attempt.OK, alias: str = "alice") -> Posted:
    entry = posted(alias)
    await ledger.post(entry)
    await ledger.settle(entry, Settled(entry.id, outcome, "gpt-4", "conversation", 1.0, 0.5))
    await ledger.count(Counted(entry.id, 10, 20))
    return entry


async def units(ledger: Ledger) -> int:
    now = time.time()
    return sum(row.units for row in await ledger.usage(now - 2 * DAY, now + 2 * DAY))


async def caught_up(ledger: Ledger) -> bool:
    for _ in range(400):
        if not ledger.failing and not ledger._journal.backlog:
            return True
        await asyncio.sleep(0.02)
    return False


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(journal, "LAST_PAUSE", 0.1)
    monkeypatch.setattr(sqlite_store, "BUSY_SECONDS", 0.05)


async def test_entries_are_there_after_a_restart(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        await converse(ledger, Attempt.REFUSED)
        await ledger.post(posted())
    async with ledger_over(SqliteStore(path)) as ledger:
        now = time.time()
        (row,) = await ledger.usage(now - DAY, now + DAY)
        assert (row.units, row.conversations, row.free, row.unknown) == (28, 3, 1, 1)
        assert (row.prompt_tokens, row.completion_tokens) == (20, 40)
        with pytest.raises(LimitReached):  # what was spent before counts
            await over_the_limit(path)


async def over_the_limit(path: Path) -> None:
    async with ledger_over(SqliteStore(path), Limits(per_day=40)) as ledger:
        await ledger.post(posted())


async def test_entry_is_on_the_disk_before_post_returns(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        entry = posted()
        await ledger.post(entry)
        with sqlite3.connect(path) as other:
            assert other.execute("SELECT id, outcome FROM conversations").fetchall() == [
                (entry.id, "unknown")
            ]
        await ledger.settle(entry, Settled(entry.id, Attempt.OK))
        with sqlite3.connect(path) as other:
            assert other.execute("SELECT outcome FROM conversations").fetchall() == [("ok",)]
        other.close()


async def test_no_secret_and_no_text_is_in_the_file(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        names = KeyNames(b"s" * 32, {"fk-bob": "bob"})
        await converse(ledger, alias=names.alias(Caller("fk-very-secret")))
        assert names.alias(Caller("fk-bob")) == "bob"
    assert b"fk-" not in path.read_bytes()  # noqa: ASYNC240


async def test_file_of_an_older_version_is_brought_up_to_date(path: Path) -> None:
    with sqlite3.connect(path) as old:
        old.executescript(sqlite_store.MIGRATIONS[0] + "PRAGMA user_version = 1;")
        values = ("old", time.time(), "alice", "gpt-4-s", "gpt-4", 14, 1, "")
        old.execute(sqlite_store.POST, values)
    old.close()
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        assert await units(ledger) == 28


async def test_file_of_a_newer_version_is_left_alone_and_answers_go_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        assert ledger.failing
    assert "newer version" in caplog.text
    with sqlite3.connect(path) as untouched:
        assert untouched.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
    untouched.close()


@pytest.mark.parametrize("damage", ["no database", "a torn page"])
async def test_damaged_file_is_put_aside_and_the_ledger_goes_on(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        for _ in range(200):
            ledger._journal.note(posted())
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
    async with ledger_over(SqliteStore(path)) as ledger:
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


async def test_full_disk_keeps_no_answer_waiting_and_is_caught_up_with(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file = sqlite_store._open

    def tight(path: Path) -> sqlite3.Connection:
        connection = open_file(path)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        with monkeypatch.context() as patch:
            patch.setattr(sqlite_store, "_open", tight)
            await ledger._store._in_writer(ledger._store._disconnect)  # type: ignore[attr-defined]
            for _ in range(100):
                await converse(ledger)
            assert ledger.failing
        assert await caught_up(ledger)
        assert await units(ledger) == 101 * 14
    assert "full" in caplog.text


async def test_backlog_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_BACKLOG", 50)
    path.mkdir()  # nothing can ever be written there  # noqa: ASYNC240
    async with ledger_over(SqliteStore(path)) as ledger:
        for _ in range(100):
            await converse(ledger)
        assert ledger._journal.backlog == 50
        assert ledger.standing("alice", "gpt-4").key_units == 100 * 14


async def test_what_is_older_than_the_retention_goes(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        await ledger.post(posted(at=time.time() - 500 * DAY))
        await ledger.post(posted())
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
        await asyncio.sleep(0.1)
        rows = await ledger.usage(0, time.time() + DAY)
        assert sum(row.conversations for row in rows) == 2


@needs_redis
async def test_instances_on_one_redis_share_limits_to_the_last_unit(tmp_path: Path) -> None:
    limits = Limits(per_day=14 * 10)
    with RedisServer() as redis:
        async with (
            ledger_over(redis_store(redis, tmp_path / "one", limits), limits) as one,
            ledger_over(redis_store(redis, tmp_path / "two", limits), limits) as two,
        ):
            results = await asyncio.gather(
                *(converse((one, two)[number % 2]) for number in range(30)), return_exceptions=True
            )
            assert sum(isinstance(result, LimitReached) for result in results) == 20
            assert await units(one) == await units(two) == 140


@needs_redis
async def test_instances_on_one_redis_give_a_key_the_same_name(tmp_path: Path) -> None:
    with RedisServer() as redis:
        names = [KeyNames(bytes([number]) * 32, {}) for number in (1, 2)]
        for number, keys in enumerate(names):
            store = RedisStore(redis.url, NO_LIMITS, keys, tmp_path / str(number), 10 * DAY)
            async with ledger_over(store) as ledger:
                await converse(ledger)
        assert names[0].alias(Caller("fk-key")) == names[1].alias(Caller("fk-key"))


@needs_redis
async def test_redis_that_goes_and_comes_back_lost_nothing_and_has_nothing_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer() as redis:
        store = redis_store(redis, tmp_path)
        async with ledger_over(store) as ledger:
            for _ in range(5):
                await converse(ledger)
            running = posted()
            await ledger.post(running)
            await store._redis.save()
            redis.stop()
            for _ in range(20):
                await converse(ledger)
            await ledger.settle(running, Settled(running.id, Attempt.REFUSED))
            assert ledger.failing
            redis.start()
            assert await caught_up(ledger)
            assert await units(ledger) == 25 * 14
    assert caplog.text.count("cannot be written") == 1
    assert str(redis.port) not in caplog.text


@needs_redis
async def test_step_whose_answer_was_lost_is_repeated_without_effect(tmp_path: Path) -> None:
    with RedisServer() as redis:
        store = redis_store(redis, tmp_path)
        async with ledger_over(store) as ledger:
            entry = await converse(ledger)
            for record in (entry, Settled(entry.id, Attempt.REFUSED), Counted(entry.id, 10, 20), entry):
                await ledger._journal.add(record)
            now = time.time()
            (row,) = await ledger.usage(now - DAY, now + DAY)
            assert (row.units, row.conversations, row.free, row.unknown) == (14, 1, 0, 0)
            assert (row.prompt_tokens, row.completion_tokens) == (10, 20)


def redis_store(redis: RedisServer, folder: Path, limits: Limits = NO_LIMITS) -> RedisStore:
    folder.mkdir(exist_ok=True)
    return RedisStore(redis.url, limits, KeyNames(b"s" * 32, {}), folder / "secret", 10 * DAY)
