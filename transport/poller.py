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
"""How long the streams that are ready are served before the rest of the service has its turn."""

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

    So a piece of a stream costs one look at one epoll set, and neither a handle of the loop nor a turn. In
    each turn everything is told that the loop waits for, however many streams are ready, and those that
    had no time are served first in the next one.
    """

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._epoll = select.epoll()
        self._keys: dict[int, SelectorKey] = {}  # what the loop waits for, by descriptor
        self._readable: dict[int, Readable] = {}
        self._left: list[int] = []  # ready in the turn before, and not served

    def watch(self, fd: int, readable: Readable) -> None:
        """See `Poller`."""
        self._change(fd, self._keys.get(fd), readable)

    def unwatch(self, fd: int) -> None:
        """See `Poller`."""
        if fd in self._readable:
            self._change(fd, self._keys.get(fd), None)

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """See `BaseSelector`."""
        fd = _descriptor(fileobj)
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} is already registered")
        key = SelectorKey(fileobj, fd, events, data)
        self._change(fd, key, self._readable.get(fd))
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        """See `BaseSelector`."""
        key = self.get_key(fileobj)
        self._change(key.fd, None, self._readable.get(key.fd))
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """See `BaseSelector`."""
        before = self.get_key(fileobj)
        key = SelectorKey(before.fileobj, before.fd, events, data)
        self._change(key.fd, key, self._readable.get(key.fd))
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Serve what is watched and ready, and tell what else is; see `BaseSelector`."""
        # Not earlier than asked for: the loop would only come back.
        seconds = -1.0 if timeout is None else max(0.0, math.ceil(timeout * 1e3) / 1e3)
        keys, watched = self._keys, self._readable
        events = self._epoll.poll(seconds, max(1, len(keys) + len(watched)))
        self._serve([fd for fd, event in events if fd in watched and event & ~select.EPOLLOUT])
        ready: list[tuple[SelectorKey, int]] = []
        for fd, event in events:
            # What a stream led to may have ended the interest in this one. An error is both to read and to
            # write.
            if (key := keys.get(fd)) is not None:
                seen = EVENT_READ if event & ~select.EPOLLOUT else 0
                seen |= EVENT_WRITE if event & ~select.EPOLLIN else 0
                if seen & key.events:
                    ready.append((key, seen & key.events))
        return ready

    def _serve(self, ready: list[int]) -> None:
        """Serve these streams, as far as there is time."""
        if self._left:
            still = set(ready)
            ready = [*(fd for fd in self._left if fd in still), *(still.difference(self._left))]
            self._left = []
        until = time.monotonic() + TURN_SECONDS
        for number, fd in enumerate(ready, 1):
            # What an earlier one led to may have ended the interest in this one.
            if (readable := self._readable.get(fd)) is not None:
                try:
                    readable()
                except Exception as error:
                    _tell(error)
            if time.monotonic() > until:
                self._left = ready[number:]
                return

    def get_map(self) -> Mapping[Any, SelectorKey]:
        """See `BaseSelector`; by descriptor."""
        return MappingProxyType(self._keys)

    def get_key(self, fileobj: Any) -> SelectorKey:
        """See `BaseSelector`."""
        return self._keys[_descriptor(fileobj)]

    def close(self) -> None:
        """See `BaseSelector`."""
        self._epoll.close()
        self._keys.clear()
        self._readable.clear()

    def _change(self, fd: int, key: SelectorKey | None, readable: Readable | None) -> None:
        """From now on these are interested in a descriptor."""
        before, after = _events(self._keys.get(fd), self._readable.get(fd)), _events(key, readable)
        if not after:
            with suppress(OSError):  # it may be closed already, and is forgotten by the kernel then
                self._epoll.unregister(fd)
        elif not before:
            self._epoll.register(fd, after)
        elif before != after:
            self._epoll.modify(fd, after)
        _put(self._keys, fd, key)
        _put(self._readable, fd, readable)


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


def _events(key: SelectorKey | None, readable: Readable | None) -> int:
    events = 0 if readable is None else select.EPOLLIN
    if key is not None:
        events |= select.EPOLLIN if key.events & EVENT_READ else 0
        events |= select.EPOLLOUT if key.events & EVENT_WRITE else 0
    return events


def _put(interested: dict[int, Any], fd: int, who: Any) -> None:
    if who is None:
        interested.pop(fd, None)
    else:
        interested[fd] = who


def _tell(error: Exception) -> None:
    """As the loop does it for its own callbacks."""
    context = {"message": "serving a socket failed", "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)
