"""The ledger in a real Redis: instances share limits and names, and Redis may go for a while."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from accounts import Account, Caller
from ledger import (
    DAY,
    AccountSpent,
    Allowance,
    KeyNames,
    Ledger,
    LedgerRefused,
    Limits,
    RedisStore,
    Subject,
)
from ledger.limits import Allowed, LimitReached
from ledger.records import Capped, Counted, Settled
from ledger.store import PendingRecord, StoreError
from metrics import Attempt, Metrics
from tests.eventually import eventually
from tests.ledger.entries import (
    ALICE,
    MAIN,
    NO_LIMITS,
    WINDOW,
    caught_up,
    converse,
    ledger_over,
    posted,
    units,
)
from tests.redis_server import RedisServer, needs_redis

pytestmark = needs_redis

Gauges = Callable[[], dict[str, float]]
GAUGES = ("quota_used_units", "quota_remaining_units", "gpt4_window_messages")


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


@pytest.mark.parametrize("allowance", [Allowance(units_per_day=140), Allowance(window_messages=10)])
async def test_instances_cannot_exceed_what_an_account_may_together(
    tmp_path: Path, allowance: Allowance
) -> None:
    """Each of them posts for keys of its own, which may all go on."""
    allowed = Allowed(Allowance(), allowance)
    with RedisServer() as redis:
        async with (
            ledger_over(redis_store(redis, tmp_path / "one")) as one,
            ledger_over(redis_store(redis, tmp_path / "two")) as two,
        ):
            results = await asyncio.gather(
                *(
                    converse((one, two)[number % 2], alias=f"k-{number}", account="main", allowed=allowed)
                    for number in range(30)
                ),
                return_exceptions=True,
            )
            spent = [result for result in results if isinstance(result, AccountSpent)]
            assert len(spent) == 20
            assert {each.reason for each in spent} <= {"account_quota", "account_window"}
            assert all(0 < each.retry_after <= DAY for each in spent)
            assert await units(one) == await units(two) == 140
            await converse(two, alias="k-29", account="spare", allowed=allowed)


async def test_last_unit_of_a_key_goes_to_one_of_two_accounts(tmp_path: Path) -> None:
    allowed = Allowed(Allowance(14, 0), Allowance(100, 40))
    with RedisServer() as redis:
        async with (
            ledger_over(redis_store(redis, tmp_path / "one")) as one,
            ledger_over(redis_store(redis, tmp_path / "two")) as two,
        ):
            results = await asyncio.gather(
                converse(one, account="main", allowed=allowed),
                converse(two, account="spare", allowed=allowed),
                return_exceptions=True,
            )
            (refused,) = [result for result in results if isinstance(result, LimitReached)]
            assert refused.reason == "key_quota", "another account would not help"
            accounts = [
                ledger.current_usage(account).own_units
                for ledger, account in ((one, MAIN), (two, Subject("spare", True)))
            ]
            assert sorted(accounts) == [0, 14]


async def test_free_conversation_gives_back_to_key_and_account(tmp_path: Path) -> None:
    allowed = Allowed(Allowance(14, 1), Allowance(14, 1))
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path)) as ledger:
            for outcome in (Attempt.REFUSED, Attempt.UNSENT, Attempt.OK):
                await converse(ledger, outcome, account="main", allowed=allowed)
            now = time.time()
            rows = await ledger.usage(now - DAY, now + DAY)
            assert [(row.alias, row.account, row.units) for row in rows if row.units] == [
                ("alice", "main", 14)
            ]


async def test_key_and_account_of_one_name_are_limited_apart(tmp_path: Path) -> None:
    tight = Allowance(14, 1)
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path)) as ledger:
            await converse(ledger, alias="main", allowed=Allowed(tight))
            ledger.record_cap(Capped("main", "gpt-4", time.time() + 3600))
            await converse(ledger, account="main", allowed=Allowed(tight, tight))
            with pytest.raises(AccountSpent):
                await ledger.post(posted("bob", account="main"), Allowed(tight, tight))
            assert ledger.caps(MAIN) == {}


async def test_instance_knows_what_others_have_spent_on_accounts_at_once_and_goes_on_to(
    tmp_path: Path,
) -> None:
    accounts = [Account(alias="main", credential=None, units_per_day=100)]
    accounts += [Account(alias=f"a-{number}", credential=None) for number in range(25)]
    accounts += [Account(alias="unlimited", credential=None, window_messages=0)]
    limits = Limits(window=WINDOW, window_messages=3)
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path / "one", limits), limits) as one:
            for _ in range(4):
                await one.post(posted(account="main"), Allowed(Allowance()))
            await one.post(posted(account="a-24"), Allowed(Allowance()))
            one.record_cap(Capped("alice", "gpt-4", time.time() + 3600, "main"))
            assert await caught_up(one)
            store = redis_store(redis, tmp_path / "two", limits)
            async with ledger_over(store, limits, accounts=accounts) as two:
                await two.wait_until_loaded()
                standing = two.standing(accounts[0], "gpt-4", 14, windowed=True)
                assert (standing.units_left, standing.messages_left) == (100 - 4 * 14, 0)
                assert standing.capped_until > time.time()
                assert two.current_usage(Subject("a-24", True)).own_units == 14
                assert two.current_usage(MAIN).units == 5 * 14
                await converse(two, alias="carol", account="unlimited")
                await converse(one, alias="bob", account="a-7")
                await eventually(lambda: two.current_usage(Subject("a-7", True)).own_units == 14)
                assert len(two.current_usage(Subject("unlimited", True)).window) == 1


@pytest.mark.parametrize("allowance", [Allowance(units_per_day=42), Allowance(window_messages=3)])
async def test_what_was_spent_on_an_account_is_not_forgotten_with_the_redis(
    tmp_path: Path, allowance: Allowance, caplog: pytest.LogCaptureFixture
) -> None:
    account = Account(
        alias="main",
        credential=None,
        units_per_day=allowance.units_per_day,
        window_messages=allowance.window_messages,
    )
    allowed = Allowed(Allowance(), allowance)
    with RedisServer() as redis:
        async with (
            ledger_over(redis_store(redis, tmp_path / "one")) as one,
            ledger_over(redis_store(redis, tmp_path / "two"), accounts=[account]) as two,
        ):
            for _ in range(2):
                await converse(one, account="main", allowed=allowed)
            await eventually(lambda: two.current_usage(MAIN).own_units == 28)
            await flush(redis)
            await eventually(lambda: caplog.text.count("Redis has lost the ledger") == 2)
            await converse(one, Attempt.REFUSED, account="main", allowed=allowed)
            await converse(one, account="main", allowed=allowed)
            with pytest.raises(AccountSpent):
                await one.post(posted(account="main"), allowed)
            await converse(two, account="spare")
            assert two.current_usage(MAIN).own_units >= 28
            if allowance.window_messages:
                await eventually(lambda: len(two.current_usage(MAIN).window) == 3)
                with pytest.raises(AccountSpent):
                    await two.post(posted(account="main"), allowed)


async def test_entry_is_found_by_the_account_that_it_was_posted_to(tmp_path: Path) -> None:
    own, lent = posted(), posted(account="main")
    with RedisServer() as redis:
        async with (
            ledger_over(redis_store(redis, tmp_path / "one")) as one,
            ledger_over(redis_store(redis, tmp_path / "two")) as two,
        ):
            for entry in (own, lent):
                await one.post(entry)
            soon = time.time() + 60
            assert await two.unsettled(ALICE, soon) == [own]
            assert await two.unsettled(MAIN, soon) == [lent]
            await two.settle_unknown(lent, Settled(lent.id, Attempt.OK))
            assert await two.unsettled(MAIN, soon) == []


async def test_entries_of_before_there_were_accounts_stay_valid(tmp_path: Path) -> None:
    at, today = time.time(), NO_LIMITS.day(time.time())
    with RedisServer() as redis:
        client = Redis.from_url(redis.url)
        try:
            entry: dict[Any, Any] = {
                "at": at, "alias": "alice", "model": "gpt-4-s", "slug": "gpt-4", "units": 14, "windowed": 1,
                "message_id": "message", "outcome": "unknown", "day": today, "hour": int(at // 3600),
            }  # fmt: skip
            await client.hset("{pandora}:entry:old", mapping=entry)
            await client.zadd("{pandora}:unknown:alice", {"old": at})
            await client.zadd("{pandora}:window:alice", {"old": at})
            await client.set(f"{{pandora}}:units:{today}", 14)
            await client.hset(f"{{pandora}}:key-units:{today}", "alice", 14)
            for what, value in (("conversations", 1), ("unknown", 1), ("units", 14)):
                await client.hset(f"{{pandora}}:day:{today}", f"gpt-4-s\x1falice\x1f{what}", value)
        finally:
            await client.aclose()
        async with ledger_over(redis_store(redis, tmp_path)) as ledger:
            with pytest.raises(LimitReached):
                await ledger.post(posted(), Allowed(Allowance(20, 0)))
            (row,) = await ledger.usage(at - DAY, at + DAY)
            assert (row.alias, row.account, row.units, row.unknown) == ("alice", "", 14, 1)
            (found,) = await ledger.unsettled(ALICE, at + 60)
            await ledger.settle_unknown(found, Settled("old", Attempt.UNSENT))
            await converse(ledger, allowed=Allowed(Allowance(14, 1)))
            (free, row) = await ledger.usage(at - DAY, at + DAY)
            assert (free.free, row.units, row.unknown) == (1, 14, 0)


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
    async with Redis.from_url(redis.url) as client:
        await client.save()


async def become_newer(redis: RedisServer) -> None:
    """Let a newer version have written the ledger there."""
    async with Redis.from_url(redis.url) as client:
        await client.set("{pandora}:schema", 2)


async def entries(redis: RedisServer) -> set[object]:
    """The names of the conversations there."""
    async with Redis.from_url(redis.url) as client:
        return set(await client.keys("{pandora}:entry:*"))


async def test_redis_that_comes_back_with_a_newer_ledger_is_not_written_and_ends_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path)) as ledger:
            await converse(ledger)
            before = await entries(redis)
            await become_newer(redis)
            await save(redis)
            redis.stop()
            await converse(ledger)
            assert ledger.failing
            redis.start()
            async with asyncio.timeout(20):
                await ledger.wait_until_refused()
            await converse(ledger)
            assert await entries(redis) == before
    assert "the service has to end: the ledger in Redis has schema 2, of a newer version" in caplog.text
    assert caplog.text.count("has to end") == 1


async def test_redis_that_was_restored_with_a_newer_ledger_without_going_ends_the_service(
    tmp_path: Path,
) -> None:
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path)) as ledger:
            await converse(ledger)
            async with Redis.from_url(redis.url) as client, client.pipeline() as pipeline:
                pipeline.flushall()
                pipeline.set("{pandora}:schema", 2)
                await pipeline.execute()
            async with asyncio.timeout(20):
                await ledger.wait_until_refused()


async def test_redis_whose_answer_nobody_waited_for_is_looked_at_again_before_it_is_written(
    tmp_path: Path,
) -> None:
    with RedisServer() as redis:
        store = redis_store(redis, tmp_path)
        await store.load(0)
        redis.pause()
        asking = asyncio.create_task(store.check(write=False))
        await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.wait([asking])
        redis.resume()
        await become_newer(redis)
        with pytest.raises(LedgerRefused, match="schema 2"):
            await store.write([PendingRecord(posted())])
        assert await entries(redis) == set()
        await store.close()


async def test_redis_that_answers_is_not_looked_at_for_each_record(tmp_path: Path) -> None:
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path)) as ledger:
            for _ in range(20):
                await converse(ledger)
        async with Redis.from_url(redis.url) as client:
            looks = (await client.info("commandstats"))["cmdstat_mget"]["calls"]
    assert looks == 1


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


async def test_records_that_redis_has_forgotten_are_written_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It comes back with what was on its disk, as with `appendfsync everysec`."""
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path / "one")) as one:
            kept = await converse(one)
            await save(redis)
            for outcome in (Attempt.OK, Attempt.REFUSED, Attempt.FAILED):
                await converse(one, outcome, account="main")
            waiting = posted()
            await one.post(waiting)
            redis.stop()
            redis.start()
            await one.settle(waiting, Settled(waiting.id, Attempt.OK))
            assert await caught_up(one)
            now = time.time()
            rows = await one.usage(now - DAY, now + DAY)
            assert {
                (row.alias, row.account): (row.conversations, row.unknown, row.units) for row in rows
            } == {
                ("(refused)", ""): (1, 0, 0),
                ("alice", ""): (2, 0, 28),
                ("alice", "main"): (2, 0, 28),
            }
            assert sum(row.prompt_tokens for row in rows) == 30
            assert one.current_usage(MAIN).own_units == 28
    assert caplog.text.count("Redis has forgotten") == 1
    assert kept.id not in caplog.text


