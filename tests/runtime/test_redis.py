"""Redis is asked with short limits, and by no more than so many connections."""

import asyncio
import socket
import time
from typing import Any

import pytest

from runtime import connect_redis, redis_failures
from runtime.redis import CONNECTIONS
from tests.eventually import go_on
from tests.redis_cluster import RedisCluster, needs_cluster
from tests.redis_server import RedisServer, needs_redis

SCHEMES = ["redis", "redis+cluster"]


@needs_redis
async def test_many_commands_share_a_few_connections() -> None:
    with RedisServer() as server:
        client = connect_redis(server.url, decode_responses=True)
        await asyncio.gather(*(client.set(f"name-{number}", number) for number in range(2 * CONNECTIONS)))
        assert await client.get("name-7") == "7"
        assert (await client.info("clients"))["connected_clients"] <= CONNECTIONS
        await client.aclose()


@needs_redis
async def test_answers_are_bytes_unless_text_is_wanted() -> None:
    with RedisServer() as server:
        client = connect_redis(server.url)
        await client.set("name", "value")
        assert await client.get("name") == b"value"
        await client.aclose()


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_server_that_does_not_answer_is_given_up(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        client = connect_redis(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/0", answer_seconds=0.1)
        async with asyncio.timeout(20):
            with pytest.raises(redis_failures()):
                await client.ping()
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):  # it is not asked again
            silent.accept()
        await client.aclose()


@needs_redis
async def test_redis_that_does_not_take_a_command_is_given_up() -> None:
    """The kernel has no room for all of it."""
    with RedisServer() as server:
        client = connect_redis(server.url, answer_seconds=0.5)
        await client.set("name", "value")
        server.pause()
        async with asyncio.timeout(20):
            with pytest.raises(redis_failures()):
                await client.set("name", bytes(50_000_000))
        server.stop()
        await go_on(0.2)  # the connection, which had much to send, hears of it
        await client.aclose()


@needs_cluster
@pytest.mark.parametrize("turns", [4, 12, 24])
async def test_nodes_of_a_cluster_are_not_blamed_for_a_loop_that_is_held_up(
    redis_cluster: RedisCluster, turns: int
) -> None:
    client = connect_redis(redis_cluster.url, decode_responses=True, answer_seconds=0.3)
    for _ in range(2):
        setting = asyncio.gather(*(client.set(f"name-{number}", number) for number in range(60)))
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(0.7)  # noqa: ASYNC251 - as many answers at once may do on a slow machine
        await setting
    await client.aclose()


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_address_at_which_nobody_listens_is_out_of_reach(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    client = connect_redis(f"{scheme}://127.0.0.1:{port}/0")
    with pytest.raises(redis_failures()):
        await client.ping()
    await client.aclose()


@needs_cluster
async def test_commands_go_to_the_nodes_of_a_cluster_that_have_their_keys(
    redis_cluster: RedisCluster,
) -> None:
    client = connect_redis(redis_cluster.url, decode_responses=True)
    names = [f"name-{number}" for number in range(4 * CONNECTIONS)]
    await asyncio.gather(*(client.set(name, name) for name in names))
    assert await asyncio.gather(*(client.get(name) for name in names)) == names
    kept = [int(redis_cluster.ask(port, "DBSIZE")) for port in redis_cluster.ports]
    assert sum(kept) == len(names)
    assert min(kept) > 0
    for port in redis_cluster.ports:
        told = redis_cluster.ask(port, "INFO", "clients")
        assert int(told.partition("connected_clients:")[2].split()[0]) <= CONNECTIONS + 2, "and redis-cli"
    await client.aclose()


@needs_cluster
async def test_pipelines_of_a_cluster_wait_for_a_connection(redis_cluster: RedisCluster) -> None:
    client = connect_redis(redis_cluster.url, decode_responses=True)

    async def count(number: int) -> list[Any]:
        pipeline = client.pipeline(transaction=False)
        pipeline.set(f"{{one}}:{number}", number)
        pipeline.get(f"{{one}}:{number}")
        return await pipeline.execute()

    told = await asyncio.gather(*(count(number) for number in range(4 * CONNECTIONS)))
    assert told == [[True, str(number)] for number in range(4 * CONNECTIONS)]
    await client.aclose()


@needs_cluster
async def test_keys_of_a_node_that_died_are_found_at_its_replica() -> None:
    with RedisCluster(replicas=True) as cluster:
        client = connect_redis(cluster.url, decode_responses=True, answer_seconds=1.0)
        pipelines = connect_redis(cluster.url, decode_responses=True, answer_seconds=1.0)

        async def pipelined() -> list[Any]:
            pipeline = pipelines.pipeline(transaction=False)
            pipeline.get("{pandora}:name")
            return await pipeline.execute()

        await client.set("{pandora}:name", "value")
        assert await pipelined() == ["value"]
        cluster.kill_owner()
        with pytest.raises(redis_failures()):
            await client.get("{pandora}:name")
        with pytest.raises(redis_failures()):
            await pipelined()
        assert await client.get("{pandora}:name") == "value"
        assert await pipelined() == ["value"]
        await client.aclose()
        await pipelines.aclose()


@needs_redis
async def test_answer_that_came_while_the_loop_was_held_up_is_taken() -> None:
    with RedisServer() as server:
        address = f"{server.url}?socket_timeout=0.4&socket_connect_timeout=0.4&timeout=0.4"
        client = connect_redis(address, decode_responses=True)
        names = [f"name-{number}" for number in range(CONNECTIONS + 5)]
        held: list[asyncio.Future[Any]] = [asyncio.ensure_future(client.set(name, "x")) for name in names]
        for _ in range(8):  # while they connect, wait for a connection, and wait for their answers
            await asyncio.sleep(0)
            time.sleep(0.6)  # noqa: ASYNC251 - as many answers at once may do on a slow machine
        assert await asyncio.gather(*held) == [True] * len(held)
        await client.aclose()
