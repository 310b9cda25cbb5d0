"""The client's side of an answer over real sockets: headers, keep-alives, clients that leave or stall."""

import asyncio
import socket

from handlers.client_connection import ClientConnection, StreamTiming
from handlers.client_states import ClientState
from tests.eventually import eventually
from tests.handlers.rig import Rig, TinyFormat, serving
from tests.raw_client import Connection

BIG = b"x" * 1_000_000
"""More than the kernel holds for a client that does not read."""


def quick(*, visible_after: float = 60, write_timeout: float = 60) -> StreamTiming:
    """Headers and keep-alives come soon."""
    return StreamTiming(0.05, 0.05, write_timeout, visible_after)


async def connection_of(rig: Rig) -> ClientConnection:
    await eventually(lambda: bool(rig.connections))
    return rig.connections[-1]


async def ended(rig: Rig, client: Connection) -> bytes:
    """The rest of the body, once the handler is told to end."""
    rig.over.set()
    return await client.read_rest()


async def read_so_many(client: Connection, words: bytes, times: int) -> bytes:
    """What comes of a body until these words came so often."""
    body = b""
    while body.count(words) < times:
        body += await client.read_piece()
    return body


async def test_nothing_is_written_before_the_first_send() -> None:
    async with serving(Rig()) as rig, rig.connected() as client:
        connection = await connection_of(rig)
        assert rig.states == [ClientState.PENDING]
        await connection.send(b"one")
        assert rig.states == [ClientState.STREAMING]
        await connection.send(b"two")
        await client.read_head()
        assert client.headers["content-type"] == "text/tiny"
        assert client.headers["cache-control"] == "no-cache"
        assert client.headers["x-accel-buffering"] == "no"
        assert client.headers["openai-processing-ms"].isdigit()
        assert await ended(rig, client) == b"<open>onetwo"
        assert rig.states == [ClientState.ENDED]
    assert rig.left == []


async def test_chunks_of_a_stream_do_not_wait_for_each_other_in_the_kernel() -> None:
    async with serving(Rig()) as rig, rig.connected() as client:
        connection = await connection_of(rig)
        await connection.send(b"one")
        stream = rig.sockets[-1]
        assert stream is not None
        assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await client.read_head()
        await ended(rig, client)


async def test_headers_are_sent_when_they_are_due_and_comments_follow() -> None:
    async with serving(Rig(quick())) as rig, rig.connected() as client:
        connection = await connection_of(rig)
        await client.read_head()
        assert connection.state is ClientState.STREAMING
        body = await read_so_many(client, b"<idle>", 2)
        await connection.send(b"one")
        body += await ended(rig, client)
    assert body.startswith(b"<open><idle><idle>")
    assert b"one" in body
    assert b"<visible>" not in body


async def test_long_silence_is_broken_by_what_parsers_pass_on() -> None:
    loop = asyncio.get_running_loop()
    async with serving(Rig(quick(visible_after=0.2))) as rig, rig.connected() as client:
        began = loop.time()
        await connection_of(rig)
        await client.read_head()
        body = await read_so_many(client, b"<visible>", 3)
        body += await read_so_many(client, b"<idle>", 4)
        body += await ended(rig, client)
        took = loop.time() - began
    assert body.count(b"<visible>") <= took / 0.2
    assert body.count(b"<idle>") > body.count(b"<visible>")


async def test_whole_answer_is_never_opened_by_itself() -> None:
    rig = Rig(quick(), TinyFormat(streams=False))
    async with serving(rig), rig.connected() as client:
        connection = await connection_of(rig)
        await asyncio.sleep(0.2)
        assert connection.state is ClientState.PENDING
        assert await connection_ended_empty(rig, client)


async def connection_ended_empty(rig: Rig, client: Connection) -> bool:
    rig.over.set()
    return (await client.answer()).body == b""


async def test_quiet_connection_sends_no_comments_but_takes_last_words() -> None:
    async with serving(Rig(quick())) as rig, rig.connected() as client:
        connection = await connection_of(rig)
        await connection.quiet()  # comments may have come before, if it took long to get here
        await connection.send(b"one")
        await asyncio.sleep(0.2)
        await connection.send(b"two")
        await client.read_head()
        body = await ended(rig, client)
    assert body.startswith(b"<open>")
    assert body.endswith(b"onetwo")


async def test_nothing_is_written_after_the_client_left() -> None:
    async with serving(Rig()) as rig, rig.connected() as client:
        connection = await connection_of(rig)
        connection.left()
        await connection.send(b"one")
        assert connection.state is ClientState.GONE
        assert await connection_ended_empty(rig, client)
        assert connection.state is ClientState.GONE
    assert rig.left == [ClientState.PENDING]


async def test_client_that_left_is_found_out_by_a_write() -> None:
    async with serving(Rig()) as rig:
        async with rig.connected() as client:
            connection = await connection_of(rig)
            await connection.send(b"one")
            await client.read_head()
            client.close(reset=True)
        async with asyncio.timeout(10):
            for _ in range(1000):
                await connection.send(b"x" * 10_000)
                if connection.state is ClientState.GONE:
                    break
                await asyncio.sleep(0.005)
    assert rig.left == [ClientState.STREAMING]


async def test_client_that_does_not_read_is_cut_off() -> None:
    rig = Rig(quick(write_timeout=0.3))
    async with serving(rig), rig.connected(receive_buffer=4096) as client:
        connection = await connection_of(rig)
        await asyncio.wait_for(connection.send(BIG), 10)
        assert connection.state is ClientState.GONE
        assert rig.left[0] is ClientState.STREAMING
        assert await client.closed_within(10)


async def test_client_that_reads_again_in_time_gets_everything_and_no_comment_in_between() -> None:
    rig = Rig(quick(write_timeout=60))
    async with serving(rig), rig.connected(receive_buffer=4096) as client:
        connection = await connection_of(rig)
        sending = asyncio.create_task(connection.send(BIG))
        await asyncio.sleep(0.3)
        assert not sending.done(), "the client has not read"
        await client.read_head()
        reading = asyncio.create_task(client.read_rest())
        await asyncio.wait_for(sending, 20)
        rig.over.set()
        body = await reading
    assert BIG in body
    assert rig.left == []


async def test_client_that_leaves_when_all_is_said_is_not_gone() -> None:
    async with serving(Rig()) as rig, rig.connected() as client:
        connection = await connection_of(rig)
        await connection.send(b"one")
        await client.read_head()
        await ended(rig, client)
        connection.left()
    assert connection.state is ClientState.ENDED
    assert rig.left == [ClientState.ENDED]


async def test_last_words_wait_for_a_comment_that_the_client_does_not_take_yet() -> None:
    class Verbose(TinyFormat):
        def idle(self, *, visible: bool) -> bytes:
            return BIG

    rig = Rig(quick(), Verbose())
    async with serving(rig), rig.connected(receive_buffer=4096) as client:
        connection = await connection_of(rig)
        await eventually(lambda: rig.states == [ClientState.STREAMING])
        quiet = asyncio.create_task(connection.quiet())
        sending = asyncio.create_task(connection.send(b"<last>"))
        await asyncio.sleep(0.2)
        assert not quiet.done()
        assert not sending.done()
        await client.read_head()
        reading = asyncio.create_task(client.read_rest())
        await asyncio.wait_for(asyncio.gather(quiet, sending), 20)
        rig.over.set()
        assert await reading == b"<open>" + BIG + b"<last>"
