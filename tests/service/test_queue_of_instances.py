"""Two instances of the service with one Redis, over a backend that answers one message at a time."""

import asyncio

import pytest
from redis.asyncio import Redis

from tests.redis_server import RedisServer, needs_redis
from tests.service.deployment import deployed
from tests.service.test_queue import QUEUED, STRICT, refused_by_backend

pytestmark = needs_redis


@pytest.mark.timeout(30)
async def test_burst_over_two_instances_never_meets_a_busy_account() -> None:
    with RedisServer() as redis:
        env = QUEUED | {"REDIS_URL": redis.url}
        async with (
            deployed(env, STRICT) as one,
            deployed(env | {"BASE_URL": one.simulator.url}) as other,
        ):
            instances = [one, other]
            answers = await asyncio.gather(*(instances[number % 2].chat(stream=True) for number in range(30)))
            assert [answer.status for answer in answers] == [200] * 30
            assert refused_by_backend(one) == 0
            assert one.upstream.attempts == 30
            assert [len(instance.server.service.queue) for instance in instances] == [0, 0]


@pytest.mark.timeout(60)
async def test_key_has_one_name_in_the_ledger_after_redis_lost_everything_and_an_instance_is_new(
    loud_log: pytest.LogCaptureFixture,
) -> None:
    with RedisServer() as redis:
        env = {"REDIS_URL": redis.url}
        async with deployed(env) as old:
            await old.chat("Hello")
            client = Redis.from_url(redis.url)
            await client.flushall()
            await client.aclose()
            async with deployed(env | {"BASE_URL": old.simulator.url}) as new:
                for service in (new, old, new):
                    assert (await service.chat("Hello")).status == 200
                usage = await old.ask("GET", "/v1/usage", key="")
    (row,) = usage.json["data"]
    assert row["key"].startswith("k-")
    assert row["conversations"] in (3, 4), "the old one knows of the first, if it is also the first to look"
