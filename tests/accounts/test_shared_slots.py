"""Places shared by several instances on a real Redis."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from redis.asyncio import Redis

from accounts import AccountQueue, Caller, KeyKind, SharedSlots, Slot
from accounts.shared_slots import Lease
from tests.accounts.test_queue import Counts
from tests.own_keys import own_slot
from tests.redis_cluster import RedisCluster, needs_cluster
from tests.redis_server import RedisServer, needs_redis
from translate.values import NotAdmitted

pytestmark = needs_redis
KEY = "fk-a-secret-key"


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    """An empty one."""
    redis_server.stop()
    redis_server.start()
    return redis_server


@pytest.fixture(params=["one server", pytest.param("a cluster", marks=needs_cluster)])
def shared(request: pytest.FixtureRequest) -> RedisServer | RedisCluster:
    """An empty one, or an empty cluster."""
    found: RedisServer | RedisCluster = request.getfixturevalue(
        "redis" if request.param == "one server" else "redis_cluster"
    )
    return found


@asynccontextmanager
async def instances(
    redis: RedisServer | RedisCluster,
    count: int = 2,
    max_wait: float = 10,
    make: Callable[[str], SharedSlots] = SharedSlots,
) -> AsyncIterator[list[AccountQueue]]:
    """As many queues as there are instances of the service."""
    slots = {KeyKind.SHARE: 1, KeyKind.POOL: 2, KeyKind.TOKEN: 1}
    queues = [
        AccountQueue(slots, max_waiting=100, max_wait=max_wait, metrics=Counts(), shared=make(redis.url))
        for _ in range(count)
    ]
    try:
        yield queues
    finally:
        for queue in queues:
            await queue.close()


async def held(queue: AccountQueue, key: str = KEY) -> Slot:
    slot = own_slot(queue, key)
    await slot.acquire()
    return slot


async def leased(shared: SharedSlots) -> Lease:
    lease = await shared.acquire(Caller(KEY).digest, 1)
    assert lease is not None
    return lease


async def names_in(redis: RedisServer | RedisCluster) -> list[str]:
    if isinstance(redis, RedisCluster):
        return [name for port in redis.ports for name in redis.ask(port, "KEYS", "*").splitlines()]
    client = Redis.from_url(redis.url, decode_responses=True)
    try:
        return sorted(str(name) for name in await client.keys("*"))
    finally:
        await client.aclose()


async def test_only_one_of_all_instances_has_the_slot(shared: RedisServer | RedisCluster) -> None:
    async with instances(shared) as (one, other):
        slot = await held(one)
        waiting = asyncio.create_task(held(other))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        (await held(other, "fk-another")).release()
        slot.release()
        (await waiting).release()


async def test_pool_has_its_slots_over_all_instances(shared: RedisServer | RedisCluster) -> None:
    async with instances(shared) as (one, other):
        slots = [await held(one, "pk-a"), await held(other, "pk-a")]
        third = asyncio.create_task(held(one, "pk-a"))
        await asyncio.sleep(0.1)
        assert not third.done()
        slots[1].release()
        (await third).release()
        slots[0].release()


@pytest.mark.timeout(30)
async def test_nobody_overlaps_and_everybody_is_served_however_many_leave(
    shared: RedisServer | RedisCluster,
) -> None:
    inside, served = 0, 0

    async def turn(queue: AccountQueue) -> None:
        nonlocal inside, served
        slot = await held(queue)
        inside += 1
        try:
            assert inside == 1
            await asyncio.sleep(0.002)
            served += 1
        finally:
            inside -= 1
            slot.release()

    async with instances(shared, 3, max_wait=25) as queues:
        tasks = [asyncio.create_task(turn(queues[number % 3])) for number in range(45)]
        await asyncio.sleep(0.05)
        leavers = [task for number, task in enumerate(tasks) if number % 4 == 0 and not task.done()]
        for task in leavers:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [result for result in results if isinstance(result, Exception)] == []
        assert served >= 45 - len(leavers)
    assert await names_in(shared) == [], "nothing is remembered of idle keys"


async def test_instances_take_turns(shared: RedisServer | RedisCluster) -> None:
    order: list[int] = []

    async def turn(queue: AccountQueue, number: int) -> None:
        slot = await held(queue)
        order.append(number)
        await asyncio.sleep(0.05)
        slot.release()

    async with instances(shared) as queues:
        first = await held(queues[0])
        many = [asyncio.create_task(turn(queues[0], 0)) for _ in range(6)]
        await asyncio.sleep(0.05)
        late = asyncio.create_task(turn(queues[1], 1))
        await asyncio.sleep(0.05)
        first.release()
        await asyncio.gather(*many, late)
        assert order.index(1) <= 2, "the only one of an instance waited for all of the other's"


class DyingInstance(SharedSlots):
    """An instance that dies gives nothing back."""

    async def withdraw(self, lease: Lease) -> None:
        """Do nothing."""


async def test_slot_of_a_dead_instance_is_free_when_its_lease_has_run_out(redis: RedisServer) -> None:
    dead = DyingInstance(redis.url, lease=0.3, waiter=0.3)
    other = SharedSlots(redis.url)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await leased(dead)
    queued = asyncio.create_task(leased(dead))
    await asyncio.sleep(0.05)
    queued.cancel()
    await dead.close()  # no renewal any more, and nothing was given back
    await (await leased(other)).release()
    assert 0.25 < loop.time() - began < 10, "a lease lasts for 15 seconds"
    await other.close()


async def test_lease_is_renewed_while_the_turn_goes_on(shared: RedisServer | RedisCluster) -> None:
    async with instances(shared, make=partial(SharedSlots, lease=3, renewal=0.1)) as (one, other):
        slot = await held(one)
        waiting = asyncio.create_task(held(other))
        await asyncio.sleep(3.5)
        assert not waiting.done()
        slot.release()
        (await waiting).release()


async def test_waiting_for_another_instance_for_too_long_is_refused(redis: RedisServer) -> None:
    async with instances(redis) as (one, other), instances(redis, 1, max_wait=0.2) as (impatient,):
        slot = await held(one)
        with pytest.raises(NotAdmitted):
            await held(impatient)
        slot.release()
        (await held(other)).release()


async def test_without_redis_each_instance_queues_by_itself_and_says_so_once(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pandora")
    async with instances(redis, make=partial(SharedSlots, retry=0.2)) as (one, other):
        (await held(one)).release()
        redis.stop()
        for _ in range(2):
            slot = await held(one)
            (await held(other)).release()
            second = asyncio.create_task(held(one))
            await asyncio.sleep(0.1)
            assert not second.done(), "the instance's own line still holds"
            slot.release()
            (await second).release()
        assert caplog.text.count("out of reach") == 2, "once per instance"
        redis.start()
        await asyncio.sleep(0.3)
        slot = await held(one)
        waiting = asyncio.create_task(held(other))
        await asyncio.sleep(0.1)
        assert not waiting.done(), "shared again"
        slot.release()
        (await waiting).release()
        assert "shared by all instances again" in caplog.text
    assert KEY not in caplog.text


async def test_redis_lost_in_mid_turn_harms_no_turn(redis: RedisServer) -> None:
    async with instances(redis) as (one, other):
        slot = await held(one)
        waiting = asyncio.create_task(held(other))
        await asyncio.sleep(0.05)
        redis.stop()
        async with asyncio.timeout(20):
            (await waiting).release()
            slot.release()
            (await held(one)).release()


async def test_many_keys_at_once_are_no_reason_to_give_up_on_redis(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with instances(redis, 1) as (queue,):
        slots = await asyncio.gather(*(held(queue, f"fk-{number}") for number in range(40)))
        names = await names_in(redis)
        assert sum(name.endswith(":held") for name in names) == 40
        for slot in slots:
            slot.release()
    assert [record for record in caplog.records if record.name == "pandora"] == []
    assert await names_in(redis) == []


async def test_keys_are_not_stored_as_they_are(redis: RedisServer) -> None:
    async with instances(redis, 1) as (queue,):
        slot = await held(queue)
        names = await names_in(redis)
        assert names
        assert all("secret" not in name for name in names)
        slot.release()


@pytest.mark.timeout(60)
async def test_slots_of_requests_that_gave_up_on_a_redis_that_stood_still_are_free_at_once(
    redis: RedisServer,
) -> None:
    """It grants what it was asked while it stood still, to requests that are gone."""
    async with instances(redis, max_wait=30, make=partial(SharedSlots, retry=0.1)) as (one, other):
        for queue in (one, other):
            (await held(queue)).release()
        await asyncio.sleep(0.1)
        redis.pause()
        leaver = asyncio.create_task(held(other, "fk-fourth"))
        slots = await asyncio.gather(*(held(one, key) for key in (KEY, "fk-another", "fk-third")))
        for slot in slots:
            slot.release()
        if not leaver.cancel():
            (await leaver).release()
        redis.resume()
        await asyncio.sleep(0.2)
        began = asyncio.get_running_loop().time()
        for queue in (one, other):
            for key in (KEY, "fk-another", "fk-third", "fk-fourth"):
                (await held(queue, key)).release()
        assert asyncio.get_running_loop().time() - began < 8, "a lease lasts for 15 seconds"


@pytest.mark.timeout(60)
async def test_slot_released_while_redis_stood_still_is_free_at_once(redis: RedisServer) -> None:
    """Also when a renewal was under way, which comes after all."""
    make = partial(SharedSlots, retry=0.1, renewal=0.05)
    async with instances(redis, max_wait=30, make=make) as (one, other):
        slot = await held(one)
        redis.pause()
        await asyncio.sleep(0.3)
        slot.release()
        await asyncio.sleep(0.3)
        redis.resume()
        began = asyncio.get_running_loop().time()
        (await held(other)).release()
        assert asyncio.get_running_loop().time() - began < 8, "a lease lasts for 15 seconds"
