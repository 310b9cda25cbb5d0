"""The ledger in a Redis cluster: as in a single Redis, also while its slot moves or its node dies."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from ledger import DAY, Allowance, KeyNames, Limits, RedisStore
from ledger.limits import HOUR, Allowed, LimitReached
from ledger.records import Capped, Counted, Posted, Settled
from ledger.store import PendingRecord, StoreError
from metrics import Attempt
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
from tests.redis_cluster import RedisCluster, needs_cluster
from tests.redis_server import RedisServer

pytestmark = needs_cluster
TIGHT = Allowed(Allowance(14 * 8, 8), Allowance(14 * 3, 3))


def store_at(url: str, folder: Path, limits: Limits = NO_LIMITS) -> RedisStore:
    folder.mkdir(exist_ok=True)
    return RedisStore(url, limits, KeyNames(b"s" * 32, {}), folder / "secret", 10 * DAY)


async def told_by(url: str, folder: Path) -> list[Any]:
    """All that a ledger there says of the same records."""
    store = store_at(url, folder)
    now = 20_000 * DAY + HOUR * 2.5
    told: list[Any] = []
    try:
        await store.load(0.0)
        for number, outcome in enumerate((Attempt.OK, Attempt.REFUSED, Attempt.OK, None, Attempt.OK)):
            for account in ("", "main"):
                entry = Posted(
                    f"id-{number}-{account}",
                    now + number,
                    "alice",
                    "gpt-4-s",
                    "gpt-4",
                    14,
                    True,
                    "m",
                    account,
                )
                records: list[Posted | Settled | Counted | Capped] = [entry]
                if outcome is not None:
                    records.append(Settled(entry.id, outcome, "gpt-4", "conversation", 1.0, 0.5))
                records.append(Counted(entry.id, 10 + number, 20))
                told.append(await store.write([PendingRecord(record, TIGHT) for record in records]))
        caps = Capped("alice", "gpt-4", time.time() + HOUR), Capped("alice", "gpt-4", now + HOUR, "main")
        await store.write([PendingRecord(record) for record in caps])
        told.append(await store.usage(now - DAY, now + DAY, DAY, None))
        told.append(await store.usage(now - DAY, now + DAY, HOUR, "alice"))
        told.append(await store.accounts({"main": 3}, int(now // DAY)))
        told.append([await store.total(int(now // DAY)), await store.fullest_window(now + HOUR / 4)])
        told.append([await store.unsettled(owner, now + DAY) for owner in (ALICE, MAIN)])
    finally:
        await store.close()
    return told


async def test_every_step_is_that_of_a_single_redis(redis_cluster: RedisCluster, tmp_path: Path) -> None:
    with RedisServer() as redis:
        single = await told_by(redis.url, tmp_path / "single")
    told = await told_by(redis_cluster.url, tmp_path / "cluster")
    assert told == single
    assert any(row.free for row in told[-5])
    assert all(told[-2])
    assert [len(entries) for entries in told[-1]] == [1, 1]


async def test_instances_share_limits_to_the_last_unit(redis_cluster: RedisCluster, tmp_path: Path) -> None:
    limits = Limits(window=WINDOW, per_day=14 * 10)
    async with (
        ledger_over(store_at(redis_cluster.url, tmp_path / "one", limits), limits) as one,
        ledger_over(store_at(redis_cluster.url, tmp_path / "two", limits), limits) as two,
    ):
        results = await asyncio.gather(
            *(converse((one, two)[number % 2]) for number in range(30)), return_exceptions=True
        )
        assert sum(isinstance(result, LimitReached) for result in results) == 20
        assert await units(one) == await units(two) == 140


@pytest.mark.timeout(60)
@pytest.mark.parametrize("behind", [False, True])
async def test_node_that_dies_costs_no_record(
    tmp_path: Path, behind: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Also if its replica has not heard of the last ones."""
    with RedisCluster(replicas=True) as cluster:
        async with ledger_over(store_at(cluster.url, tmp_path)) as ledger:
            for _ in range(5):
                await converse(ledger)
            if behind:
                await asyncio.to_thread(cluster.cut_off_replica)
            for _ in range(5):
                await converse(ledger)
            await asyncio.to_thread(cluster.kill_owner)
            for _ in range(20):
                await converse(ledger)
            assert await caught_up(ledger)
            assert await units(ledger) == 30 * 14
    if behind:
        assert "15 records are written again" in caplog.text


@pytest.mark.timeout(30)
async def test_slot_that_moves_loses_nothing_and_has_nothing_twice(
    redis_cluster: RedisCluster, tmp_path: Path
) -> None:
    """While instances go on; also what runs meanwhile and costs nothing is given back in full."""
    async with (
        ledger_over(store_at(redis_cluster.url, tmp_path / "one")) as one,
        ledger_over(store_at(redis_cluster.url, tmp_path / "two")) as two,
    ):
        moving = asyncio.create_task(asyncio.to_thread(redis_cluster.move_slot))
        count = 0
        while count < 20 or not moving.done():
            await converse(one, Attempt.REFUSED if count % 2 else Attempt.OK)
            await converse(two, account="main")
            count += 1
        assert redis_cluster.owner() == await moving
        assert await caught_up(one)
        assert await caught_up(two)
        rows = await one.usage(time.time() - DAY, time.time() + DAY)
        spent = {(row.alias, row.account): (row.conversations, row.unknown, row.units) for row in rows}
        half = (count + 1) // 2
        assert spent == {
            ("(refused)", ""): (count - half, 0, 0),
            ("alice", ""): (half, 0, half * 14),
            ("alice", "main"): (count, 0, count * 14),
        }


@pytest.mark.parametrize("gone", ["nothing", "day", "key-units", "account-window", "entry", "all"])
async def test_step_in_the_middle_of_a_move_is_refused_and_leaves_no_half(
    redis_cluster: RedisCluster, tmp_path: Path, gone: str
) -> None:
    """Some of the keys are on the new node already, and the slot is on the old one."""
    store = store_at(redis_cluster.url, tmp_path)
    entry = posted(account="main")
    await store.write([PendingRecord(entry)])
    source, target = redis_cluster.begin_move()
    keys = redis_cluster.keys(source)
    moved = [key for key in keys if gone == "all" or key.startswith(f"{{pandora}}:{gone}:")]
    assert bool(moved) == (gone != "nothing")
    if moved:
        redis_cluster.move_keys(source, target, *moved)
    steps = [
        [PendingRecord(posted("bob", account="main"))],
        [PendingRecord(Settled(entry.id, Attempt.REFUSED))],
    ]
    for step in steps:
        with pytest.raises(StoreError):
            await store.write(step)
    assert sorted(redis_cluster.keys(source) + redis_cluster.keys(target)) == sorted(keys)
    redis_cluster.finish_move(source, target)
    for step in steps:
        await store.write(step)
    now = time.time()
    rows = await store.usage(now - DAY, now + DAY, DAY, None)
    assert [(row.alias, row.conversations, row.units) for row in rows] == [
        ("(refused)", 1, 0),
        ("bob", 1, 14),
    ]
    await store.close()
