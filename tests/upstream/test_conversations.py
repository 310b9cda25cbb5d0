"""A conversation as its owner sees it, with event streams for answers. Those over sockets are in `socket`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from accounts import Credential
from tests.scripted_server import EVENT_STREAM, JSON, ScriptedServer, Verb, rst, send, stall, status
from tests.upstream.rig import ANSWER, KEY, ME, PAYLOAD, POSTED, PREFIX, Client, Reader, nothing_left
from upstream import Aborted, ConnectionLost, Exchange, ResponseRefused

pytestmark = pytest.mark.timeout(seconds=60)


@dataclass
class World:
    """The clients, and a backend with a script."""

    client: Client
    server: ScriptedServer

    async def converse(self, reader: Reader | None = None, exchange: Exchange | None = None) -> None:
        await self.client.converse(ME, POSTED, reader or Reader(), exchange or Exchange())


@asynccontextmanager
async def world(*scripts: Sequence[Verb]) -> AsyncIterator[World]:
    """Yield both; afterwards, no fd and no task may be left."""
    async with nothing_left(), ScriptedServer(*scripts) as server:
        client = Client(server.url)
        yield World(client, server)
        client.close()


async def test_conversation_is_posted_as_it_is_and_its_stream_reaches_the_reader() -> None:
    exchange, reader = Exchange(), Reader()
    async with world(ANSWER) as here:
        await here.converse(reader, exchange)
        request = here.server.connections[0].request
    assert request is not None
    assert (request.method, request.path) == ("POST", f"/{PREFIX}/backend-api/conversation")
    assert request.body == PAYLOAD
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept"] == "text/event-stream"
    assert reader.content == b"data: hello\n\n"
    assert (exchange.status, exchange.content_type) == (200, "text/event-stream")
    assert exchange.reached_backend
    assert not exchange.aborted


@pytest.mark.parametrize("code", [200, 302, 429, 500])
async def test_any_answer_but_an_event_stream_is_refused_with_its_body(code: int) -> None:
    headers = {**JSON, "Retry-After": "90", "Content-Length": "14"}
    async with world([status(code, headers), send(b'{"detail":"x"}')]) as here:
        reader = Reader()
        with pytest.raises(ResponseRefused) as caught:
            await here.converse(reader)
    refused = caught.value
    assert (refused.status, refused.content_type) == (code, "application/json")
    assert (refused.headers, refused.body) == ({"retry-after": "90"}, b'{"detail":"x"}')
    assert reader.pieces == []


async def test_connection_that_breaks_is_lost() -> None:
    async with world([rst()]) as here:
        with pytest.raises(ConnectionLost) as caught:
            await here.converse()
    assert caught.value.phase == "before_headers"


async def test_one_exchange_serves_one_conversation_only() -> None:
    exchange = Exchange()
    async with world(ANSWER) as here:
        await here.converse(exchange=exchange)
        with pytest.raises(RuntimeError):
            await here.converse(exchange=exchange)


async def test_credential_that_can_not_travel_in_a_header_is_refused_unseen() -> None:
    async with world(ANSWER) as here:
        with pytest.raises(ValueError, match="key"):
            await here.client.converse(Credential("a\r\nX: 1"), POSTED, Reader(), Exchange())
        assert not here.server.connections


async def test_abort_before_the_call_posts_nothing() -> None:
    exchange = Exchange()
    exchange.abort()
    async with world(ANSWER) as here:
        with pytest.raises(Aborted):
            await here.converse(exchange=exchange)
        assert not here.server.connections
    assert not exchange.reached_backend


async def test_closing_the_client_aborts_what_is_under_way() -> None:
    exchange = Exchange()
    async with world([status(200, EVENT_STREAM), stall()]) as here:
        task = asyncio.create_task(here.converse(exchange=exchange))
        connection = await here.server.connected()
        here.client.close()
        with pytest.raises(Aborted):
            await task
        assert await connection.gone_within(1)
        with pytest.raises(Aborted):
            await here.converse()
    assert exchange.aborted
