"""A connection as a pair of byte streams, whatever it is made of."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol

from transport.arrival import Arrival
from transport.poller import READ_BYTES, running_poller

Taken = Callable[[bytes], bool]
"""Deals with some bytes at once, in the loop itself and not in a task; false if a task has to go on."""


class Channel(Protocol):
    """An open connection. At most one task receives at a time, and nothing is read while none does."""

    @property
    def unsent(self) -> bool:
        """Some of what was written is not yet with the kernel."""
        ...

    def write(self, data: bytes) -> bool:
        """Send; what the kernel does not take now goes out by itself. Return whether it took any.

        Raises:
            OSError: the connection is broken.
        """
        ...

    def receive(self, taken: Taken | None = None) -> Awaitable[bytes]:
        """The next bytes, or b"" at the end. Raises OSError if the connection breaks.

        With `taken`, the wait goes on after all bytes for which that returns true. So a stream whose pieces
        need no waiting wakes no task. What `taken` raises is raised here.
        """
        ...

    def take(self) -> bytes | None:
        """What `receive` would give if that needs no waiting; None if there is nothing. Raises OSError."""
        ...

    def when_readable(self, stirred: Callable[[], None]) -> None:
        """Call `stirred` each time there may be something to read, until `receive` or `close`."""
        ...

    def close(self) -> None:
        """Close at once, whatever is under way. Does nothing the second time."""
        ...


class SocketChannel:
    """A connected socket that does not block."""

    __slots__ = (
        "_closed",
        "_fd",
        "_flowing",
        "_loop",
        "_poller",
        "_socket",
        "_stirred",
        "_taken",
        "_unsent",
        "_waiting",
        "_watched",
    )

    def __init__(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._fd = connected.fileno()
        self._loop = asyncio.get_running_loop()
        self._poller = running_poller()
        self._watched = False
        self._closed = False
        self._flowing = False  # the last read was as large as any: the next one needs no other room
        self._waiting: Arrival[bytes] | None = None
        self._taken: Taken | None = None
        self._stirred: Callable[[], None] | None = None
        self._unsent = bytearray()

    @property
    def unsent(self) -> bool:
        """See `Channel`."""
        return bool(self._unsent)

    def receive(self, taken: Taken | None = None) -> Arrival[bytes]:
        """See `Channel`."""
        waiting = self._waiting = Arrival(loop=self._loop)
        self._taken = taken
        self._stirred = None
        if self._closed:
            waiting.set_exception(ConnectionAbortedError())
        elif not self._watched:
            self._watched = True
            self._poller.watch(self._fd, self._readable)
        return waiting

    def take(self) -> bytes | None:
        """See `Channel`."""
        try:
            return self._read()
        except (BlockingIOError, InterruptedError):
            return None

    def when_readable(self, stirred: Callable[[], None]) -> None:
        """See `Channel`."""
        self._stirred = stirred
        if not self._watched:
            self._watched = True
            self._poller.watch(self._fd, self._readable)

    def write(self, data: bytes) -> bool:
        """See `Channel`."""
        if self._closed:
            raise ConnectionAbortedError
        if self._unsent:
            self._unsent += data
            return False
        sent = self._send(data)
        if sent < len(data):
            self._unsent += memoryview(data)[sent:]
            self._loop.add_writer(self._fd, self._writable)
        return sent > 0

    def close(self) -> None:
        """See `Channel`."""
        if self._closed:
            return
        self._closed = True
        self._unwatch()
        if self._unsent:
            self._loop.remove_writer(self._fd)
            self._unsent.clear()
        self._socket.close()
        self._stirred = self._taken = None
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(ConnectionAbortedError())

    def _read(self) -> bytes:
        if self._flowing:
            data = self._socket.recv(READ_BYTES)
        else:
            buffer = self._poller.buffer
            data = bytes(buffer[: self._socket.recv_into(buffer)])
        self._flowing = len(data) == READ_BYTES
        return data

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def _readable(self) -> None:
        waiting = self._waiting
        if waiting is None or waiting.done():
            if self._stirred is not None:
                self._stirred()
            else:
                self._unwatch()  # nobody is ready for more, so the peer has to wait
            return
        try:
            data = self._read()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._waiting = None
            waiting.set_exception(error)
            del waiting  # it refers to the error, and that to this call
            return
        self._waiting = None
        if (taken := self._taken) is not None and data:
            try:
                goes_on = taken(data)
            except Exception as error:
                waiting.set_exception(error)
                del waiting
                return
            if goes_on and self._closed:
                waiting.set_exception(ConnectionAbortedError())
                return
            if goes_on:
                self._waiting = waiting
                return
            self._taken = None
        waiting.arrive(data)

    def _writable(self) -> None:
        try:
            sent = self._send(self._unsent)
        except OSError:
            self._unsent.clear()  # reading tells why, or gives an answer that was sent before
            sent = 0
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self._fd)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._poller.unwatch(self._fd)
