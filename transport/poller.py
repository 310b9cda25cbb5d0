"""Which sockets have something to read."""

import asyncio
import math
import select
import selectors
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from types import MappingProxyType
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

READ_BYTES: Final = 128 * 1024
"""Most bytes read at once; between two reads of a socket, others have their turn.

Far below `runtime.memory.LARGE_BLOCK`: larger blocks go back to the system at once, and to get new ones costs
more than to read.
"""
MOST_AT_ONCE: Final = 100
"""Sockets served in one turn of the loop; after them, the rest of the service has its turn."""
TURN_SECONDS: Final = 0.01
"""What serving them should take in one turn: fewer are served where each has much to do."""

Readable = Callable[[], None]


class Poller(Protocol):
    """Calls `readable` whenever there is something to read, until `unwatch`.

    `buffer` is for whoever is being called, so that what comes in small pieces needs no room for a large one.
    """

    buffer: memoryview

    def watch(self, fd: int, readable: Readable) -> None:
        """From now on; the socket must be watched by nobody else."""
        ...

    def unwatch(self, fd: int) -> None:
        """Not any more. To be called before the socket is closed."""
        ...


class ServingSelector(selectors.BaseSelector):
    """What a `ServingLoop` waits with: a `Poller` too, which serves what it watches before `select` returns.

    So a piece of a stream costs neither a handle of the loop nor a turn. All streams have an epoll set of
    their own: however many are ready, what the loop waits for comes up in each turn.
    """

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._streams = select.epoll()
        self._epoll = select.epoll()  # of what the loop waits for, and of the other set
        self._epoll.register(self._streams.fileno(), select.EPOLLIN)
        self._keys: dict[int, SelectorKey] = {}  # what the loop waits for, by descriptor
        self._readable: dict[int, Readable] = {}
        self._at_once = MOST_AT_ONCE

    def watch(self, fd: int, readable: Readable) -> None:
        """See `Poller`."""
        if fd not in self._readable:
            self._streams.register(fd, select.EPOLLIN)
        self._readable[fd] = readable

    def unwatch(self, fd: int) -> None:
        """See `Poller`."""
        if self._readable.pop(fd, None) is not None:
            with suppress(OSError):  # it may be closed already, and is forgotten by the kernel then
                self._streams.unregister(fd)

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """See `BaseSelector`."""
        fd = _descriptor(fileobj)
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} is already registered")
        key = self._keys[fd] = SelectorKey(fileobj, fd, events, data)
        self._epoll.register(fd, _polled(events))
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        """See `BaseSelector`."""
        key = self.get_key(fileobj)
        del self._keys[key.fd]
        with suppress(OSError):  # as above
            self._epoll.unregister(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """See `BaseSelector`."""
        before = self.get_key(fileobj)
        if events != before.events:
            self._epoll.modify(before.fd, _polled(events))
        key = self._keys[before.fd] = SelectorKey(before.fileobj, before.fd, events, data)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Serve what is watched and ready, and tell what else is; see `BaseSelector`."""
        # Not earlier than asked for: the loop would only come back.
        seconds = -1.0 if timeout is None else max(0.0, math.ceil(timeout * 1e3) / 1e3)
        ready: list[tuple[SelectorKey, int]] = []
        keys, streams = self._keys, self._streams.fileno()
        for fd, event in self._epoll.poll(seconds, MOST_AT_ONCE):
            if fd == streams:
                self._serve()
            elif (key := keys.get(fd)) is not None:
                # An error is both to read and to write.
                seen = EVENT_READ if event & ~select.EPOLLOUT else 0
                seen |= EVENT_WRITE if event & ~select.EPOLLIN else 0
                if seen & key.events:
                    ready.append((key, seen & key.events))
        return ready

    def _serve(self) -> None:
        """Serve streams that are ready: those first whose turn is the longest ago, as the kernel has it."""
        began = time.monotonic()
        watched = self._readable
        found = self._streams.poll(0, self._at_once)
        for fd, _ in found:
            # What an earlier one led to may have ended the interest in this one.
            if (readable := watched.get(fd)) is not None:
                try:
                    readable()
                except Exception as error:
                    _tell(error)
        spent = time.monotonic() - began
        if spent > TURN_SECONDS:
            self._at_once = max(1, int(len(found) * TURN_SECONDS / spent))
        elif self._at_once < MOST_AT_ONCE:
            self._at_once = min(MOST_AT_ONCE, 2 * self._at_once)

    def get_map(self) -> Mapping[Any, SelectorKey]:
        """See `BaseSelector`; by descriptor."""
        return MappingProxyType(self._keys)

    def get_key(self, fileobj: Any) -> SelectorKey:
        """See `BaseSelector`."""
        return self._keys[_descriptor(fileobj)]

    def close(self) -> None:
        """See `BaseSelector`."""
        self._epoll.close()
        self._streams.close()
        self._keys.clear()
        self._readable.clear()


class ServingLoop(asyncio.SelectorEventLoop):
    """A loop whose selector serves streams by itself; only where there is epoll."""

    def __init__(self) -> None:
        self.poller = ServingSelector()
        super().__init__(self.poller)


class EpollPoller:
    """For loops of other kinds, such as uvloop's: an epoll set of its own, which is one reader of the loop.

    With many streams, one callback for all that are ready is far cheaper than one for each. The set is there
    only while something is watched, so nobody needs to close it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._epoll: select.epoll | None = None
        self._readable: dict[int, Readable] = {}

    def watch(self, fd: int, readable: Readable) -> None:
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

    def watch(self, fd: int, readable: Readable) -> None:
        """See `Poller`."""
        self._loop.add_reader(fd, readable)

    def unwatch(self, fd: int) -> None:
        """See `Poller`."""
        self._loop.remove_reader(fd)


_pollers: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Poller]] = WeakKeyDictionary()


def new_serving_loop() -> asyncio.AbstractEventLoop:
    """A loop on which streams are cheap: with hundreds of them, waiting is what costs most."""
    return ServingLoop() if hasattr(select, "epoll") else asyncio.new_event_loop()


def running_poller() -> Poller:
    """The one of the running loop."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, ServingLoop):
        return loop.poller
    poller = _pollers.get(loop)
    if poller is None:
        poller = _pollers[loop] = EpollPoller(loop) if hasattr(select, "epoll") else LoopPoller(loop)
    return poller


def _descriptor(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())


def _polled(events: int) -> int:
    """What an epoll set calls them."""
    return (select.EPOLLIN if events & EVENT_READ else 0) | (select.EPOLLOUT if events & EVENT_WRITE else 0)


def _tell(error: Exception) -> None:
    """As the loop does it for its own callbacks."""
    context = {"message": "serving a socket failed", "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)
