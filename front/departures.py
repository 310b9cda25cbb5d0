"""Clients that leave while they wait for an answer.

Tornado reads from a connection while it has nothing unread, and only then does it see its end. One byte too
much (a line end behind the body, a second request) and a client that leaves is not missed. The kernel knows
better: one epoll object of our own watches for the end alone, whatever is unread. It is itself one reader
of the event loop, so a connection costs one call to be watched and nothing while it is quiet.

The end of a client that goes on sending without being read comes behind what it has sent: it is seen only
as far as the kernel takes that (about 64 KiB and more), unless the client resets the connection.

A client that closes its sending side only (`shutdown(SHUT_WR)`) counts as one that has left. Where there is
no epoll (macOS), what Tornado sees is all there is.
"""

import asyncio
import select
from typing import Protocol


class Watchable(Protocol):
    """A connection."""

    descriptor: int

    def close(self) -> None:
        """Close it; whoever works for it is told by that."""
        ...


class Departures:
    """Closes connections whose client has left. Made on the running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watched: dict[int, Watchable] = {}
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        if self._epoll is not None:
            self._loop.add_reader(self._epoll.fileno(), self._look)

    def watch(self, connection: Watchable) -> None:
        """Watch a connection until it is closed."""
        if self._epoll is None or self._watched.get(connection.descriptor) is connection:
            return
        self._watched[connection.descriptor] = connection
        # Its end (EPOLLHUP) and its errors (EPOLLERR) are always reported too.
        self._epoll.register(connection.descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)

    def forget(self, connection: Watchable) -> None:
        """Its descriptor is about to be closed; the kernel forgets it by itself."""
        if self._watched.get(connection.descriptor) is connection:
            del self._watched[connection.descriptor]

    def close(self) -> None:
        """Watch nothing any more."""
        self._watched.clear()
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def _look(self) -> None:
        if self._epoll is None:
            return
        for descriptor, _ in self._epoll.poll(0):
            connection = self._watched.get(descriptor)
            if connection is not None:
                connection.close()
