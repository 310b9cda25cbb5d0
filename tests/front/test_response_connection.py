"""Responses in pieces through the front door: their framing, and clients that read late, leave or go on."""

import asyncio
import socket
import struct
from asyncio import Future

import pytest
import tornado.web
from tornado.iostream import StreamClosedError

from tests.eventually import eventually
from tests.front.rig import opened
from tests.raw_client import connect

BIG = b"x" * 3_000_000
"""More than the kernel holds for a client that does not read."""
GET = b"GET /pieces HTTP/1.1\r\nHost: x\r\n"


class Pieces(tornado.web.RequestHandler):
    """Writes what the test says, and ends at None. Notes what `flush` has given, and waits unless `hasty`."""

    def initialize(self, seen: "list[Pieces]", length: int | None, *, hasty: bool) -> None:
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.flushed: list[Future[None]] = []
        self.failed: list[type[BaseException]] = []
        self.left = 0
        self.hasty = hasty
        if length is not None:
            self.set_header("Content-Length", length)
        seen.append(self)

    async def get(self) -> None:
        while (piece := await self.pieces.get()) is not None:
            self.write(piece)
            self.flushed.append(self.flush())
            if self.hasty:
                continue
            try:
                await self.flushed[-1]
            except StreamClosedError as error:
                self.failed.append(type(error))

    head = get

    def on_connection_close(self) -> None:
        self.left += 1

    def says(self, *pieces: bytes | None) -> None:
        """Have these written, one by one."""
        for piece in pieces:
            self.pieces.put_nowait(piece)


class Doors:
    """A front door with `Pieces` behind it."""

    def __init__(self, length: int | None = None, *, hasty: bool = False) -> None:
        self.seen: list[Pieces] = []
        arguments = {"seen": self.seen, "length": length, "hasty": hasty}
        self.opened = opened(routes=[("/pieces", Pieces, arguments)])

    async def handler(self, number: int = 1) -> Pieces:
        """The one of that request, once it is there."""
        await eventually(lambda: len(self.seen) >= number)
        return self.seen[number - 1]


async def test_each_piece_is_one_chunk_and_comes_at_once() -> None:
    doors = Doors()
    async with doors.opened as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.door.port)
        writer.write(GET + b"\r\n")
        handler = await doors.handler()
        handler.says(b"one")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"\r\nTransfer-Encoding: chunked\r\n" in head
        assert await reader.readexactly(8) == b"3\r\none\r\n"
        handler.says(b"a" * 26)
        assert await reader.readexactly(32) == b"1a\r\n" + b"a" * 26 + b"\r\n"
        handler.says(b"", None)  # an empty chunk would end the body
        assert await reader.readexactly(5) == b"0\r\n\r\n"
        writer.close()


async def test_no_future_is_made_for_chunks_that_the_kernel_takes_at_once() -> None:
    doors = Doors()
    async with doors.opened as rig, connect(rig.door.port) as client:
        await client.send_raw(GET + b"\r\n")
        handler = await doors.handler()
        handler.says(b"one", b"two", b"three", None)
        assert (await client.answer()).body == b"onetwothree"
    _, second, third = handler.flushed
    assert second.done()
    assert second is third


async def test_body_with_a_length_is_not_framed() -> None:
    doors = Doors(length=6)
    async with doors.opened as rig:
        asking = asyncio.create_task(rig.ask(GET + b"Connection: close\r\n\r\n"))
        (await doors.handler()).says(b"one", b"two", None)
        head, _, body = (await asking).partition(b"\r\n\r\n")
    assert body == b"onetwo"
    assert b"Transfer-Encoding" not in head


async def test_client_of_http_1_0_gets_a_body_that_ends_with_the_connection() -> None:
    doors = Doors()
    async with doors.opened as rig:
        asking = asyncio.create_task(rig.ask(GET.replace(b"1.1", b"1.0") + b"\r\n"))
        (await doors.handler()).says(b"one", BIG, b"two", None)
        head, _, body = (await asking).partition(b"\r\n\r\n")
    assert body == b"one" + BIG + b"two"
    assert b"Transfer-Encoding" not in head


