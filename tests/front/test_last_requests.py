"""The end of the door: each request on an open connection is answered in full, or was not begun."""

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
import tornado.web

from front import ConnectionTimes
from tests.eventually import eventually, go_on
from tests.front.rig import Rig, opened
from tests.raw_client import Connection, connect

QUICK = ConnectionTimes(linger=0.2, last=0.4)
PATIENT = ConnectionTimes(linger=0.2, last=60.0)
"""Whoever asks once more is in time, also if this process stands still meanwhile."""
BIG = b"x" * 3_000_000
"""More than the kernel holds for a client that does not read."""
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


class Pieces(tornado.web.RequestHandler):
    """Writes a piece, and the last one when the test lets it."""

    def initialize(self, rig: list[Rig]) -> None:
        self.rig = rig

    async def get(self) -> None:
        self.write(b"first ")
        await self.flush()
        await self.rig[0].go_on.wait()
        self.write(b"last")


class Big(tornado.web.RequestHandler):
    """More than a client that does not read can hold."""

    def get(self) -> None:
        self.write(BIG)


@dataclass
class Numbered:
    """The numbers of the requests that were handled."""

    seen: list[str] = field(default_factory=list)


class Notes(tornado.web.RequestHandler):
    """Notes which request it is, and answers with that a little later."""

    def initialize(self, numbered: Numbered) -> None:
        self.numbered = numbered

    async def post(self) -> None:
        number = self.request.body.decode()
        self.numbered.seen.append(number)
        await asyncio.sleep(0.002)
        self.write(number)


async def ended(rig: Rig, seconds: float = 60.0) -> None:
    """The whole end, as the service goes through it."""
    await rig.door.stop_listening()
    await rig.door.wait_until_answered(seconds, asyncio.Event())
    await rig.door.close()


async def ask(client: Connection, path: str = "/") -> str | None:
    """Ask on it; return what the answer says of the connection."""
    await client.send("GET", path, {})
    answer = await client.answer()
    assert answer.status == 200
    return answer.headers.get("connection")


async def test_open_connection_is_left_for_one_more_request_and_then_closed() -> None:
    async with opened(times=PATIENT) as rig, connect(rig.door.port) as early, connect(rig.door.port) as late:
        assert await ask(early) is None
        assert await ask(late) is None
        ending = asyncio.create_task(ended(rig))
        await asyncio.sleep(0)
        assert await ask(early) == "close"
        assert await early.closed_within(5)
        await asyncio.sleep(0.2)
        assert not ending.done()
        assert await ask(late) == "close"
        async with asyncio.timeout(20):
            await ending


async def test_connection_on_which_nothing_more_is_asked_does_not_hold_up_the_end() -> None:
    async with opened(times=QUICK) as rig, connect(rig.door.port) as used, connect(rig.door.port) as silent:
        await ask(used)
        async with asyncio.timeout(20):
            await ended(rig)
        for client in (used, silent):
            assert await client.closed_within(0.1)
        assert rig.counted("connections_closed_total", reason="idle") == 1
        assert rig.counted("connections_closed_total", reason="silent") == 1


async def test_answer_that_has_not_begun_yet_tells_that_the_connection_ends_with_it() -> None:
    async with opened(times=QUICK) as rig, connect(rig.door.port) as client:
        await client.send("GET", "/waits", {})
        await eventually(lambda: rig.waiting == 1)
        ending = asyncio.create_task(ended(rig))
        await asyncio.sleep(0.6)
        rig.go_on.set()
        answer = await client.answer()
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")
        assert await client.closed_within(5)
        await ending


