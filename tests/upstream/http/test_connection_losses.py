"""Connections that fail, break, or do not speak HTTP."""

import socket
import threading
from collections.abc import Callable, Sequence

import pytest

from tests.eventually import eventually
from tests.scripted_server import (
    EVENT_STREAM,
    Connection,
    Verb,
    chunk,
    fin,
    last_chunk,
    rst,
    send,
    stall,
    status,
    until,
)
from tests.upstream.rig import (
    ANSWER,
    KEY,
    PATIENT,
    PAYLOAD,
    PREFIX,
    Reader,
    nothing_left,
    refusing_address,
    rig,
    stream,
    unanswering_address,
)
from upstream import ConnectFailed, ConnectionLost, Exchange, HttpClient, Timeouts, UpstreamError

pytestmark = pytest.mark.timeout(seconds=60)

SSE = "text/event-stream"
FRAMINGS = {
    "chunked": {"Content-Type": SSE, "Transfer-Encoding": "chunked"},
    "content-length": {"Content-Type": SSE, "Content-Length": "5000"},
    "until-close": {"Content-Type": SSE},
}
FIRST = {
    "chunked": b"8\r\ndata: 1\n\r\n",
    "content-length": b"data: 1\n",
    "until-close": b"data: 1\n",
}


async def failure_of(base_url: str, exchange: Exchange, timeouts: Timeouts = PATIENT) -> UpstreamError:
    async with nothing_left():
        client = HttpClient(base_url, PREFIX, timeouts)
        with pytest.raises(UpstreamError) as caught:
            await stream(client, Reader(), exchange)
        client.close()
    return caught.value


async def loss_of(script: Sequence[Verb], reader: Reader | None = None) -> ConnectionLost:
    async with rig(script, ANSWER, max_clients=1) as world:
        with pytest.raises(ConnectionLost) as caught:
            await world.stream(reader)
        await world.stream()  # the slot is free again
    return caught.value


async def test_refused_connection_certainly_reached_nobody() -> None:
    exchange = Exchange()
    failure = await failure_of(refusing_address(), exchange)
    assert isinstance(failure, ConnectFailed)
    assert "within" not in str(failure)
    assert not exchange.reached_backend


async def test_unanswered_connection_times_out_as_a_failed_connect() -> None:
    exchange = Exchange()
    with unanswering_address() as address:
        failure = await failure_of(address, exchange, Timeouts(connect=0.1))
    assert isinstance(failure, ConnectFailed)
    assert "within" in str(failure)
    assert not exchange.reached_backend


async def test_unknown_host_is_a_failed_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    failure = await failure_of("http://backend.invalid", Exchange())
    assert isinstance(failure, ConnectFailed)
    assert "resolve" in str(failure)


async def test_slow_name_server_counts_as_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def slowly(*_: object, **__: object) -> list[object]:
        answered.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    failure = await failure_of("http://backend.invalid", Exchange(), Timeouts(connect=0.05))
    answered.set()
    assert isinstance(failure, ConnectFailed)
    assert "within" in str(failure)


@pytest.mark.parametrize("ending", [rst, fin], ids=["reset", "closed"])
@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Ty"], ids=["nothing", "half a header"])
async def test_connection_that_ends_before_the_headers_is_lost(
    ending: Callable[[], Verb], begun: bytes
) -> None:
    loss = await loss_of([send(begun), ending()])
    assert loss.phase == "before_headers"


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_reset_in_mid_body_ends_the_conversation_at_once(framing: str) -> None:
    reader = Reader()
    script = [status(200, FRAMINGS[framing]), send(FIRST[framing]), until(reader.started), rst()]
    loss = await loss_of(script, reader)
    assert loss.phase == "body"
    assert reader.content == b"data: 1\n"


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_reset_before_the_first_byte_of_the_body_ends_the_conversation(framing: str) -> None:
    exchange = Exchange()

    async def headers_read(_: Connection) -> None:
        await eventually(lambda: exchange.status is not None)

    async with rig([status(200, FRAMINGS[framing]), headers_read, rst()]) as world:
        with pytest.raises(ConnectionLost) as caught:
            await world.stream(exchange=exchange)
    assert caught.value.phase == "body"


@pytest.mark.parametrize("framing", ["chunked", "content-length"])
async def test_body_cut_by_fin_is_lost_but_what_came_is_delivered(framing: str) -> None:
    reader = Reader()
    loss = await loss_of([status(200, FRAMINGS[framing]), send(FIRST[framing]), fin()], reader)
    assert loss.phase == "body"
    assert reader.content == b"data: 1\n"


async def test_fin_right_behind_the_data_does_not_lose_chunks() -> None:
    reader = Reader()
    wire = b"".join(b"9\r\ndata: %d\n\n\r\n" % number for number in range(9))
    loss = await loss_of(
        [
            send(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n" + wire
            ),
            fin(),
        ],
        reader,
    )
    assert loss.phase == "body"
    assert reader.content == b"".join(b"data: %d\n\n" % number for number in range(9))


async def test_complete_body_followed_by_a_reset_is_complete() -> None:
    reader = Reader()
    script = [status(200, EVENT_STREAM), chunk(b"data: 1\n\n"), last_chunk(), rst()]
    async with rig(script) as world:
        await world.stream(reader)
    assert reader.content == b"data: 1\n\n"


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
    ids=["ssh", "tls alert", "no status", "bad header", "two lengths"],
)
async def test_garbage_instead_of_http_is_a_lost_connection(wire: bytes) -> None:
    await loss_of([send(wire)])


async def test_header_block_that_does_not_end_is_cut_off() -> None:
    async with rig([send(b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 100_000), stall()]) as world:
        with pytest.raises(ConnectionLost) as caught:
            await world.stream()
        assert await world.server.connections[0].gone_within(1)
    assert caught.value.phase == "before_headers"


async def test_endless_informational_answers_are_cut_off() -> None:
    loss = await loss_of([send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50)])
    assert loss.phase == "before_headers"


@pytest.mark.parametrize(
    "wire",
    [b"zz\r\nhello\r\n", b"-5\r\nhello\r\n", b"5\r\nhelloXX5\r\n", b"\r\n", b"1" * 2000],
    ids=["not hex", "negative", "no line end", "empty", "endless size"],
)
async def test_broken_chunking_is_a_lost_connection(wire: bytes) -> None:
    loss = await loss_of([status(200, EVENT_STREAM), chunk(b"data: 1\n\n"), send(wire)])
    assert loss.phase == "body"


async def test_body_longer_than_its_content_length_is_cut_there() -> None:
    reader = Reader()
    headers = {"Content-Type": SSE, "Content-Length": "8"}
    async with rig([status(200, headers), send(b"data: 1\ndata: 2\n")]) as world:
        await world.stream(reader)
    assert reader.content == b"data: 1\n"


@pytest.mark.parametrize("length", ["abc", "-1", "5, 6"])
async def test_impossible_content_length_is_a_lost_connection(length: str) -> None:
    loss = await loss_of([status(200, {"Content-Type": SSE, "Content-Length": length}), send(b"data: 1\n")])
    assert loss.phase == "body"


async def test_errors_name_neither_key_nor_prefix_nor_address() -> None:
    exchange = Exchange()
    address = refusing_address()
    failure = await failure_of(address, exchange)
    for secret in (KEY, PREFIX, PAYLOAD.decode(), address):
        assert secret not in str(failure)
        assert secret not in repr(failure)
    assert failure.__cause__ is None
    assert failure.__context__ is None
