"""Accepting goes on while it can, and rests while it cannot."""

import asyncio
import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from front.acceptor import Acceptor
from metrics import Metrics
from tests.eventually import eventually


class Room:
    """As much room as the test says."""

    def __init__(self) -> None:
        self.full = False

    def make_room(self) -> bool:
        return False


class FailingListener:
    """A listener whose `accept` fails with `error`; a real one behind it makes the loop call it."""

    def __init__(self, listener: socket.socket, error: int) -> None:
        self._listener = listener
        self.error = error
        self.tries = 0

    def fileno(self) -> int:
        return self._listener.fileno()

    def accept(self) -> tuple[socket.socket, object]:
        self.tries += 1
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return self._listener.accept()


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENOBUFS, errno.EPERM])
async def test_accept_that_fails_is_tried_again_after_a_pause_and_told_once(
    error: int, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[socket.socket] = []
    metrics = Metrics((), [])
    with listening() as real, socket.create_connection(real.getsockname()):
        listener = FailingListener(real, error)
        acceptor = Acceptor([listener], Room(), metrics, taken.append)  # type: ignore[list-item]
        await asyncio.sleep(0.6)
        assert 1 <= listener.tries <= 4
        listener.error = 0
        await eventually(lambda: len(taken) == 1)
        acceptor.end(drain=False)
        taken[0].close()
    assert [record.getMessage() for record in caplog.records] == [
        f"new connections have to wait: {os.strerror(error)}"
    ]
    pauses = metrics.registry.get_sample_value("pandora_accept_pauses_total", {"reason": "resources"})
    assert pauses == listener.tries - 2 or pauses == listener.tries - 1


async def test_connection_that_went_before_it_was_accepted_is_passed_over() -> None:
    taken: list[socket.socket] = []
    with listening() as real, socket.create_connection(real.getsockname()):
        listener = FailingListener(real, errno.ECONNABORTED)
        acceptor = Acceptor([listener], Room(), Metrics((), []), taken.append)  # type: ignore[list-item]
        await eventually(lambda: listener.tries > 0)
        listener.error = 0
        await eventually(lambda: len(taken) == 1)
        acceptor.end(drain=False)
        taken[0].close()


async def test_end_takes_what_waits_in_the_queue() -> None:
    taken: list[socket.socket] = []
    with listening() as real:
        acceptor = Acceptor([real], Room(), Metrics((), []), taken.append)
        clients = [socket.create_connection(real.getsockname()) for _ in range(5)]
        acceptor.end(drain=True)
        assert len(taken) == 5
        for sock in [*taken, *clients]:
            sock.close()