@pytest.mark.parametrize("times", [QUICK, PATIENT])
async def test_stream_that_has_begun_ends_whole_and_its_client_may_ask_once_more(
    times: ConnectionTimes,
) -> None:
    rigs: list[Rig] = []
    routes = [("/pieces", Pieces, {"rig": rigs})]
    async with opened(times=times, routes=routes) as rig, connect(rig.door.port) as client:
        rigs.append(rig)
        await client.send("GET", "/pieces", {})
        await client.read_head()
        ending = asyncio.create_task(ended(rig))
        await asyncio.sleep(0.6)
        assert not ending.done()
        rig.go_on.set()
        assert await client.read_rest() == b"first last"
        if times is PATIENT:
            await asyncio.sleep(0.1)
            assert await ask(client) == "close"
        await ending


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"x" * 500_000])
async def test_last_answer_arrives_whole_whatever_the_client_has_sent_behind_its_request(
    behind: bytes,
) -> None:
    """What stays unread at the end would have the kernel drop what it has not sent."""
    async with (
        opened(times=QUICK, routes=[("/big", Big, {})]) as rig,
        connect(rig.door.port, receive_buffer=4096) as client,
    ):
        await ask(client)
        ending = asyncio.create_task(ended(rig))
        await asyncio.sleep(0)
        asking = asyncio.create_task(client.send_raw(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n" + behind))
        await asyncio.sleep(0.3)
        answer = await client.answer()
        assert answer.body == BIG
        asking.cancel()
        client.close()
        await ending


async def test_end_waits_for_a_slow_reader_of_the_last_bytes_no_longer_than_it_may() -> None:
    async with (
        opened(times=QUICK, routes=[("/big", Big, {})]) as rig,
        connect(rig.door.port, receive_buffer=4096) as client,
    ):
        await client.send("GET", "/big", {})
        await client.read_head()
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(10):
            await ended(rig, 1.5)
        assert loop.time() - began >= 1.5


async def test_end_waits_until_a_client_has_what_the_kernel_holds_for_it() -> None:
    """Where the network of the process goes with it, as in a container, that would be lost."""
    body = b"x" * 60_000
    async with opened(times=QUICK) as rig, connect(rig.door.port, receive_buffer=4096) as client:
        await ask(client)
        ending = asyncio.create_task(ended(rig))
        await asyncio.sleep(0)
        await client.send("POST", "/", {}, body)
        await client.read_head()
        await asyncio.sleep(1)
        assert not ending.done()
        assert await client.read_rest() == body
        client.close()
        async with asyncio.timeout(20):
            await ending


async def test_body_whose_rest_comes_during_the_end_is_answered() -> None:
    async with opened(times=QUICK) as rig, connect(rig.door.port) as client:
        await client.send_raw(POST + b"hello")
        await asyncio.sleep(0.05)
        ending = asyncio.create_task(ended(rig))
        await asyncio.sleep(0.7)
        await client.send_raw(b"world")
        answer = await client.answer()
        assert (answer.body, answer.headers["connection"]) == (b"helloworld", "close")
        client.close()
        await ending


@pytest.mark.parametrize("part", [POST + b"hello", POST[:30]])
async def test_request_that_does_not_come_in_time_is_told_that_it_is_not_served(part: bytes) -> None:
    async with opened(times=QUICK) as rig, connect(rig.door.port) as client:
        await client.send_raw(part)
        await eventually(lambda: rig.counted("connections") == 1)
        await go_on(0.1)
        await ended(rig, 0.1)
        answer = await client.answer()
        assert answer.status == 503
        assert answer.error["code"] == "server_is_overloaded"
        assert answer.headers["retry-after"] == "5"
        assert await client.closed_within(1)
        assert rig.faults() == {"stopping": 1}


async def test_each_request_during_the_end_is_answered_or_was_not_begun() -> None:
    """So a client may send again whatever it has got no byte of an answer to."""
    numbered, answered, unanswered = Numbered(), list[str](), list[str]()
    times = ConnectionTimes(last=0.05, linger=0.2)
    async with opened(times=times, routes=[("/notes", Notes, {"numbered": numbered})]) as rig:

        async def keep_asking(name: int) -> None:
            pause = 0.001 * (1 + name)
            async with connect(rig.door.port) as client:
                for turn in range(10_000):
                    body = f"{name}-{turn}"
                    try:
                        await client.send("POST", "/notes", {}, body.encode())
                        answer = await client.answer()
                    except (OSError, EOFError):
                        unanswered.append(body)
                        return
                    assert answer.body == body.encode()
                    answered.append(body)
                    if "connection" in answer.headers:
                        return
                    await asyncio.sleep(pause)

        async with AsyncExitStack() as stack:
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            for name in range(80):
                tasks.create_task(keep_asking(name))
            await eventually(lambda: len(answered) > 200, 60)
            await ended(rig)
    assert sorted(numbered.seen) == sorted(answered)
    assert not set(numbered.seen) & set(unanswered)


async def test_hurry_closes_what_is_idle_at_once() -> None:
    async with opened() as rig, connect(rig.door.port) as client:
        await ask(client)
        await rig.door.stop_listening()
        hurried = asyncio.Event()
        waiting = asyncio.create_task(rig.door.wait_until_answered(60, hurried))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        hurried.set()
        async with asyncio.timeout(20):
            await waiting
        assert await client.closed_within(1)


async def test_request_that_waits_in_the_kernel_keeps_its_connection_open() -> None:
    """The loop was busy when it came, so that nobody has seen it yet when the time is over."""
    async with opened(times=ConnectionTimes(last=0.0)) as rig:
        with socket.create_connection(("127.0.0.1", rig.door.port)) as client:
            await eventually(lambda: rig.counted("connections") == 1)
            await rig.door.stop_listening()
            waiting = asyncio.ensure_future(rig.door.wait_until_answered(5, asyncio.Event()))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            client.setblocking(False)
            await eventually(waiting.done, 5)
            assert client.recv(4096).endswith(b"hello")
