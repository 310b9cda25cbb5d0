"""Places shared by several instances on a real Redis."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from accounts import shared_slots as leases
from accounts.queue import KeyQueue, Place
from accounts.shared_slots import Lease, SharedPlaces
from tests.accounts.test_places import Counts
from tests.redis_server import RedisServer, needs_redis
from translate.values.errors import NotAdmitted

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


@asynccontextmanager
async def instances(
    redis: RedisServer, count: int = 2, max_wait: float = 10
) -> AsyncIterator[list[KeyQueue]]:
    """As many queues as there are instances of the service."""
    places = {"fk": 1, "pk": 2, "token": 1}
    queues = [
        KeyQueue(places, max_waiting=100, max_wait=max_wait, metrics=Counts(), shared=SharedPlaces(redis.url))
        for _ in range(count)
    ]
    try:
        yield queues
    finally:
        for queue in queues:
            await queue.close()


async def held(queue: KeyQueue, key: str = KEY) -> Place:
    place = queue.place(key)
    await place.acquire()
    return place


async def taken(shared: SharedPlaces) -> Lease:
    lease = await shared.take(KEY, 1)
    assert lease is not None
    return lease


async def names_in(redis: RedisServer) -> list[str]:
    client = Redis.from_url(redis.url, decode_responses=True)
    try:
        return sorted(str(name) for name in await client.keys("*"))
    finally:
        await client.aclose()


async def test_only_one_of_all_instances_has_the_place(redis: RedisServer) -> None:
    async with instances(redis) as (one, other):
        place = await held(one)
        waiting = asyncio.create_task(held(other))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        (await held(other, "fk-another")).release()
        place.release()
        (await waiting).release()


async def test_pool_has_its_places_over_all_instances(redis: RedisServer) -> None:
    async with instances(redis) as (one, other):
        places = [await held(one, "pk-a"), await held(other, "pk-a")]
        third = asyncio.create_task(held(one, "pk-a"))
        await asyncio.sleep(0.1)
        assert not third.done()
        places[1].release()
        (await third).release()
        places[0].release()


@pytest.mark.timeout(30)
async def test_nobody_overlaps_and_everybody_is_served_however_many_leave(redis: RedisServer) -> None:
    inside, served = 0, 0

    async def turn(queue: KeyQueue) -> None:
        nonlocal inside, served
        place = await held(queue)
        inside += 1
        try:
            assert inside == 1
            await asyncio.sleep(0.002)
            served += 1
        finally:
            inside -= 1
            place.release()

    async with instances(redis, 3, max_wait=25) as queues:
        tasks = [asyncio.create_task(turn(queues[number % 3])) for number in range(45)]
        await asyncio.sleep(0.05)
        leavers = [task for number, task in enumerate(tasks) if number % 4 == 0 and not task.done()]
        for task in leavers:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [result for result in results if isinstance(result, Exception)] == []
        assert served >= 45 - len(leavers)
    assert await names_in(redis) == [], "nothing is remembered of idle keys"


async def test_instances_take_turns(redis: RedisServer) -> None:
    order: list[int] = []

    async def turn(queue: KeyQueue, number: int) -> None:
        place = await held(queue)
        order.append(number)
        await asyncio.sleep(0.05)
        place.release()

    async with instances(redis) as queues:
        first = await held(queues[0])
        many = [asyncio.create_task(turn(queues[0], 0)) for _ in range(6)]
        await asyncio.sleep(0.05)
        late = asyncio.create_task(turn(queues[1], 1))
        await asyncio.sleep(0.05)
        first.release()
        await asyncio.gather(*many, late)
        assert order.index(1) <= 2, "the only one of an instance waited for all of the other's"


async def test_place_of_a_dead_instance_is_free_when_its_lease_has_run_out(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(leases, "WAITER_SECONDS", 0.3)
    dead, other = SharedPlaces(redis.url), SharedPlaces(redis.url)
    await taken(dead)
    queued = asyncio.create_task(taken(dead))
    await asyncio.sleep(0.05)
    monkeypatch.setattr(dead, "withdraw", _never)
    queued.cancel()
    await dead.close()  # no renewal any more, and nothing was given back
    loop = asyncio.get_running_loop()
    began = loop.time()
    await (await taken(other)).release()
    assert 0.1 < loop.time() - began < 2
    await other.close()


async def _never(_: Lease) -> None:
    """A dead instance gives nothing back."""


async def test_lease_is_renewed_while_the_turn_goes_on(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.4)
    monkeypatch.setattr(leases, "RENEWAL_SECONDS", 0.1)
    async with instances(redis) as (one, other):
        place = await held(one)
        waiting = asyncio.create_task(held(other))
        await asyncio.sleep(1)
        assert not waiting.done()
        place.release()
        (await waiting).release()


async def test_waiting_for_another_instance_for_too_long_is_refused(redis: RedisServer) -> None:
    async with instances(redis, max_wait=0.2) as (one, other):
        place = await held(one)
        with pytest.raises(NotAdmitted):
            await held(other)
        place.release()
        (await held(other)).release()


async def test_without_redis_each_instance_queues_by_itself_and_says_so_once(
    redis: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "pandora")
    monkeypatch.setattr(leases, "AWAY_SECONDS", 0.2)
    async with instances(redis) as (one, other):
        (await held(one)).release()
        redis.stop()
        for _ in range(2):
            place = await held(one)
            (await held(other)).release()
            second = asyncio.create_task(held(one))
            await asyncio.sleep(0.1)
            assert not second.done(), "the instance's own line still holds"
            place.release()
            (await second).release()
        assert caplog.text.count("out of reach") == 2, "once per instance"
        redis.start()
        await asyncio.sleep(0.3)
        place = await held(one)
        waiting = asyncio.create_task(held(other))
        await asyncio.sleep(0.1)
        assert not waiting.done(), "shared again"
        place.release()
        (await waiting).release()
        assert "shared by all instances again" in caplog.text
    assert KEY not in caplog.text


async def test_redis_lost_in_mid_turn_harms_no_turn(redis: RedisServer) -> None:
    async with instances(redis) as (one, other):
        place = await held(one)
        waiting = asyncio.create_task(held(other))
        await asyncio.sleep(0.05)
        redis.stop()
        async with asyncio.timeout(5):
            (await waiting).release()
            place.release()
            (await held(one)).release()


async def test_many_keys_at_once_are_no_reason_to_give_up_on_redis(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with instances(redis, 1) as (queue,):
        places = await asyncio.gather(*(held(queue, f"fk-{number}") for number in range(300)))
        for place in places:
            assert place.lease is not None
            place.release()
    assert caplog.text == ""
    assert await names_in(redis) == []


async def test_keys_are_not_stored_as_they_are(redis: RedisServer) -> None:
    async with instances(redis, 1) as (queue,):
        place = await held(queue)
        names = await names_in(redis)
        assert names
        assert all("secret" not in name for name in names)
        place.release()
