"""The ledger in a real Redis: instances share limits and names, and Redis may go for a while."""

import asyncio
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from accounts import Caller
from ledger import DAY, KeyNames, Ledger, Limits, RedisStore
from ledger.limits import LimitReached
from ledger.records import Capped, Counted, Settled
from ledger.store import PendingRecord
from metrics import Attempt, Metrics
from tests.ledger.entries import NO_LIMITS, WINDOW, caught_up, converse, ledger_over, posted, units
from tests.redis_server import RedisServer, needs_redis

pytestmark = needs_redis


def redis_store(redis: RedisServer, folder: Path, limits: Limits = NO_LIMITS) -> RedisStore:
    folder.mkdir(exist_ok=True)
    return RedisStore(redis.url, limits, KeyNames(b"s" * 32, {}), folder / "secret", 10 * DAY)


async def test_instances_share_limits_to_the_last_unit(tmp_path: Path) -> None:
    limits = Limits(window=WINDOW, per_day=14 * 10)
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


async def test_instances_give_a_key_the_same_name_and_keep_it(tmp_path: Path) -> None:
    with RedisServer() as redis:
        names = [KeyNames(bytes([number]) * 32, {}) for number in (1, 2)]
        for number, keys in enumerate(names):
            store = RedisStore(redis.url, NO_LIMITS, keys, tmp_path / str(number), 10 * DAY)
            async with ledger_over(store) as ledger:
                await converse(ledger)
        assert names[0].alias(Caller("fk-key")) == names[1].alias(Caller("fk-key"))
        assert (tmp_path / "1").read_bytes() == bytes([1]) * 32


async def test_cap_that_one_instance_has_met_is_known_to_the_other(tmp_path: Path) -> None:
    with RedisServer() as redis:
        async with (
            ledger_over(redis_store(redis, tmp_path / "one")) as one,
            ledger_over(redis_store(redis, tmp_path / "two")) as two,
        ):
            one.record_cap(Capped("alice", "gpt-4", time.time() + 3600))
            assert await caught_up(one)
            with pytest.raises(LimitReached) as refusal:
                await two.post(posted())
            assert refusal.value.reason == "model_cap"


async def test_redis_that_goes_and_comes_back_lost_nothing_and_has_nothing_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path)) as ledger:
            for _ in range(5):
                await converse(ledger)
            running = posted()
            await ledger.post(running)
            await save(redis)
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


async def save(redis: RedisServer) -> None:
    """Have Redis write down what it holds, so that it has it again after its end."""
    client = Redis.from_url(redis.url)
    try:
        await client.save()
    finally:
        await client.aclose()


async def test_what_cost_nothing_is_a_sum_that_names_nobody(tmp_path: Path) -> None:
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path)) as ledger:
            for number in range(50):
                await converse(ledger, Attempt.REFUSED, alias=f"k-{number}")
                await converse(ledger, Attempt.UNSENT, alias=f"k-{number}")
            await converse(ledger)
            now = time.time()
            rows = await ledger.usage(now - DAY, now + DAY)
            assert await ledger.usage(now - DAY, now + DAY, alias="k-1") == []
        client = Redis.from_url(redis.url, decode_responses=True)
        try:
            names = [name async for name in client.scan_iter("*")]
            lifetimes = [await client.ttl(name) for name in names if ":entry:" in name]
            values = [await client.hgetall(name) for name in names if await client.type(name) == "hash"]
        finally:
            await client.aclose()
    sums = {row.alias: (row.model, row.conversations, row.free, row.units) for row in rows}
    assert sums == {
        "(refused)": ("", 50, 50, 0),
        "(unsent)": ("", 50, 50, 0),
        "alice": ("gpt-4-s", 1, 0, 14),
    }
    assert sum(0 < seconds <= 3600 for seconds in lifetimes) == 100
    assert "k-" not in str(names) + str(values)


async def test_refusal_whose_answer_was_lost_is_counted_once(tmp_path: Path) -> None:
    with RedisServer() as redis:
        store = redis_store(redis, tmp_path)
        async with ledger_over(store) as ledger:
            entry = await converse(ledger, Attempt.REFUSED)
            again = (entry, Settled(entry.id, Attempt.REFUSED), Counted(entry.id, 10, 20), entry)
            await store.write([PendingRecord(record) for record in again])
            (row,) = await ledger.usage(entry.at - DAY, entry.at + DAY)
            assert (row.alias, row.conversations, row.free, row.units) == ("(refused)", 1, 1, 0)
            assert (row.prompt_tokens, row.completion_tokens) == (0, 0)


