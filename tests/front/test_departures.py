"""The end of a connection is seen without reading from it."""

import socket
import struct

import pytest

from front.departures import Departures
from tests.eventually import eventually


class Watched:
    """One end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.descriptor = sock.fileno()
        self.closed = 0

    def close(self) -> None:
        self.closed += 1
        self._socket.close()


def connection() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return client, listener.accept()[0]


@pytest.mark.parametrize("unread", [b"", b"\r\n", b"x" * 10_000])
@pytest.mark.parametrize("way", ["close", "reset", "half_close"])
@pytest.mark.parametrize("before", [False, True])
async def test_client_that_leaves_closes_its_connection_once(way: str, unread: bytes, before: bool) -> None:
    client, ours = connection()
    watched = Watched(ours)
    departures = Departures()
    client.sendall(unread)
    if not before:
        departures.watch(watched)
        departures.watch(watched)
    if way == "reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if way == "half_close":
        client.shutdown(socket.SHUT_WR)
    else:
        client.close()
    if before:
        departures.watch(watched)
    await eventually(lambda: watched.closed == 1)
    departures.close()
    client.close()


async def test_descriptor_that_is_used_again_is_watched_for_its_new_owner() -> None:
    departures = Departures()
    client, ours = connection()
    first = Watched(ours)
    departures.watch(first)
    departures.forget(first)
    first.close()
    client.close()
    newcomer, theirs = connection()
    second = Watched(theirs)
    departures.watch(second)
    departures.forget(first)
    newcomer.close()
    await eventually(lambda: second.closed == 1)
    assert first.closed == 1
    departures.close()
