"""States of accounts outlast a restart, and instances share them; a store may be away, cut or lost."""

import json
import logging
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from accounts import Need
from pool import AccountFault, Condition, Fault, FileHealth, HealthBook, Obstacle, RedisHealth
from pool.health import Health
from pool.health_records import written
from pool.stores import ACCOUNTS
from tests.eventually import eventually
from tests.pool.accounts import NOW, Clock, account, book_over, running
from tests.redis_cluster import RedisCluster, needs_cluster
from tests.redis_server import RedisServer, needs_redis

NEED = Need(slug="gpt-4")
ALICE, BOB = account("alice"), account("bob", "fk-other")
REFUSED = Fault(AccountFault.REFUSED)


def file_book(path: Path) -> HealthBook:
    return book_over(FileHealth(path), Clock())


def redis_book(redis: RedisServer | RedisCluster, clock: Clock | None = None) -> HealthBook:
    return book_over(RedisHealth(redis.url, read_every=0.02), clock or Clock())


def fails(book: HealthBook, place: int = 0) -> Callable[[], bool]:
    return lambda: book.view()[place].condition is Condition.NEEDS_PERSON


def is_off(book: HealthBook) -> Callable[[], bool]:
    return lambda: not book.view()[0].enabled


async def test_file_outlasts_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "accounts-health.json"
    async with running(file_book(path)) as book:
        book.failed(ALICE, REFUSED, began=NOW)
        book.failed(BOB, Fault(AccountFault.CAPPED, 5400.0), slug="gpt-4", began=NOW)
        book.set_enabled("bob", False)
        before = book.view()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "secret" not in path.read_text()
    async with running(file_book(path)) as book:
        assert book.view() == before
        assert book.obstacle(ALICE, NEED, NOW) == (Obstacle.REFUSED, NOW + 60)
        assert book.obstacle(account("alice", "fk-new"), NEED, NOW)[0] is Obstacle.NONE


async def test_file_is_written_soon_and_not_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "accounts-health.json"
    async with running(file_book(path)) as book:
        book.failed(ALICE, REFUSED, began=NOW)
        await eventually(path.exists)
        assert list(json.loads(path.read_bytes())["accounts"]) == ["alice"]
        assert [each.name for each in path.parent.iterdir()] == [path.name]


async def test_nothing_is_written_while_all_is_well(tmp_path: Path) -> None:
    path = tmp_path / "accounts-health.json"
    async with running(file_book(path)) as book:
        assert book.obstacle(ALICE, NEED, NOW)[0] is Obstacle.NONE
        book.succeeded(ALICE, began=NOW)
    assert not path.exists()


