"""Accepting connections, and waiting with that while there is no room for them.

Connections that are not accepted stay in the listen queue of the kernel. Tornado's own acceptor is called
again at once, and logs a traceback, as long as `accept` fails for want of descriptors.
"""

import asyncio
import errno
import logging
import select
import socket
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from metrics import AcceptPause, Metrics

log = logging.getLogger("pandora")

AT_ONCE: Final = 64
"""Connections that are accepted before the loop goes on with other work."""
PAUSE_SECONDS: Final = 0.25
TOLD_SECONDS: Final = 60.0
"""The log is told of pauses once in so many seconds."""
NO_RESOURCES: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Room(Protocol):
    """Says whether a connection can be taken."""

    @property
    def full(self) -> bool:
        """There is no room."""
        ...

    def make_room(self) -> bool:
        """Close a connection that can be spared; return whether there was one."""
        ...


class Acceptor:
    """Accepts what comes to `listeners` and hands it to `take`. Made on the running loop."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        room: Room,
        metrics: Metrics,
        take: Callable[[socket.socket], None],
    ) -> None:
        self._listeners = listeners
        self._room = room
        self._metrics = metrics
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._reading = False
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None
        self._last_told = -TOLD_SECONDS
        self.resume()

    def resume(self) -> None:
        """Accept again, if accepting pauses: there may be room."""
        if self._reading or self._ended:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._reading = True
        for listener in self._listeners:
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    def end(self, *, drain: bool) -> None:
        """Accept no more; with `drain`, first what waits in the queues of the kernel, if there is room."""
        if self._ended:
            return
        self._stop_reading()
        self._ended = True
        if drain:
            for listener in self._listeners:
                while self._accept_one(listener):
                    pass

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(AT_ONCE):
            if not self._reading or not self._accept_one(listener):
                return

    def _accept_one(self, listener: socket.socket) -> bool:
        """Accept one connection; False if there is none, or accepting pauses now."""
        if self._room.full:
            if not _somebody_waits(listener):
                return False
            if not self._room.make_room():
                self._pause(AcceptPause.LIMIT, "all connections are in use")
                return False
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return False
        except ConnectionAbortedError:  # this one has gone already
            return True
        except OSError as error:
            if error.errno in NO_RESOURCES and self._room.make_room():
                return True
            self._pause(AcceptPause.RESOURCES, error.strerror or "accept failed")
            return False
        self._take(connection)
        return True

    def _pause(self, reason: AcceptPause, words: str) -> None:
        if self._ended or not self._reading:
            return
        self._stop_reading()
        self._timer = self._loop.call_later(PAUSE_SECONDS, self.resume)
        self._metrics.accept_paused(reason)
        if self._loop.time() - self._last_told >= TOLD_SECONDS:
            self._last_told = self._loop.time()
            log.warning("new connections have to wait: %s", words)

    def _stop_reading(self) -> None:
        self._reading = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for listener in self._listeners:
            self._loop.remove_reader(listener.fileno())


def _somebody_waits(listener: socket.socket) -> bool:
    """Whether there is a connection to accept. Nobody is sent away for one who is not there."""
    poll = select.poll()
    poll.register(listener.fileno(), select.POLLIN)
    return bool(poll.poll(0))
