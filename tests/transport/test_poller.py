"""Sockets that have something to read, with and without epoll."""

import asyncio
import select
import socket
import time

import pytest

from tests.eventually import eventually
from tests.upstream.rig import nothing_left
from transport.channel import SocketChannel
from transport.poller import MOST_AT_ONCE, EpollPoller, LoopPoller, Poller

POLLERS = [LoopPoller] + ([EpollPoller] if hasattr(select, "epoll") else [])


def connected_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection; neither blocks."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


def poller_of(kind: type[LoopPoller] | type[EpollPoller]) -> Poller:
    return kind(asyncio.get_running_loop())


@pytest.mark.parametrize("kind", POLLERS)
async def test_all_sockets_that_are_ready_are_served(kind: type[LoopPoller]) -> None:
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


@pytest.mark.parametrize("kind", POLLERS)
async def test_socket_that_another_one_led_to_closing_is_not_served(kind: type[LoopPoller]) -> None:
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