async def test_look_at_redis_is_enough_to_write_again_what_it_has_forgotten(tmp_path: Path) -> None:
    """Each instance brings back its own records."""
    with RedisServer() as redis:
        stores = [redis_store(redis, tmp_path / name) for name in ("one", "two")]
        async with ledger_over(stores[0]) as one, ledger_over(stores[1]) as two:
            await converse(one)
            await save(redis)
            await converse(one)
            await converse(two)
            redis.stop()
            redis.start()
            for store in stores:
                with suppress(StoreError):  # its connection was cut
                    await store.check(write=False)
                await store.check(write=False)
            assert await units(one) == 42


async def flush(redis: RedisServer) -> None:
    async with Redis.from_url(redis.url) as client:
        await client.flushall()


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


async def test_clock_of_one_instance_that_is_wrong_frees_no_account(tmp_path: Path) -> None:
    allowed = Allowed(Allowance(), Allowance(window_messages=2))
    with RedisServer() as redis:
        ahead = Ledger(
            redis_store(redis, tmp_path / "ahead"),
            NO_LIMITS,
            Metrics(("chat",), []),
            retention_days=400,
            clock=lambda: time.time() + 400 * DAY,
            close_seconds=0.02,
        )
        ahead.start()
        async with ledger_over(redis_store(redis, tmp_path / "right")) as right:
            await converse(right, account="main", allowed=allowed)
            await ahead.post(posted(at=ahead.clock(), account="main"), allowed)
            for ledger in (ahead, right):
                with pytest.raises(AccountSpent) as spent:
                    await ledger.post(posted("bob", at=ledger.clock(), account="main"), allowed)
                assert spent.value.retry_after <= WINDOW
        await ahead.close()


