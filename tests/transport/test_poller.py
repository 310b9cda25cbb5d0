"""Sockets that have something to read, with the loop's selector and without."""

import asyncio
import select
import selectors
import socket
import time

import pytest

from tests.eventually import eventually
from tests.upstream.rig import nothing_left
from transport.channel import SocketChannel
from transport.poller import (
    MOST_AT_ONCE,
    EpollPoller,
    LoopPoller,
    Poller,
    ServingLoop,
    ServingSelector,
    running_poller,
)

needs_epoll = pytest.mark.skipif(not hasattr(select, "epoll"), reason="there is no epoll")
POLLERS = ["of the loop"] + (["of its selector", "beside it"] if hasattr(select, "epoll") else [])


def connected_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection; neither blocks."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


def poller_of(kind: str) -> Poller:
    loop = asyncio.get_running_loop()
    if kind == "of the loop":
        return LoopPoller(loop)
    if kind == "beside it":
        return EpollPoller(loop)
    assert isinstance(loop, ServingLoop)
    return running_poller()


@pytest.mark.parametrize("kind", POLLERS)
async def test_all_sockets_that_are_ready_are_served(kind: str) -> None:
    async with nothing_left():
        poller, pairs, read = poller_of(kind), [socket.socketpair() for _ in range(3 * MOST_AT_ONCE)], set()

        def reader(number: int, sock: socket.socket) -> None:
            read.add((number, sock.recv(10)))

        for number, (ours, theirs) in enumerate(pairs):
            poller.watch(ours.fileno(), lambda number=number, sock=ours: reader(number, sock))  # type: ignore[misc]
            theirs.send(b"x")
        await eventually(lambda: len(read) == len(pairs))
        for ours, theirs in pairs:
            poller.unwatch(ours.fileno())
            ours.close()
            theirs.close()


@needs_epoll
async def test_work_of_the_loop_comes_up_in_each_turn_however_many_streams_are_ready() -> None:
    """Hundreds of streams always have something to read, and each of them takes a millisecond."""
    async with nothing_left():
        poller, pairs = running_poller(), [socket.socketpair() for _ in range(5 * MOST_AT_ONCE)]
        served: list[int] = []

        def busy(number: int) -> None:
            served.append(number)
            time.sleep(0.001)

        for number, (ours, theirs) in enumerate(pairs):
            theirs.send(b"x")
            poller.watch(ours.fileno(), lambda number=number: busy(number))  # type: ignore[misc]
        await eventually(lambda: len(served) > 2 * MOST_AT_ONCE)
        asked, before = connected_pair(), len(served)
        asked[1].send(b"x")
        await asyncio.get_running_loop().sock_recv(asked[0], 1)
        assert len(served) - before < MOST_AT_ONCE
        await eventually(lambda: len(set(served)) == len(pairs), seconds=30)
        assert max(map(served.count, range(len(pairs)))) <= 2, "the others wait for one of them"
        for ours, theirs in [*pairs, asked]:
            poller.unwatch(ours.fileno())
            ours.close()
            theirs.close()


@pytest.mark.parametrize("kind", POLLERS)
async def test_socket_that_another_one_led_to_closing_is_not_served(kind: str) -> None:
    async with nothing_left():
        poller, served = poller_of(kind), []
        pairs = [socket.socketpair() for _ in range(2)]

        def close_both(number: int) -> None:
            served.append(number)
            for ours, _ in pairs:
                poller.unwatch(ours.fileno())
            for ours, theirs in pairs:
                ours.close()
                theirs.close()

        for number, (ours, theirs) in enumerate(pairs):
            poller.watch(ours.fileno(), lambda number=number: close_both(number))  # type: ignore[misc]
            theirs.send(b"x")
        await eventually(lambda: bool(served))
        await asyncio.sleep(0.01)
        assert len(served) == 1


@needs_epoll
async def test_error_while_a_socket_is_served_is_told_to_the_loop_and_the_others_are_served() -> None:
    async with nothing_left():
        poller, told, read = running_poller(), [], []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        pairs = [socket.socketpair() for _ in range(2)]
        error = ValueError("canary")

        def fail(sock: socket.socket) -> None:
            sock.recv(10)
            raise error

        poller.watch(pairs[0][0].fileno(), lambda: fail(pairs[0][0]))
        poller.watch(pairs[1][0].fileno(), lambda: read.append(pairs[1][0].recv(10)))
        for _, theirs in pairs:
            theirs.send(b"x")
        await eventually(lambda: bool(read) and bool(told))
        assert (told, read) == ([error], [b"x"])
        for ours, theirs in pairs:
            poller.unwatch(ours.fileno())
            ours.close()
            theirs.close()


@needs_epoll
async def test_socket_is_served_here_and_written_to_by_the_loop() -> None:
    async with nothing_left():
        poller, loop, done = running_poller(), asyncio.get_running_loop(), []
        ours, theirs = socket.socketpair()
        fd = ours.fileno()

        def written() -> None:
            done.append(b"written")
            loop.remove_writer(fd)

        loop.add_writer(fd, written)
        poller.watch(fd, lambda: done.append(ours.recv(10)))
        await eventually(lambda: done == [b"written"])
        theirs.send(b"x")
        await eventually(lambda: done == [b"written", b"x"])
        poller.unwatch(fd)
        loop.add_writer(fd, written)
        theirs.send(b"y")
        await eventually(lambda: done[2:] == [b"written"])
        ours.close()
        theirs.close()


