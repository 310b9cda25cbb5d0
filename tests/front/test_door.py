"""The front door as a whole: room for connections, clients that leave, and the end."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from front import ConnectionTimes
from tests.eventually import eventually
from tests.front.rig import opened

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
WAIT = b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n"


class Client:
    """A connection of a test."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Client":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def ask(self) -> bytes:
        self.writer.write(ASK)
        return await asyncio.wait_for(self.reader.readuntil(b"hello"), 10)


async def test_open_connections_are_counted() -> None:
    async with opened() as rig:
        async with Client(rig.door.port) as client:
            await client.ask()
            assert rig.counted("connections") == 1
        await eventually(lambda: rig.counted("connections") == 0)


@pytest.mark.parametrize("asked", [False, True])
async def test_newcomer_takes_the_place_of_whoever_has_waited_longest_without_a_request(asked: bool) -> None:
    quick = ConnectionTimes(spared=0.2)
    async with opened(2, quick) as rig, Client(rig.door.port) as first, Client(rig.door.port) as second:
        if asked:
            await first.ask()
        await asyncio.sleep(0.05)
        await second.ask()
        async with Client(rig.door.port) as third:
            await third.ask()
            assert await asyncio.wait_for(first.reader.read(), 10) == b""
            assert rig.counted("connections") == 2
            await asyncio.sleep(0.3)  # the second has waited long enough too, but nobody wants its place
        await second.ask()
        assert rig.counted("connections_closed_total", reason="crowded") == 1


@pytest.mark.parametrize("sent", [b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nh"])
async def test_newcomer_takes_the_place_of_whoever_does_not_send_the_rest_of_its_request(sent: bytes) -> None:
    times = ConnectionTimes(spared=0.1, stalled=0.2)
    async with opened(limit=1, times=times) as rig, Client(rig.door.port) as stalled:
        stalled.writer.write(sent)
        async with Client(rig.door.port) as newcomer:
            await newcomer.ask()
            assert await asyncio.wait_for(stalled.reader.read(), 10) == b""
        assert rig.faults() == {"incomplete": 1}
        assert rig.counted("connections_closed_total", reason="crowded") == 1


async def test_newcomer_waits_while_all_connections_are_in_use(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(limit=2) as rig, AsyncExitStack() as stack:
        for _ in range(2):
            (await stack.enter_async_context(Client(rig.door.port))).writer.write(WAIT)
        await eventually(lambda: rig.waiting == 2)
        newcomer = await stack.enter_async_context(Client(rig.door.port))
        asking = asyncio.create_task(newcomer.ask())
        await eventually(lambda: rig.counted("accept_pauses_total", reason="limit") >= 2)
        assert not asking.done()
        assert rig.counted("connections") == 2
        rig.go_on.set()
        assert await asking
    assert [record.getMessage() for record in caplog.records] == [
        "new connections have to wait: all connections are in use"
    ]


@pytest.mark.parametrize("too_much", [b"", b"\r\n", ASK, b"a" * 30_000])
async def test_client_that_leaves_is_noticed_whatever_is_unread(too_much: bytes) -> None:
    async with opened() as rig:
        async with Client(rig.door.port) as client:
            client.writer.write(WAIT + too_much)
            await eventually(lambda: rig.waiting == 1)
            await asyncio.sleep(0.05)
        await eventually(lambda: rig.gone == 1, 5)
        await eventually(lambda: rig.counted("connections") == 0)
        assert rig.faults() == {}


async def test_request_that_comes_in_pieces_during_an_answer_is_answered_next() -> None:
    async with opened() as rig, Client(rig.door.port) as client:
        client.writer.write(WAIT)
        await eventually(lambda: rig.waiting == 1)
        for piece in (ASK[:5], ASK[5:20], ASK[20:]):
            client.writer.write(piece)
            await asyncio.sleep(0.03)
        rig.go_on.set()
        assert await asyncio.wait_for(client.reader.readuntil(b"hello"), 10)


async def test_little_is_read_of_what_comes_during_an_answer() -> None:
    async with opened() as rig, Client(rig.door.port) as client:
        client.writer.write(WAIT)
        await eventually(lambda: rig.waiting == 1)
        client.writer.write(b"x" * 64_000_000)
        await asyncio.sleep(0.2)
        assert client.writer.transport.get_write_buffer_size() > 32_000_000, "the kernel holds the others"
        client.writer.transport.abort()


async def test_request_behind_one_whose_client_has_left_is_not_begun() -> None:
    async with opened() as rig:
        async with Client(rig.door.port) as client:
            client.writer.write(WAIT + WAIT + WAIT)
            await eventually(lambda: rig.waiting == 1)
        await eventually(lambda: rig.gone == 1, 5)
        await eventually(lambda: rig.counted("connections") == 0)
        assert rig.waiting == 1


async def test_end_lets_in_who_waits_at_the_door_and_answers_each_once_more() -> None:
    async with opened() as rig, AsyncExitStack() as stack:
        kept = await stack.enter_async_context(Client(rig.door.port))
        await kept.ask()
        busy = await stack.enter_async_context(Client(rig.door.port))
        busy.writer.write(WAIT)
        await eventually(lambda: rig.waiting == 1)
        newcomers = [await stack.enter_async_context(Client(rig.door.port)) for _ in range(20)]
        stopping = asyncio.create_task(rig.door.stop_listening())
        answers = await asyncio.gather(kept.ask(), *(newcomer.ask() for newcomer in newcomers))
        assert all(b"\r\nConnection: close" in answer for answer in answers)
        await stopping
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", rig.door.port)
        waiting = asyncio.create_task(rig.door.wait_until_answered(60, asyncio.Event()))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        rig.go_on.set()
        assert await asyncio.wait_for(busy.reader.readuntil(b"done"), 10)
        await asyncio.wait_for(waiting, 10)


async def test_end_is_not_waited_for_when_there_is_a_hurry() -> None:
    async with opened() as rig, Client(rig.door.port) as busy:
        busy.writer.write(WAIT)
        await eventually(lambda: rig.waiting == 1)
        hurried = asyncio.Event()
        waiting = asyncio.create_task(rig.door.wait_until_answered(60, hurried))
        await asyncio.sleep(0.05)
        hurried.set()
        await asyncio.wait_for(waiting, 10)
