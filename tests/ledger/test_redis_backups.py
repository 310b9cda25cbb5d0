"""Backups of the ledger in a real Redis: of its keys alone, made while instances write."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from accounts import Account
from ledger import (
    DAY,
    Allowance,
    BackupFailed,
    KeyNames,
    Ledger,
    LedgerRefused,
    Limits,
    RedisBackups,
    RedisStore,
    StoreError,
    load_secret,
)
from ledger.limits import Allowed, LimitReached
from ledger.records import Capped, Settled
from metrics import Attempt
from tests.ledger.entries import ALICE, MAIN, WINDOW, converse, ledger_over, posted, units
from tests.redis_cluster import RedisCluster, needs_cluster
from tests.redis_server import RedisServer, needs_redis

pytestmark = needs_redis

LIMITS = Limits(window=WINDOW, per_day=100_000)
ACCOUNTS = [Account(alias="main", credential=None, units_per_day=100)]


@asynccontextmanager
async def instance(redis: RedisServer | RedisCluster, folder: Path) -> AsyncIterator[Ledger]:
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240
    names = KeyNames(load_secret(folder / "secret"), {})
    store = RedisStore(redis.url, LIMITS, names, folder / "secret", 10 * DAY)
    async with ledger_over(store, LIMITS, accounts=ACCOUNTS) as ledger:
        await ledger.wait_until_loaded()
        yield ledger


def backups(redis: RedisServer | RedisCluster, folder: Path) -> RedisBackups:
    return RedisBackups(redis.url, folder / "secret")


async def idle(redis: RedisServer) -> None:
    """As it is some seconds after the last instance has stopped."""
    async with Redis(port=redis.port) as client:
        await client.delete("{pandora}:in-use")


async def stored(redis: RedisServer) -> dict[str, Any]:
    """All that is there, with when it expires in full seconds."""
    async with Redis(port=redis.port, decode_responses=True) as client:
        found: dict[str, Any] = {}
        for name in map(str, await client.keys()):
            match await client.type(name):
                case "string":
                    value: Any = await client.get(name)
                case "hash":
                    value = await client.hgetall(name)
                case _:
                    value = await client.zrange(name, 0, -1, withscores=True)
            found[name] = value, await client.expiretime(name)
        return found


async def test_backup_brings_back_all_that_the_ledger_had(tmp_path: Path) -> None:
    file, entry = tmp_path / "backup", posted()
    with RedisServer() as redis:
        async with Redis(port=redis.port) as client, instance(redis, tmp_path / "one") as ledger:
            await client.set("{pandora}:response:resp_1", "of others")
            await converse(ledger, Attempt.REFUSED)
            for account in ("", "main", "main"):
                await converse(ledger, account=account)
            await ledger.post(entry)
            ledger.record_cap(Capped("alice", "gpt-4", time.time() + 3600))
            ledger.record_cap(Capped("alice", "gpt-4", time.time() + 3600, "main"))
            await converse(ledger, alias="bob")
            told = await backups(redis, tmp_path / "one").back_up(file)
        before = await stored(redis)
    assert (told.kind, told.schema, told.conversations) == ("redis", 1, 6)
    assert file.stat().st_mode & 0o777 == 0o600
    with RedisServer() as another:
        await backups(another, tmp_path / "two").restore(file, overwrite=False)
        passing = {"{pandora}:born", "{pandora}:in-use", "{pandora}:response:resp_1"}
        assert await stored(another) == {
            name: kept
            for name, kept in before.items()
            if name not in passing and not name.startswith("{pandora}:written:")
        }
        assert (tmp_path / "two" / "secret").read_bytes() == (tmp_path / "one" / "secret").read_bytes()
        async with instance(another, tmp_path / "two") as ledger:
            await converse(ledger, alias="bob")
            assert await units(ledger) == 6 * 14
            assert list(ledger.caps(MAIN)) == ["gpt-4"]
            with pytest.raises(LimitReached, match="model_cap"):
                await ledger.post(posted())
            assert [each.id for each in await ledger.unsettled(ALICE, time.time() + 60)] == [entry.id]
            await ledger.settle(entry, Settled(entry.id, Attempt.REFUSED))
            assert await units(ledger) == 5 * 14
            with pytest.raises(LimitReached, match="key_quota"):
                await ledger.post(posted("bob"), Allowed(Allowance(units_per_day=3 * 14 - 1)))


@needs_cluster
async def test_ledger_of_a_single_redis_moves_into_a_cluster_and_out_of_it(
    redis_cluster: RedisCluster, tmp_path: Path
) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    with RedisServer() as redis:
        async with instance(redis, tmp_path / "one") as ledger:
            for number in range(300):
                await converse(ledger, alias=f"k-{number % 7}", account="main" if number % 2 else "")
        await backups(redis, tmp_path / "one").back_up(there)
    await backups(redis_cluster, tmp_path / "two").restore(there, overwrite=False)
    async with instance(redis_cluster, tmp_path / "two") as ledger:
        await converse(ledger)
        assert await units(ledger) == 301 * 14
    assert (await backups(redis_cluster, tmp_path / "two").back_up(back)).conversations == 301
    assert (await backups(redis_cluster, tmp_path / "two").check()).problems == []
    with RedisServer() as redis:
        await backups(redis, tmp_path / "three").restore(back, overwrite=False)
        async with instance(redis, tmp_path / "three") as ledger:
            assert await units(ledger) == 301 * 14


async def test_sums_fit_to_what_has_no_outcome_yet_while_instances_write(tmp_path: Path) -> None:
    file = tmp_path / "backup"
    with RedisServer() as redis, RedisServer() as another:
        async with instance(redis, tmp_path / "one") as ledger:
            await converse(ledger)
            writing = asyncio.gather(*(converse(ledger) for _ in range(60)))
            made = 0
            while not writing.done():
                await backups(redis, tmp_path / "one").back_up(file)
                made += 1
                await backups(another, tmp_path / "two").restore(file, overwrite=True)
                found = await stored(another)
                open_ones = [id for id, _ in found.get("{pandora}:unknown:alice", ([], 0))[0]]
                sums = found[f"{{pandora}}:day:{LIMITS.day(time.time())}"][0]
                assert int(sums.get("gpt-4-s\x1falice\x1funknown", 0)) == len(open_ones)
                assert all(found[f"{{pandora}}:entry:{id}"][0]["outcome"] == "unknown" for id in open_ones)
            await writing
    assert made > 0


async def test_restore_is_refused_while_an_instance_is_there(tmp_path: Path) -> None:
    with RedisServer() as redis:
        async with instance(redis, tmp_path / "one") as ledger:
            await converse(ledger)
            await backups(redis, tmp_path / "one").back_up(tmp_path / "backup")
            before = await stored(redis)
            with pytest.raises(BackupFailed, match="instances use the ledger: stop all of them"):
                await backups(redis, tmp_path / "one").restore(tmp_path / "backup", overwrite=True)
            assert (await stored(redis)).keys() == before.keys()


async def test_conversations_that_the_backup_has_not_are_lost_only_when_that_is_said(tmp_path: Path) -> None:
    mine = tmp_path / "one"
    with RedisServer() as redis:
        async with instance(redis, mine) as ledger:
            await converse(ledger)
            await backups(redis, mine).back_up(tmp_path / "backup")
            await converse(ledger)
            await converse(ledger, alias="bob")
        await idle(redis)
        with pytest.raises(BackupFailed, match=r"has 2 conversations that the backup has not.*--overwrite"):
            await backups(redis, mine).restore(tmp_path / "backup", overwrite=False)
        await backups(redis, mine).restore(tmp_path / "backup", overwrite=True)
        async with instance(redis, mine) as ledger:
            assert await units(ledger) == 14


async def test_restore_that_was_broken_off_stops_the_start_until_it_is_done_again(tmp_path: Path) -> None:
    mine, file = tmp_path / "one", tmp_path / "backup"
    with RedisServer() as redis:
        async with instance(redis, mine) as ledger:
            for _ in range(3):
                await converse(ledger)
            await backups(redis, mine).back_up(file)
        await idle(redis)
        async with Redis(port=redis.port) as client:
            await client.acl_setuser("default", enabled=True, commands=["-zadd"])
            with pytest.raises(StoreError, match="Redis: NoPermissionError"):
                await backups(redis, mine).restore(file, overwrite=False)
            await client.acl_setuser("default", enabled=True, commands=["+zadd"])
        async with instance(redis, mine) as ledger:
            with pytest.raises(LedgerRefused, match="broken off"):
                await ledger.refuse_newer()
            await asyncio.wait_for(ledger.wait_until_refused(), 5)
        (problem,) = (await backups(redis, mine).check()).problems
        assert "broken off" in problem
        await backups(redis, mine).restore(file, overwrite=False)
        assert (await backups(redis, mine).check()).problems == []
        async with instance(redis, mine) as ledger:
            await ledger.refuse_newer()
            assert await units(ledger) == 3 * 14


async def test_newer_schema_is_refused_and_told(tmp_path: Path) -> None:
    with RedisServer() as redis:
        async with instance(redis, tmp_path / "one") as ledger:
            await ledger.refuse_newer()
            await converse(ledger)
        async with Redis(port=redis.port) as client:
            await client.set("{pandora}:schema", 2)
        async with instance(redis, tmp_path / "one") as ledger:
            with pytest.raises(LedgerRefused, match=r"Redis has schema 2, of a newer version"):
                await ledger.refuse_newer()
        (problem,) = (await backups(redis, tmp_path / "one").check()).problems
        assert "newer version" in problem


async def test_check_tells_what_there_is(tmp_path: Path) -> None:
    mine = tmp_path / "one"
    with RedisServer() as redis:
        assert (await backups(redis, mine).check()).problems == ["There is no ledger in the Redis."]
        with pytest.raises(BackupFailed, match="there is no ledger in the Redis"):
            await backups(redis, mine).back_up(tmp_path / "backup")
        async with instance(redis, mine) as ledger:
            await converse(ledger)
            await ledger.post(posted())
        checked = await backups(redis, mine).check()
        assert checked.problems == []
        assert checked.findings[1] == "It has 2 conversations, 1 of them without an outcome."
        (mine / "secret").write_bytes(b"s" * 32)
        assert "another secret" in (await backups(redis, mine).check()).findings[2]
    with pytest.raises(StoreError, match="Redis: ConnectionError"):
        await backups(redis, mine).check()
