"""A stream that goes well: what is sent, and how it arrives."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from accounts import Credential
from tests.eventually import eventually
from tests.scripted_server import EVENT_STREAM, chunk, flood, last_chunk, send, status, trickle, until
from tests.upstream.rig import (
    ANSWER,
    KEY,
    PAYLOAD,
    PREFIX,
    STREAM_PATH,
    Reader,
    StuckReader,
    rig,
    stream,
)
from upstream import Aborted, Exchange

pytestmark = pytest.mark.timeout(seconds=60)


async def test_request_is_a_plain_honest_post_under_the_prefix() -> None:
    async with rig(ANSWER) as world:
        await world.stream()
        request = world.server.connections[0].request
    assert request is not None
    assert (request.method, request.path) == ("POST", f"/{PREFIX}/backend-api/conversation")
    assert request.body == PAYLOAD
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "pandora-to-v1"
    assert len(request.header_lines) == len(request.headers)


async def test_compression_is_not_asked_for() -> None:
    async with rig(ANSWER) as world:
        await world.stream()
        request = world.server.connections[0].request
    assert request is not None
    assert "accept-encoding" not in request.headers


async def test_whole_stream_reaches_the_reader_and_the_facts_are_kept() -> None:
    exchange, reader = Exchange(), Reader()
    async with rig(ANSWER) as world:
        await world.stream(reader, exchange)
    assert reader.content == b"data: hello\n\n"
    assert exchange.status == 200
    assert exchange.content_type == "text/event-stream"
    assert exchange.reached_backend
    assert not exchange.aborted


async def test_each_piece_arrives_while_the_upstream_is_still_silent_after_it() -> None:
    go_on, reader = asyncio.Event(), Reader()
    script = [
        status(200, EVENT_STREAM),
        chunk(b"data: 1\n\n"),
        until(go_on),
        chunk(b"data: 2\n\n"),
        last_chunk(),
    ]
    async with rig(script) as world:
        task = world.start(reader)
        await eventually(lambda: reader.content == b"data: 1\n\n")
        assert not task.done()
        go_on.set()
        await task
    assert reader.content == b"data: 1\n\ndata: 2\n\n"


@pytest.mark.parametrize("waits", [lambda _: False, lambda _: True, lambda number: number % 3 == 0])
async def test_reader_waits_only_where_it_has_to(waits: Callable[[int], bool]) -> None:
    got, busy = [], 0

    async def rest() -> None:
        nonlocal busy
        busy += 1
        await asyncio.sleep(0.002)
        busy -= 1

    def reader(data: bytes) -> Awaitable[None] | None:
        assert not busy
        got.append(data)
        return rest() if waits(len(got)) else None

    pieces = [b"data: %d\n\n" % number for number in range(200)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    async with rig([status(200, EVENT_STREAM), trickle(body, size=9), last_chunk()]) as world:
        await stream(world.client, reader, Exchange())
    assert b"".join(got) == b"".join(pieces)


@pytest.mark.parametrize("size", [1, 7])
async def test_stream_that_trickles_in_arrives_whole(size: int) -> None:
    reader = Reader()
    content = "data: 你好 🔥\n\n".encode() * 20
    pieces = [content[at : at + 33] for at in range(0, len(content), 33)]
    wire = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    async with rig([status(200, EVENT_STREAM), trickle(wire + b"0\r\n\r\n", size=size)]) as world:
        await world.stream(reader)
    assert reader.content == content


async def test_body_with_content_length_arrives_whole() -> None:
    reader, content = Reader(), b"data: x\n\n" * 30_000
    headers = {"Content-Type": "text/event-stream", "Content-Length": str(len(content))}
    async with rig([status(200, headers), send(content)]) as world:
        await world.stream(reader)
    assert reader.content == content


async def test_body_without_length_ends_cleanly_with_the_connection() -> None:
    reader = Reader()
    async with rig([status(200, {"Content-Type": "text/event-stream"}), send(b"data: end\n\n")]) as world:
        await world.stream(reader)
    assert reader.content == b"data: end\n\n"


async def test_large_chunked_body_arrives_whole() -> None:
    reader, content = Reader(), bytes(range(256)) * 4096
    async with rig([status(200, EVENT_STREAM), chunk(content), chunk(content), last_chunk()]) as world:
        await world.stream(reader)
    assert reader.content == content * 2


async def test_informational_answers_are_skipped() -> None:
    reader, exchange = Reader(), Exchange()
    script = [status(103, {"Link": "</x>"}), status(100), *ANSWER]
    async with rig(script) as world:
        await world.stream(reader, exchange)
    assert exchange.status == 200
    assert reader.content == b"data: hello\n\n"


async def test_slow_reader_stalls_the_upstream_instead_of_filling_memory() -> None:
    reader, exchange = StuckReader(), Exchange()
    async with rig([status(200, EVENT_STREAM), flood(chunk_of(65_536))]) as world:
        task = world.start(reader, exchange)
        connection = await world.connected()
        await reader.started.wait()
        sent = -1
        while sent != connection.bytes_sent:  # until the kernel's buffers are full
            sent = connection.bytes_sent
            await asyncio.sleep(0.1)
        assert len(reader.pieces) == 1
        assert len(reader.content) <= 65_536
        assert sent < 32 * 1024 * 1024
        exchange.abort()
        assert await connection.gone_within(1)
        reader.released.set()
        with pytest.raises(Aborted):
            await task


async def test_reader_is_never_called_twice_at_once() -> None:
    overlap = []

    class Slow(Reader):
        busy = False

        async def __call__(self, data: bytes) -> None:
            overlap.append(self.busy)
            self.busy = True
            await asyncio.sleep(0)
            self.busy = False
            await super().__call__(data)

    reader = Slow()
    pieces = [chunk(b"data: %d\n\n" % number) for number in range(50)]
    async with rig([status(200, EVENT_STREAM), *pieces, last_chunk()]) as world:
        await world.stream(reader)
    assert not any(overlap)
    assert reader.content == b"".join(b"data: %d\n\n" % number for number in range(50))


async def test_unpaced_stream_does_not_starve_the_loop() -> None:
    turn, bytes_by_turn = 0, Counter[int]()

    class Meter(Reader):
        async def __call__(self, data: bytes) -> None:
            bytes_by_turn[turn] += len(data)

    exchange = Exchange()
    async with rig([status(200, EVENT_STREAM), flood(chunk_of(1 << 20))]) as world:
        task = world.start(Meter(), exchange)
        while bytes_by_turn.total() < 50_000_000:
            turn += 1
            await asyncio.sleep(0)
        exchange.abort()
        with pytest.raises(Aborted):
            await task
    assert max(bytes_by_turn.values()) < 512 * 1024


async def test_streams_run_side_by_side() -> None:
    async with rig(ANSWER, max_clients=8) as world:
        readers = [Reader() for _ in range(8)]
        await asyncio.gather(*(world.stream(reader) for reader in readers))
    assert {reader.content for reader in readers} == {b"data: hello\n\n"}


async def test_large_request_goes_out_whole() -> None:
    body = json.dumps({"text": "x" * 3_000_000}).encode()
    async with rig(ANSWER) as world:
        await stream(world.client, Reader(), Exchange(), body)
        request = world.server.connections[0].request
    assert request is not None
    assert request.body == body


@pytest.mark.parametrize("account_id", ["", "account-1"])
async def test_account_of_a_credential_goes_along_if_there_is_one(account_id: str) -> None:
    async with rig(ANSWER) as world:
        credential = Credential(KEY, account_id)
        await world.client.stream(STREAM_PATH, credential, PAYLOAD, Reader(), Exchange().begin())
        request = world.server.connections[0].request
    assert request is not None
    assert request.headers.get("chatgpt-account-id", "") == account_id


@pytest.mark.parametrize("odd", ["a b", "a\r\nX: 1", "schlüssel"])
async def test_credential_that_can_not_travel_in_a_header_is_refused_unseen(odd: str) -> None:
    async with rig(ANSWER) as world:
        for credential in (Credential(odd), Credential(KEY, odd), Credential("")):
            with pytest.raises(ValueError, match="key") as caught:
                await world.client.stream(STREAM_PATH, credential, PAYLOAD, Reader(), Exchange().begin())
            assert odd not in str(caught.value)
        assert not world.server.connections


def chunk_of(size: int) -> bytes:
    return b"%x\r\n%s\r\n" % (size, b"x" * size)
