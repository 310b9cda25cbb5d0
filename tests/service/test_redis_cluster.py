"""Instances of the service that share a Redis cluster."""

import asyncio

import pytest

from tests.eventually import eventually
from tests.redis_cluster import RedisCluster, needs_cluster
from tests.service.deployment import Deployment, deployed
from tests.service.test_queue import QUEUED, STRICT, refused_by_backend

pytestmark = needs_cluster


async def conversations(service: Deployment) -> int:
    """How many the ledger tells of, in all."""
    usage = await service.ask("GET", "/v1/usage", key="")
    return sum(row["conversations"] for row in usage.json["data"])


@pytest.mark.timeout(30)
async def test_instances_share_queues_ledger_and_what_was_said(redis_cluster: RedisCluster) -> None:
    env = QUEUED | {"REDIS_URL": redis_cluster.url}
    async with (
        deployed(env, STRICT) as one,
        deployed(env | {"BASE_URL": one.simulator.url}) as other,
    ):
        both = [one, other]
        answers = await asyncio.gather(*(both[number % 2].chat(stream=True) for number in range(20)))
        assert [answer.status for answer in answers] == [200] * 20
        assert refused_by_backend(one) == 0
        assert await conversations(one) == await conversations(other) == 20

        kept = await one.post({"model": "gpt-4-s", "input": "My name is Ada."}, path="/v1/responses")
        again = await other.ask("GET", f"/v1/responses/{kept.json['id']}")
        assert again.json["output"] == kept.json["output"]

        first = {"role": "user", "content": "Tell me of the sea."}
        begun = await one.post({"model": "gpt-4-s", "messages": [first]})
        said = begun.json["choices"][0]["message"]
        history = [first, said, {"role": "user", "content": "And of the land?"}]
        gone_on = await other.post({"model": "gpt-4-s", "messages": history})
        assert gone_on.headers["x-conversation"] == "continued"
    held = [redis_cluster.ask(port, "KEYS", "pandora:queue:*") for port in redis_cluster.ports]
    assert held == ["", "", ""], "no slot is held, and nobody waits"


@pytest.mark.timeout(60)
async def test_no_answer_and_no_record_is_lost_with_a_node(loud_log: pytest.LogCaptureFixture) -> None:
    with RedisCluster(replicas=True) as cluster:
        async with deployed(QUEUED | {"REDIS_URL": cluster.url}) as service:
            assert (await service.chat()).status == 200
            dying = asyncio.create_task(asyncio.to_thread(cluster.kill_owner))
            count = 1
            while not dying.done():
                assert (await service.chat()).status == 200
                count += 1
            await dying
            assert (await service.chat()).status == 200
            ledger = service.server.service.charges.ledger
            await eventually(lambda: not ledger.failing and not ledger.backlog)
            assert await conversations(service) == count + 1
            assert len(service.posted) == count + 1
    assert str(cluster.ports[0]) not in loud_log.text