async def test_step_whose_answer_was_lost_is_repeated_without_effect(tmp_path: Path) -> None:
    with RedisServer() as redis:
        store = redis_store(redis, tmp_path)
        async with ledger_over(store) as ledger:
            entry = await converse(ledger)
            again = (entry, Settled(entry.id, Attempt.REFUSED), Counted(entry.id, 10, 20), entry)
            await store.write([PendingRecord(record) for record in again])
            now = time.time()
            (row,) = await ledger.usage(now - DAY, now + DAY)
            assert (row.units, row.conversations, row.free, row.unknown) == (14, 1, 0, 0)
            assert (row.prompt_tokens, row.completion_tokens) == (10, 20)


async def test_instances_keep_the_names_of_keys_when_redis_has_lost_everything(tmp_path: Path) -> None:
    """An instance that starts with a secret of its own takes over the one of those that run."""
    caller = Caller("fk-key")
    running = [KeyNames(bytes([number]) * 32, {}) for number in (1, 2)]
    starting = KeyNames(b"3" * 32, {})
    with RedisServer() as redis:

        def store_of(keys: KeyNames, folder: str) -> RedisStore:
            return RedisStore(redis.url, NO_LIMITS, keys, tmp_path / folder, 10 * DAY)

        stores = [store_of(keys, str(number)) for number, keys in enumerate(running)]
        async with ledger_over(stores[0]) as one, ledger_over(stores[1]) as two:
            for ledger in (one, two):
                await converse(ledger)
            name = running[0].alias(caller)
            for noticed_by in (lambda: converse(two), lambda: stores[0].check(write=False)):
                await flush(redis)
                await noticed_by()
                async with ledger_over(store_of(starting, "3")) as late:
                    await converse(late)
                await converse(one)
                assert {keys.alias(caller) for keys in (*running, starting)} == {name}


async def test_instances_agree_again_when_one_that_started_was_faster(tmp_path: Path) -> None:
    caller, running, starting = Caller("fk-key"), KeyNames(b"1" * 32, {}), KeyNames(b"2" * 32, {})
    with RedisServer() as redis:
        store = RedisStore(redis.url, NO_LIMITS, running, tmp_path / "1", 10 * DAY)
        async with ledger_over(store) as ledger:
            await converse(ledger)
            await flush(redis)
            late = RedisStore(redis.url, NO_LIMITS, starting, tmp_path / "2", 10 * DAY)
            async with ledger_over(late) as other:
                await converse(other)
                await store.check(write=False)
                assert running.alias(caller) == starting.alias(caller)
        assert (tmp_path / "1").read_bytes() == b"2" * 32


async def flush(redis: RedisServer) -> None:
    client = Redis.from_url(redis.url)
    try:
        await client.flushall()
    finally:
        await client.aclose()


async def test_clock_of_one_instance_that_is_wrong_neither_empties_nor_stretches_the_window(
    tmp_path: Path,
) -> None:
    limits = Limits(window=WINDOW, window_messages=3)
    with RedisServer() as redis:
        ahead = Ledger(
            redis_store(redis, tmp_path / "ahead", limits),
            limits,
            Metrics(("chat",), []),
            retention_days=400,
            clock=lambda: time.time() + 400 * DAY,
            close_seconds=0.02,
        )
        ahead.start()
        async with ledger_over(redis_store(redis, tmp_path / "right", limits), limits) as right:
            await converse(right)
            await ahead.post(posted(at=ahead.clock()))
            await converse(right)
            for ledger in (ahead, right):
                with pytest.raises(LimitReached) as refusal:
                    await ledger.post(posted(at=ledger.clock()))
                assert refusal.value.retry_after <= WINDOW
        await ahead.close()


async def test_window_moves_on(tmp_path: Path) -> None:
    limits = Limits(window=1, window_messages=2)
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path / "one", limits), limits) as ledger:
            for _ in range(2):
                await converse(ledger)
            with pytest.raises(LimitReached):
                await converse(ledger)
            await asyncio.sleep(2.1)
            await converse(ledger)