async def test_window_moves_on(tmp_path: Path) -> None:
    limits = Limits(window=4, window_messages=2)
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path / "one", limits), limits) as ledger:
            for _ in range(2):
                await converse(ledger)
            with pytest.raises(LimitReached):
                await converse(ledger)
            await asyncio.sleep(5.1)
            await converse(ledger)


@asynccontextmanager
async def gauged(store: RedisStore, limits: Limits = NO_LIMITS) -> AsyncIterator[tuple[Ledger, Gauges]]:
    """A ledger that is loaded, and what gives its gauges of quota and window as a scraper gets them."""
    metrics = Metrics(("chat",), ["gpt-4-s"])

    def gauges() -> dict[str, float]:
        ledger.refresh_gauges({})
        values = {name: metrics.registry.get_sample_value(f"pandora_{name}") for name in GAUGES}
        return {name: value for name, value in values.items() if value is not None}

    async with ledger_over(store, limits, metrics=metrics) as ledger:
        await ledger.wait_until_loaded()
        yield ledger, gauges


async def test_gauges_show_what_was_booked_before_a_start(tmp_path: Path) -> None:
    """Before the first conversation after it; the window is the fullest one of a caller's own account."""
    limits = Limits(window=WINDOW, per_day=1400, window_messages=40)
    with RedisServer() as redis:
        async with gauged(redis_store(redis, tmp_path / "old", limits), limits) as (old, gauges):
            for alias in ("alice", "bob", "bob"):
                await converse(old, alias=alias)
            for _ in range(3):
                await converse(old, alias="lent", account="main")
            with_accounts = gauges()
        async with gauged(redis_store(redis, tmp_path / "new", limits), limits) as (_, gauges):
            booked = {"quota_used_units": 84, "quota_remaining_units": 1316, "gpt4_window_messages": 2}
            assert gauges() == booked
    assert with_accounts == booked | {"gpt4_window_messages": 3}


async def test_gauges_show_what_other_instances_book(tmp_path: Path) -> None:
    with RedisServer() as redis:
        async with (
            ledger_over(redis_store(redis, tmp_path / "one")) as one,
            gauged(redis_store(redis, tmp_path / "two")) as (_, gauges),
        ):
            assert gauges()["quota_used_units"] == 0
            await converse(one)
            await eventually(lambda: gauges()["quota_used_units"] == 14)


async def test_gauges_show_nothing_after_a_start_if_nothing_was_spent(tmp_path: Path) -> None:
    with RedisServer() as redis:
        async with ledger_over(redis_store(redis, tmp_path)) as ledger:
            await converse(ledger, Attempt.UNSENT)
        async with gauged(redis_store(redis, tmp_path)) as (_, gauges):
            assert gauges()["quota_used_units"] == gauges()["gpt4_window_messages"] == 0
