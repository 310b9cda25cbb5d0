"""Redis is asked with short limits, and by no more than so many connections."""

import asyncio
import socket
import time

import pytest

from runtime import connect_redis, redis_failures
from runtime.redis import CONNECTIONS
from tests.redis_server import RedisServer, needs_redis


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


async def test_server_that_does_not_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = connect_redis(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", answer_seconds=0.1)
        began = time.monotonic()
        with pytest.raises(redis_failures()):
            await client.ping()
        assert time.monotonic() - began < 2, "and it is not asked again"
        await client.aclose()


async def test_address_at_which_nobody_listens_is_out_of_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    client = connect_redis(f"redis://127.0.0.1:{port}/0")
    with pytest.raises(redis_failures()):
        await client.ping()
    await client.aclose()
