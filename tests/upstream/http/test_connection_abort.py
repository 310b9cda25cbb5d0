"""Stopping an exchange: from outside, by cancelling, by a failing reader; in every state it can be in."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tornado.iostream import StreamClosedError

from tests.eventually import eventually
from tests.scripted_server import EVENT_STREAM, JSON, Verb, chunk, flood, send, stall, status, trickle
from tests.upstream.rig import (
    ANSWER,
    ME,
    PATIENT,
    PREFIX,
    STREAM_PATH,
    Reader,
    StuckReader,
    nothing_left,
    rig,
    stream,
    unanswering_address,
)
from upstream import Aborted, Exchange, HttpClient

pytestmark = pytest.mark.timeout(seconds=60)

STATES: dict[str, Sequence[Verb]] = {
    "no answer yet": [stall()],
    "informational answer only": [status(103), stall()],
    "half a header block": [send(b"HTTP/1.1 200 OK\r\nContent-"), stall()],
    "silent after the headers": [status(200, EVENT_STREAM), stall()],
    "silent in a chunk": [status(200, EVENT_STREAM), send(b"ff\r\ndata: "), stall()],
    "silent between chunks": [status(200, EVENT_STREAM), chunk(b"data: 1\n\n"), stall()],
    "silent in a body with length": [
        status(200, {"Content-Type": "text/event-stream", "Content-Length": "99"}),
        send(b"data: "),
        stall(),
    ],
    "silent in a body without length": [status(200, {"Content-Type": "text/event-stream"}), stall()],
    "flowing": [status(200, EVENT_STREAM), flood(b"9\r\ndata: 1\n\n\r\n")],
    "in an error body": [status(500, JSON), send(b"{"), stall()],
}


@pytest.mark.parametrize("state", STATES)
async def test_abort_closes_the_socket_and_frees_the_slot_when(state: str) -> None:
    exchange = Exchange()
    async with rig(STATES[state], ANSWER, max_clients=1) as world:
        task = world.start(exchange=exchange)
        connection = await world.connected()
        await asyncio.sleep(0.02)
        exchange.abort()
        exchange.abort()
        with pytest.raises(Aborted):
            await task
        assert await connection.gone_within(1)
        assert exchange.aborted
        assert exchange.reached_backend
        reader = Reader()
        await world.stream(reader)
        assert reader.content == b"data: hello\n\n"


@pytest.mark.parametrize("state", STATES)
async def test_cancelling_closes_the_socket_and_frees_the_slot_when(state: str) -> None:
    exchange = Exchange()
    async with rig(STATES[state], ANSWER, max_clients=1) as world:
        task = world.start(exchange=exchange)
        connection = await world.connected()
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await connection.gone_within(1)
        assert exchange.aborted
        await world.stream()


@pytest.mark.parametrize("how", ["abort", "cancel"])
@pytest.mark.parametrize("seconds", [0.0, 0.05])
async def test_stopping_while_connecting_leaves_no_socket_behind(how: str, seconds: float) -> None:
    exchange = Exchange()
    with unanswering_address() as address:
        async with nothing_left():  # looks at the descriptors, so the half-made socket must be gone
            client = HttpClient(address, PREFIX, PATIENT, max_clients=1)
            task = asyncio.create_task(stream(client, Reader(), exchange))
            await asyncio.sleep(seconds)
            if how == "abort":
                exchange.abort()
                with pytest.raises(Aborted):
                    await task
            else:
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert not exchange.reached_backend
            client.close()


@pytest.mark.parametrize("turns", range(12))
async def test_abort_at_any_turn_of_connecting_leaves_nothing_open(turns: int) -> None:
    exchange = Exchange()
    async with rig([stall()], reads_request=False) as world:
        task = world.start(exchange=exchange)
        for _ in range(turns):
            await asyncio.sleep(0)
        exchange.abort()
        with pytest.raises(Aborted):
            await task
        await asyncio.sleep(0.02)
        assert all(connection.gone for connection in world.server.connections)


@pytest.mark.parametrize("step", ["name resolved", "connected"])
async def test_abort_in_the_very_turn_in_which_connecting_gets_on_leaves_nothing_open(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, loop = Exchange(), asyncio.get_running_loop()
    connect, call_soon_threadsafe = loop.sock_connect, loop.call_soon_threadsafe

    async def connect_and_abort(*given: Any) -> None:
        await connect(*given)
        exchange.abort()

    def resolve_and_abort(callback: Callable[..., object], *given: Any) -> asyncio.Handle:
        def both() -> None:
            callback(*given)
            exchange.abort()

        return call_soon_threadsafe(both)

    if step == "connected":
        monkeypatch.setattr(loop, "sock_connect", connect_and_abort)
    else:
        monkeypatch.setattr(loop, "call_soon_threadsafe", resolve_and_abort)
    async with rig([stall()], reads_request=False) as world:
        client = HttpClient(world.server.url.replace("127.0.0.1", "localhost"), PREFIX, PATIENT)
        with pytest.raises(Aborted):
            await stream(client, Reader(), exchange)
        client.close()
        await asyncio.sleep(0.02)
        for connection in world.server.connections:
            assert await connection.gone_within(1)
    assert not exchange.reached_backend


@pytest.mark.parametrize("how", ["abort", "cancel"])
async def test_stopping_in_the_queue_never_connects_and_keeps_the_queue_going(how: str) -> None:
    running, queued, last = Exchange(), Exchange(), Exchange()
    async with rig([stall()], ANSWER, max_clients=1) as world:
        first = world.start(exchange=running)
        await world.connected()
        second = world.start(exchange=queued)
        third = world.start(exchange=last)
        await asyncio.sleep(0.02)
        if how == "abort":
            queued.abort()
        else:
            second.cancel()
        with pytest.raises((Aborted, asyncio.CancelledError)):
            await second
        assert not queued.reached_backend
        assert not first.done()
        assert not third.done()
        running.abort()
        with pytest.raises(Aborted):
            await first
        await third
        assert len(world.server.connections) == 2


async def test_abort_after_the_end_does_nothing() -> None:
    exchange = Exchange()
    async with rig(ANSWER) as world:
        await world.stream(exchange=exchange)
    exchange.abort()
    assert not exchange.aborted
    assert exchange.status == 200


async def test_reader_may_abort_its_own_exchange_and_finish_what_it_has() -> None:
    exchange, finished = Exchange(), []

    class Enough(Reader):
        async def __call__(self, data: bytes) -> None:
            await super().__call__(data)
            if len(self.pieces) < 3:
                return
            await asyncio.sleep(0.05)  # meanwhile more arrives, which must not be delivered later
            exchange.abort()
            await asyncio.sleep(0.02)
            finished.append(True)

    reader = Enough()
    steadily = trickle(b"9\r\ndata: 1\n\n\r\n" * 500, size=14, pause=0.005)
    async with rig([status(200, EVENT_STREAM), steadily]) as world:
        with pytest.raises(Aborted):
            await world.stream(reader, exchange)
        assert finished == [True]
        assert await world.server.connections[0].gone_within(1)
    assert len(reader.pieces) == 3


async def test_abort_closes_the_socket_at_once_but_lets_a_busy_reader_finish() -> None:
    exchange, reader = Exchange(), StuckReader()
    async with rig([status(200, EVENT_STREAM), flood(b"9\r\ndata: 1\n\n\r\n")]) as world:
        task = world.start(reader, exchange)
        await reader.started.wait()
        exchange.abort()
        assert await world.server.connections[0].gone_within(1)
        assert not task.done()
        reader.released.set()
        with pytest.raises(Aborted):
            await task
    assert not reader.cancelled
    assert len(reader.pieces) == 1


@pytest.mark.parametrize("aborted_first", [False, True])
async def test_cancelling_the_call_cancels_a_busy_reader(aborted_first: bool) -> None:
    exchange, reader = Exchange(), StuckReader()
    async with rig([status(200, EVENT_STREAM), flood(b"9\r\ndata: 1\n\n\r\n")]) as world:
        task = world.start(reader, exchange)
        await reader.started.wait()
        if aborted_first:
            exchange.abort()
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: reader.cancelled)
        assert await world.server.connections[0].gone_within(1)


class Oddity(Exception):
    pass


@pytest.mark.parametrize(
    "error", [Oddity("x"), StreamClosedError(), OSError(5, "x"), asyncio.CancelledError()]
)
@pytest.mark.parametrize("framing", ["chunked", "none"])
async def test_what_the_reader_raises_comes_out_as_itself(error: BaseException, framing: str) -> None:
    async def reader(_: bytes) -> None:
        raise error

    chunked = [status(200, EVENT_STREAM), flood(b"9\r\ndata: 1\n\n\r\n")]
    plain = [status(200, {"Content-Type": "text/event-stream"}), flood(b"data: 1\n\n")]
    async with rig(chunked if framing == "chunked" else plain, ANSWER, max_clients=1) as world:
        with pytest.raises(type(error)) as caught:
            await stream(world.client, reader, Exchange())
        assert caught.value is error
        assert await world.server.connections[0].gone_within(1)
        await world.stream()


@pytest.mark.parametrize("error", [Oddity("x"), StreamClosedError(), BlockingIOError(11, "x")])
@pytest.mark.parametrize("pieces", [1, 3])
async def test_what_a_reader_raises_that_never_waits_comes_out_as_itself(
    error: Exception, pieces: int
) -> None:
    got = []

    def reader(data: bytes) -> None:
        got.append(data)
        if len(got) == pieces:
            raise error

    steadily = trickle(b"9\r\ndata: 1\n\n\r\n" * 500, size=14, pause=0.005)
    async with rig([status(200, EVENT_STREAM), steadily], ANSWER, max_clients=1) as world:
        with pytest.raises(type(error)) as caught:
            await stream(world.client, reader, Exchange())
        assert caught.value is error
        assert len(got) == pieces
        assert await world.server.connections[0].gone_within(1)
        await world.stream()


async def test_reader_that_never_waits_may_abort_its_own_exchange() -> None:
    exchange, got = Exchange(), []

    def reader(data: bytes) -> None:
        got.append(data)
        if len(got) == 3:
            exchange.abort()

    steadily = trickle(b"9\r\ndata: 1\n\n\r\n" * 500, size=14, pause=0.005)
    async with rig([status(200, EVENT_STREAM), steadily]) as world:
        with pytest.raises(Aborted):
            await stream(world.client, reader, exchange)
        assert await world.server.connections[0].gone_within(1)
    assert len(got) == 3


async def test_closing_the_client_aborts_what_is_under_way() -> None:
    exchange = Exchange()
    async with rig([stall()]) as world:
        task = world.start(exchange=exchange)
        connection = await world.connected()
        world.client.close()
        with pytest.raises(Aborted):
            await task
        assert await connection.gone_within(1)
        with pytest.raises(Aborted):
            await world.stream()
        with pytest.raises(Aborted):
            await world.client.call("GET", STREAM_PATH, ME)
        assert len(world.server.connections) == 1


async def test_storm_of_aborted_conversations_leaves_nothing_behind() -> None:
    scripts = list(STATES.values())
    async with rig(*(scripts[number % len(scripts)] for number in range(60)), max_clients=20) as world:
        exchanges = [Exchange() for _ in range(60)]
        tasks = [world.start(exchange=exchange) for exchange in exchanges]
        for number, exchange in enumerate(exchanges):
            await asyncio.sleep(0.002 if number % 3 else 0)
            exchange.abort()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result) for result in results} == {Aborted}
