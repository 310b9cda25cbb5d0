"""Two instances of the service with one Redis, over a backend that answers one message at a time."""

import asyncio

import pytest

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
