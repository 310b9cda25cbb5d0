"""Which sockets have something to read."""

import asyncio
import select
from collections.abc import Callable
from typing import Final, Protocol
from weakref import WeakKeyDictionary

READ_BYTES: Final = 64 * 1024
"""Most bytes read at once; between two reads of a socket, others have their turn."""
MOST_AT_ONCE: Final = 100
"""Sockets served in one turn of the loop; after them, the rest of the service has its turn."""


class Poller(Protocol):
    """Calls `readable` whenever there is something to read, until `unwatch`.

    `buffer` is for whoever is being called, so that what comes in small pieces needs no room for a large one.
    """

    buffer: memoryview

    def watch(self, fd: int, readable: Callable[[], None]) -> None:
        """From now on; the socket must be watched by nobody else."""
        ...

    def unwatch(self, fd: int) -> None:
        """Not any more. To be called before the socket is closed."""
        ...


class EpollPoller:
    """An epoll set of its own, which is one reader of the loop: one callback serves all that are ready.

    With many streams that is far cheaper than a callback of the loop for each. The set is there only while
    something is watched, so nobody needs to close it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._epoll: select.epoll | None = None
        self._readable: dict[int, Callable[[], None]] = {}

    def watch(self, fd: int, readable: Callable[[], None]) -> None:
        """See `Poller`."""
        if self._epoll is None:
            self._epoll = select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._serve)
        self._epoll.register(fd, select.EPOLLIN)
        self._readable[fd] = readable

    def unwatch(self, fd: int) -> None:
        """See `Poller`."""
        epoll = self._epoll
        if epoll is None or self._readable.pop(fd, None) is None:
            return
        epoll.unregister(fd)
        if not self._readable:
            self._loop.remove_reader(epoll.fileno())
            epoll.close()
            self._epoll = None

    def _serve(self) -> None:
        if self._epoll is None:
            return
        for fd, _ in self._epoll.poll(0, MOST_AT_ONCE):
            # What an earlier one led to may have ended the watch over this one.
            if (readable := self._readable.get(fd)) is not None:
                readable()


class LoopPoller:
    """The loop's own way, where there is no epoll."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._loop = loop

    def watch(self, fd: int, readable: Callable[[], None]) -> None:
        """See `Poller`."""
        self._loop.add_reader(fd, readable)

    def unwatch(self, fd: int) -> None:
        """See `Poller`."""
        self._loop.remove_reader(fd)


_pollers: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Poller]] = WeakKeyDictionary()


def running_poller() -> Poller:
    """The one of the running loop."""
    loop = asyncio.get_running_loop()
    poller = _pollers.get(loop)
    if poller is None:
        poller = EpollPoller(loop) if hasattr(select, "epoll") else LoopPoller(loop)
        _pollers[loop] = poller
    return poller