@pytest.mark.parametrize(
    "content", [b"", b'{"version": 1, "accou', b"\x00" * 99, b"[]", b'{"version": 2, "accounts": {}}']
)
async def test_file_that_is_damaged_or_of_a_newer_version_is_kept_and_begun_anew(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "accounts-health.json"
    path.write_bytes(content)
    async with running(file_book(path)) as book:
        assert "accounts-health.json is damaged" in caplog.text
        assert book.view()[0].condition is Condition.OK
        book.failed(ALICE, REFUSED, began=NOW)
    async with running(file_book(path)) as book:
        assert fails(book)()
    (kept,) = tmp_path.glob("accounts-health.json.unread-*")  # noqa: ASYNC240
    assert kept.read_bytes() == content


async def test_account_that_left_is_gone_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "accounts-health.json"
    async with running(file_book(path)) as book:
        book.failed(ALICE, REFUSED, began=NOW)
        book.failed(BOB, REFUSED, began=NOW)
        book.keep(["bob"])
    assert list(json.loads(path.read_bytes())["accounts"]) == ["bob"]


async def test_file_that_went_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "accounts-health.json"
    async with running(file_book(path)) as book:
        book.failed(ALICE, REFUSED, began=NOW)
        await eventually(path.exists)
        path.unlink()
        await book.save_again()
        assert list(json.loads(path.read_bytes())["accounts"]) == ["alice"]


async def test_folder_that_cannot_be_written_is_told_once_and_memory_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "state"
    folder.write_text("a file")
    async with running(file_book(folder / "accounts-health.json")) as book:
        book.failed(ALICE, REFUSED, began=NOW)
        with pytest.raises(OSError, match=r"accounts-health\.json"):
            await book.save_again()
        assert fails(book)()
        folder.unlink()
        await eventually(lambda: "stored again" in caplog.text)
    assert caplog.text.count("kept in memory alone") == 1
    async with running(file_book(folder / "accounts-health.json")) as book:
        assert fails(book)()


@needs_redis
async def test_instances_share_what_they_know() -> None:
    with RedisServer() as redis:
        async with running(redis_book(redis)) as one, running(redis_book(redis)) as two:
            heard: list[str] = []
            two.on_change(heard.append)
            for book in (one, two):
                assert book.obstacle(ALICE, NEED, NOW)[0] is Obstacle.NONE
            one.failed(ALICE, REFUSED, began=NOW)
            one.set_enabled("bob", False)
            await eventually(fails(two))
            await eventually(lambda: not two.view()[1].enabled)
            assert set(heard) == {"alice", "bob"}
            two.succeeded(ALICE, began=NOW)
            await eventually(lambda: not fails(one)())
            two.set_enabled("bob", True)
            await eventually(lambda: one.view()[1].enabled)
            assert one.view() == two.view()


@needs_cluster
async def test_instances_share_what_they_know_over_a_cluster(redis_cluster: RedisCluster) -> None:
    async with running(redis_book(redis_cluster)) as one, running(redis_book(redis_cluster)) as two:
        one.failed(ALICE, REFUSED, began=NOW)
        one.set_enabled("bob", False)
        await eventually(fails(two))
        await eventually(lambda: not two.view()[1].enabled)


@needs_redis
async def test_word_of_the_administrator_is_not_lost_to_a_failure_of_the_same_moment() -> None:
    with RedisServer() as redis:
        async with running(redis_book(redis)) as one, running(redis_book(redis)) as two:
            one.failed(ALICE, REFUSED, began=NOW)
            two.set_enabled("alice", False)
            for book in (one, two):
                await eventually(fails(book))
                await eventually(is_off(book))


@needs_redis
async def test_failure_is_written_again_behind_a_word_of_the_administrator_that_knew_nothing_of_it() -> None:
    """As two instances leave it that have both read before either has written."""
    with RedisServer() as redis:
        async with running(redis_book(redis)) as one:
            one.failed(ALICE, REFUSED, began=NOW)
            with Redis(port=redis.port) as database:
                await eventually(lambda: bool(database.hexists(ACCOUNTS, "alice")))
                database.hset(ACCOUNTS, "alice", written(Health(enabled=False, enabled_at=NOW)))
            await eventually(is_off(one))
            async with running(redis_book(redis)) as two:
                await eventually(fails(two))
                await eventually(is_off(two))


@needs_redis
async def test_instance_that_starts_later_knows_what_the_others_do() -> None:
    with RedisServer() as redis:
        async with running(redis_book(redis)) as one:
            one.failed(ALICE, REFUSED, began=NOW)
        async with running(redis_book(redis)) as two:
            assert two.obstacle(ALICE, NEED, NOW) == (Obstacle.REFUSED, NOW + 60)


@needs_redis
async def test_redis_that_goes_and_forgets_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with RedisServer() as redis:
        async with running(redis_book(redis)) as one:
            one.failed(ALICE, REFUSED, began=NOW)
            redis.stop()
            await eventually(lambda: "kept in memory alone" in caplog.text)
            one.failed(BOB, REFUSED, began=NOW)
            assert fails(one, 0)()
            assert fails(one, 1)()
            redis.start()
            async with running(redis_book(redis)) as two:
                await eventually(lambda: fails(two, 0)() and fails(two, 1)())
    assert caplog.text.count("kept in memory alone") >= 1


@needs_redis
async def test_service_starts_without_its_redis() -> None:
    with RedisServer() as redis:
        redis.stop()
        async with running(redis_book(redis)) as book:
            book.failed(ALICE, REFUSED, began=NOW)
            assert book.obstacle(ALICE, NEED, NOW)[0] is Obstacle.REFUSED


@needs_redis
async def test_redis_that_is_away_until_the_end_is_not_said_to_be_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with RedisServer() as redis:
        async with running(redis_book(redis)):
            redis.stop()
            await eventually(lambda: "kept in memory alone" in caplog.text)
    assert "stored again" not in caplog.text


@needs_redis
async def test_account_that_left_is_gone_from_redis() -> None:
    with RedisServer() as redis:
        async with running(redis_book(redis)) as book:
            book.failed(ALICE, REFUSED, began=NOW)
            book.failed(BOB, REFUSED, began=NOW)
            book.keep(["bob"])
        with Redis.from_url(redis.url) as client:
            assert client.hkeys(ACCOUNTS) == [b"bob"]
            assert b"secret" not in client.hget(ACCOUNTS, "bob")


@needs_redis
async def test_record_that_is_damaged_is_written_anew() -> None:
    with RedisServer() as redis:
        with Redis.from_url(redis.url) as client:
            client.hset(ACCOUNTS, "alice", b"{")
            client.hset(ACCOUNTS, b"\xff", b"{}")
        async with running(redis_book(redis)) as one:
            one.failed(ALICE, REFUSED, began=NOW)
        async with running(redis_book(redis)) as two:
            assert fails(two)()


@needs_redis
async def test_credential_that_another_instance_has_not_renewed_yet_changes_nothing_here() -> None:
    renewed = account("alice", "fk-renewed")
    with RedisServer() as redis:
        async with running(redis_book(redis)) as late, running(redis_book(redis)) as early:
            late.failed(ALICE, REFUSED, began=NOW)
            await eventually(fails(early))
            assert early.obstacle(renewed, NEED, NOW)[0] is Obstacle.NONE
            early.set_enabled("alice", False)
            await eventually(is_off(late))
            late.failed(ALICE, REFUSED, began=NOW + 60)
            early.set_enabled("alice", True)
            await eventually(lambda: late.view()[0].enabled)
            assert early.obstacle(renewed, NEED, NOW)[0] is Obstacle.NONE
            assert late.obstacle(ALICE, NEED, NOW)[0] is Obstacle.REFUSED
            assert late.obstacle(renewed, NEED, NOW)[0] is Obstacle.NONE
