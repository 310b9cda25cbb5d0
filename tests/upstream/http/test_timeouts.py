"""The limits: each one in its phase, none while the reader is the slow one."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import pytest

from tests.scripted_server import EVENT_STREAM, Verb, chunk, last_chunk, send, stall, status, trickle, wait
from tests.upstream.rig import ANSWER, ME, PREFIX, Reader, Rig, StuckReader, nothing_left, rig, stream
from upstream import (
    Aborted,
    ConnectFailed,
    Exchange,
    FirstByteTimeout,
    HttpClient,
    IdleTimeout,
    ProgressTimeout,
    Timeouts,
    TotalTimeout,
    UpstreamError,
)
from upstream.http.timeouts import Phase, Watchdog

pytestmark = pytest.mark.timeout(seconds=60)

SHORT = 0.15
LONGER = 3.0
"""Where something has to happen before: this process may stand still meanwhile."""


async def timeout_of(timeouts: Timeouts, *script: Verb, reader: Reader | None = None) -> UpstreamError:
    """What a conversation fails with; its socket must be closed and its slot free afterwards."""
    async with rig(script, ANSWER, timeouts=timeouts, max_clients=1) as world:
        with pytest.raises(UpstreamError) as caught:
            await world.stream(reader)
        for connection in world.server.connections:
            assert await connection.gone_within(1)
        assert await has_a_free_slot(world)
    return caught.value


async def has_a_free_slot(world: Rig) -> bool:
    """Whether a conversation gets as far as the backend; on a busy machine its time may be over sooner."""
    for _ in range(20):
        exchange = Exchange()
        with suppress(UpstreamError):
            await world.stream(exchange=exchange)
        if exchange.reached_backend:
            return True
    return False


async def test_silence_before_the_headers_is_a_first_byte_timeout() -> None:
    failure = await timeout_of(Timeouts(first_byte=SHORT), stall())
    assert isinstance(failure, FirstByteTimeout)


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 103 Early Hints\r\n\r\n"])
async def test_half_an_answer_does_not_count_as_the_first_byte(begun: bytes) -> None:
    failure = await timeout_of(Timeouts(first_byte=SHORT), send(begun), stall())
    assert isinstance(failure, FirstByteTimeout)


async def test_backend_that_does_not_take_the_request_is_a_first_byte_timeout() -> None:
    exchange = Exchange()
    async with nothing_left():
        with socket.create_server(("127.0.0.1", 0)) as listener:  # accepted by the kernel, read by nobody
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            client = HttpClient(address, PREFIX, Timeouts(first_byte=SHORT))
            with pytest.raises(FirstByteTimeout):
                await stream(client, Reader(), exchange, b"x" * 20_000_000)
            client.close()
    assert exchange.reached_backend


@pytest.mark.parametrize("begun", [[], [chunk(b"data: 1\n\n")], [send(b"ff\r\ndata")]])
async def test_silence_in_the_body_is_an_idle_timeout(begun: list[Verb]) -> None:
    failure = await timeout_of(Timeouts(idle=SHORT), status(200, EVENT_STREAM), *begun, stall())
    assert isinstance(failure, IdleTimeout)


async def test_headers_have_their_own_limit_however_short_the_idle_one() -> None:
    async with rig([wait(0.2), *ANSWER], timeouts=Timeouts(idle=0.05)) as world:
        await world.stream()


async def test_upstream_that_keeps_sending_is_not_idle() -> None:
    reader = Reader()
    script = [status(200, EVENT_STREAM), trickle(b"1\r\nx\r\n" * 70, size=6, pause=0.1), last_chunk()]
    async with rig(script, timeouts=Timeouts(idle=6)) as world:
        await world.stream(reader)
    assert reader.content == b"x" * 70


async def test_slow_reader_is_not_an_idle_upstream() -> None:
    class Slow(Reader):
        async def __call__(self, data: bytes) -> None:
            await asyncio.sleep(1.5)
            await super().__call__(data)

    reader = Slow()
    script = [
        status(200, EVENT_STREAM),
        chunk(b"data: 1\n\n"),
        wait(0.01),
        chunk(b"data: 2\n\n"),
        last_chunk(),
    ]
    async with rig(script, timeouts=Timeouts(idle=1.0)) as world:
        await world.stream(reader)
    assert reader.content == b"data: 1\n\ndata: 2\n\n"


async def test_silence_counts_from_when_a_slow_reader_is_done() -> None:
    class Slow(Reader):
        async def __call__(self, data: bytes) -> None:
            await asyncio.sleep(2 * SHORT)
            await super().__call__(data)

    reader = Slow()
    script = [status(200, EVENT_STREAM), chunk(b"data: 1\n\n"), stall()]
    failure = await timeout_of(Timeouts(idle=SHORT), *script, reader=reader)
    assert isinstance(failure, IdleTimeout)
    assert reader.content == b"data: 1\n\n"


async def test_stream_that_never_ends_meets_the_total_limit() -> None:
    script = [status(200, EVENT_STREAM), trickle(b"1\r\nx\r\n" * 500, size=6, pause=0.02), stall()]
    failure = await timeout_of(Timeouts(total=SHORT), *script)
    assert isinstance(failure, TotalTimeout)


async def test_total_limit_holds_before_the_headers_too() -> None:
    assert isinstance(await timeout_of(Timeouts(total=SHORT), stall()), TotalTimeout)


async def test_total_limit_closes_the_socket_even_while_the_reader_is_busy() -> None:
    reader, exchange = StuckReader(), Exchange()
    script = [status(200, EVENT_STREAM), chunk(b"data: 1\n\n"), stall()]
    async with rig(script, timeouts=Timeouts(total=LONGER)) as world:
        task = world.start(reader, exchange)
        connection = await world.connected()
        assert await connection.gone_within(LONGER + 1)
        reader.released.set()
        with pytest.raises(TotalTimeout):
            await task
    assert not exchange.aborted


async def test_waiting_for_a_slot_counts_as_connecting() -> None:
    exchange = Exchange()
    async with rig([stall()], timeouts=Timeouts(connect=LONGER), max_clients=1) as world:
        first = Exchange()
        task = world.start(exchange=first)
        await world.connected()
        with pytest.raises(UpstreamError) as caught:
            await world.stream(exchange=exchange)
        assert isinstance(caught.value, ConnectFailed)
        assert not exchange.reached_backend
        first.abort()
        with pytest.raises(Aborted):
            await task
        assert len(world.server.connections) == 1


async def test_bytes_create_no_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, timers = asyncio.get_running_loop(), []
    call_at = loop.call_at

    def noted(*given: Any) -> asyncio.TimerHandle:
        timers.append(given)
        return call_at(*given)

    monkeypatch.setattr(loop, "call_at", noted)
    watchdog = Watchdog(Timeouts(), lambda _: None)
    watchdog.enter(Phase.BODY)
    made = len(timers)
    for _ in range(100):
        watchdog.progressed()
        watchdog.heard()
    assert len(timers) == made
    watchdog.stop()


async def test_body_without_progress_meets_a_limit_of_its_own() -> None:
    script = [status(200, EVENT_STREAM), trickle(b"1\r\nx\r\n" * 500, size=6, pause=0.02), stall()]
    failure = await timeout_of(Timeouts(idle=5, progress=SHORT), *script)
    assert isinstance(failure, ProgressTimeout)


async def test_body_with_progress_now_and_then_goes_on() -> None:
    exchange = Exchange()

    class Progressing(Reader):
        async def __call__(self, data: bytes) -> None:
            await super().__call__(data)
            if len(self.pieces) % 5 == 0:
                exchange.progressed()

    reader = Progressing()
    script = [status(200, EVENT_STREAM), trickle(b"1\r\nx\r\n" * 70, size=6, pause=0.1), last_chunk()]
    async with rig(script, timeouts=Timeouts(progress=6)) as world:
        await world.stream(reader, exchange)
    assert reader.content == b"x" * 70


async def test_silence_is_no_lack_of_progress() -> None:
    exchange = Exchange()

    async def reader(_: bytes) -> None:
        exchange.progressed()

    script = [status(200, EVENT_STREAM), wait(3 * SHORT), chunk(b"x"), last_chunk()]
    async with rig(script, timeouts=Timeouts(progress=SHORT)) as world:
        await world.stream(reader, exchange)


async def test_slow_reader_is_no_lack_of_progress() -> None:
    class Slow(Reader):
        async def __call__(self, data: bytes) -> None:
            await asyncio.sleep(0.7)
            await super().__call__(data)

    script = [status(200, EVENT_STREAM), chunk(b"1"), wait(0.01), chunk(b"2"), last_chunk()]
    async with rig(script, timeouts=Timeouts(progress=0.6)) as world:
        await world.stream(Slow())


async def test_kept_answer_needs_no_progress() -> None:
    body = trickle(b"x" * 20, size=1, pause=0.02)
    async with rig([status(200, {"Content-Length": "20"}), body], timeouts=Timeouts(progress=SHORT)) as world:
        assert (await world.client.call("GET", "/backend-api/models", ME)).body == b"x" * 20


@pytest.mark.parametrize("name", ["connect", "first_byte", "idle", "total", "progress"])
@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_impossible_limits_are_refused(name: str, seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        Timeouts(**{name: seconds})


async def test_zero_means_no_limit() -> None:
    script = [wait(0.1), status(200, EVENT_STREAM), wait(0.1), chunk(b"x"), last_chunk()]
    async with rig(script, timeouts=Timeouts(connect=0, first_byte=0, idle=0, total=0, progress=0)) as world:
        await world.stream()