@needs_epoll
def test_selector_tells_the_loop_what_any_selector_tells() -> None:
    (ours, theirs), found = socket.socketpair(), []
    with ours, theirs:
        for selector in (ServingSelector(), selectors.EpollSelector()):
            with selector:
                key = selector.register(ours, selectors.EVENT_READ, "a")
                seen: list[object] = [key, key == selector.get_key(ours)]
                with pytest.raises(KeyError):
                    selector.register(ours, selectors.EVENT_READ)
                seen.append(selector.select(0))
                seen.append(selector.modify(ours, selectors.EVENT_WRITE | selectors.EVENT_READ, "b"))
                seen.append(selector.select())
                theirs.send(b"x")
                seen.append(selector.select(0.01))
                seen.append(selector.modify(ours, selectors.EVENT_READ, "b"))
                seen.append(selector.select(-1))
                ours.recv(1)
                seen.append(selector.unregister(ours))
                seen.append(selector.select(0.001))
                with pytest.raises(KeyError):
                    selector.get_key(ours)
                with pytest.raises(KeyError):
                    selector.unregister(ours)
                seen.append(len(selector.get_map() or ()))
                found.append(seen)
    assert found[0] == found[1]


def test_loop_of_another_kind_has_a_way_too() -> None:
    async def receive() -> bytes:
        ours, theirs = connected_pair()
        channel = SocketChannel(ours)
        theirs.send(b"x")
        try:
            return await channel.receive()
        finally:
            channel.close()
            theirs.close()

    loop = asyncio.SelectorEventLoop()
    assert loop.run_until_complete(receive()) == b"x"
    loop.close()


async def test_what_needs_no_waiting_wakes_no_task() -> None:
    async with nothing_left():
        ours, theirs = connected_pair()
        channel, taken, woken = SocketChannel(ours), [], []

        def take(data: bytes) -> bool:
            taken.append(data)
            return data != b"wait"

        async def receive() -> None:
            woken.append(await channel.receive(take))

        task = asyncio.create_task(receive())
        for data in (b"one", b"two", b"wait"):
            assert woken == []
            theirs.send(data)
            await eventually(lambda data=data: taken[-1:] == [data])  # type: ignore[misc]
        await task
        assert woken == [b"wait"]
        theirs.send(b"more")
        await asyncio.sleep(0.01)
        assert taken == [b"one", b"two", b"wait"]  # nobody is ready
        theirs.close()
        task = asyncio.create_task(receive())
        await task
        assert (taken[3:], woken[1:]) == ([b"more"], [b""])  # the end is always told to the task
        channel.close()


async def test_what_is_raised_for_a_piece_is_raised_to_the_task() -> None:
    async with nothing_left():
        ours, theirs = connected_pair()
        channel, error = SocketChannel(ours), ValueError("canary")

        def fail(_: bytes) -> bool:
            raise error

        theirs.send(b"x")
        with pytest.raises(ValueError, match="canary"):
            await channel.receive(fail)
        channel.close()
        theirs.close()


@pytest.mark.parametrize("goes_on", [True, False])
async def test_closing_the_channel_for_a_piece_ends_the_wait_after_it(goes_on: bool) -> None:
    async with nothing_left():
        ours, theirs = connected_pair()
        channel = SocketChannel(ours)

        def close(_: bytes) -> bool:
            channel.close()
            return goes_on

        theirs.send(b"x")
        if goes_on:
            with pytest.raises(ConnectionAbortedError):
                await channel.receive(close)
        else:
            assert await channel.receive(close) == b"x"
        theirs.close()


async def test_nothing_is_read_while_nobody_waits_and_the_loop_does_not_spin() -> None:
    ours, theirs = connected_pair()
    channel = SocketChannel(ours)
    theirs.send(b"first")
    assert await channel.receive() == b"first"
    theirs.send(b"second")
    spent = time.process_time()
    await asyncio.sleep(0.5)
    assert time.process_time() - spent < 0.25
    assert await channel.receive() == b"second"
    theirs.close()
    assert await channel.receive() == b""
    channel.close()
    channel.close()
    with pytest.raises(ConnectionAbortedError):
        await channel.receive()


async def test_what_the_kernel_does_not_take_goes_out_by_itself() -> None:
    ours, theirs = connected_pair()
    channel, sent, got = SocketChannel(ours), b"0123456789" * 500_000, bytearray()
    assert channel.write(sent[:-10])
    assert channel.unsent
    channel.write(sent[-10:])
    while len(got) < len(sent):
        got += await asyncio.get_running_loop().sock_recv(theirs, 1 << 20)
    assert got == sent
    await eventually(lambda: not channel.unsent)
    channel.close()
    theirs.close()


async def test_closing_ends_the_wait_and_forgets_what_was_not_sent() -> None:
    async with nothing_left():
        ours, theirs = connected_pair()
        channel = SocketChannel(ours)
        channel.write(b"x" * 10_000_000)
        waiting = asyncio.ensure_future(channel.receive())
        channel.close()
        with pytest.raises(ConnectionAbortedError):
            await waiting
        with pytest.raises(ConnectionAbortedError):
            channel.write(b"x")
        theirs.close()