async def test_head_request_gets_no_body() -> None:
    doors = Doors()
    async with doors.opened as rig:
        asking = asyncio.create_task(rig.ask(GET.replace(b"GET", b"HEAD") + b"Connection: close\r\n\r\n"))
        (await doors.handler()).says(b"one", b"two", None)
        head, _, body = (await asking).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b""


async def test_connection_is_kept_for_further_requests() -> None:
    doors = Doors()
    async with doors.opened as rig, connect(rig.door.port) as client:
        for number in (1, 2, 3):
            await client.send_raw(GET + b"\r\n")
            (await doors.handler(number)).says(b"one", b"%d" % number, None)
            assert (await client.answer()).body == b"one%d" % number
            await client.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.answer()).body == b"hello"
        assert rig.counted("connections") == 1


async def test_request_behind_one_that_is_being_answered_is_answered_after_it() -> None:
    doors = Doors()
    async with doors.opened as rig:
        last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        asking = asyncio.create_task(rig.ask(GET + b"\r\n" + last))
        (await doors.handler()).says(b"one", BIG, b"two", None)
        first, end, second = (await asking).partition(b"\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert first.endswith(b"\r\n\r\n3\r\none\r\n%x\r\n" % len(BIG) + BIG)
    assert end
    assert second.startswith(b"HTTP/1.1 200 ")
    assert second.endswith(b"\r\n\r\nhello")


async def test_client_that_stalls_holds_the_handler_up_and_gets_everything_when_it_reads() -> None:
    doors = Doors()
    async with doors.opened as rig, connect(rig.door.port, receive_buffer=4096) as client:
        await client.send_raw(GET + b"\r\n")
        handler = await doors.handler()
        handler.says(b"one", BIG, b"two", None)
        await asyncio.sleep(0.1)
        assert len(handler.flushed) == 2
        assert not handler.flushed[1].done()
        assert (await client.answer()).body == b"one" + BIG + b"two"
        assert handler.failed == []


async def test_end_of_a_body_follows_what_is_not_all_sent_yet() -> None:
    doors = Doors(hasty=True)
    async with doors.opened as rig, connect(rig.door.port, receive_buffer=4096) as client:
        await client.send_raw(GET + b"Connection: close\r\n\r\n")
        (await doors.handler()).says(b"one", BIG, b"two", b"three", None)
        await asyncio.sleep(0.1)
        assert (await client.answer()).body == b"one" + BIG + b"twothree"
        assert await client.closed_within(10)


@pytest.mark.parametrize("stalled", [False, True])
async def test_client_that_resets_is_noticed_once_and_gets_nothing_more(stalled: bool) -> None:
    doors = Doors()
    async with doors.opened as rig:
        async with connect(rig.door.port, receive_buffer=4096) as client:
            await client.send_raw(GET + b"\r\n")
            handler = await doors.handler()
            handler.says(b"one", *([BIG] if stalled else []))
            await client.read_head()
            await eventually(lambda: len(handler.flushed) == 1 + stalled)
            client.close(reset=True)
        await eventually(lambda: handler.left == 1)
        await eventually(lambda: rig.counted("connections") == 0)
        handler.says(b"two", b"three")
        await eventually(lambda: len(handler.flushed) == 3 + stalled)
        await asyncio.sleep(0.02)
        assert handler.left == 1
        assert len(handler.failed) == 2, "as in Tornado, a write that was under way ends without an error"


async def test_write_that_meets_the_reset_itself_is_the_last() -> None:
    """The loop does not turn between the reset and the write, so nobody has noticed yet."""
    doors = Doors()
    async with doors.opened as rig:
        client = socket.create_connection(("127.0.0.1", rig.door.port))
        client.sendall(GET + b"\r\n")
        handler = await doors.handler()
        handler.says(b"one")
        await eventually(lambda: len(handler.flushed) == 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        for piece in (b"two", b"three"):
            handler.write(piece)
            with pytest.raises(StreamClosedError):
                await handler.flush()
        await eventually(lambda: handler.left == 1)
        assert rig.counted("connections") == 0
