"""Connections that are kept for further requests, or opened before there is one."""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Final

from transport.connector import Connection, Connector
from transport.origin import Origin


@dataclass(frozen=True, slots=True)
class KeepRules:
    """When an idle connection is surely alive, in seconds.

    A message on a connection that the server is about to close is lost, and must not be sent again if the
    server may have read it. So one is kept for `unannounced`, or if the server announces a time, for that
    less `margin`, at most for `longest`. It rests for `settling` first: a server that does not keep
    connections, but does not say so, closes it then.
    """

    unannounced: float = 5.0
    margin: float = 1.0
    longest: float = 60.0
    settling: float = 0.1
    connections: int = 100
    """Most that are kept, of all servers together."""

    def seconds(self, announced: float | None) -> float:
        """How long a connection is kept."""
        return self.unannounced if announced is None else min(announced - self.margin, self.longest)


DEFAULT_RULES: Final = KeepRules()
EXPECTED_SECONDS: Final = 2.0
"""How long a request that was announced is waited for."""


@dataclass(slots=True, eq=False)
class _Idle:
    connection: Connection
    settled_at: float
    until: float
    """When it is closed."""


class Pool:
    """`acquire` a connection for one request, and `release` it if it can serve another one."""

    def __init__(self, connector: Connector, rules: KeepRules = DEFAULT_RULES) -> None:
        self._connector = connector
        self._rules = rules
        self._loop = asyncio.get_running_loop()
        self._idle: defaultdict[Origin, list[_Idle]] = defaultdict(list)  # the longest first
        self._kept = 0  # of all origins
        self._timer: asyncio.TimerHandle | None = None  # for the first that is to be closed, or earlier
        self._opening: dict[asyncio.Task[Connection], Origin] = {}  # for whoever comes next
        self._expected: defaultdict[Origin, deque[float]] = defaultdict(deque)
        self._closed = False

    async def acquire(self, origin: Origin) -> Connection:
        """One that is surely alive: kept, being opened, or new. Raises as `Connector.open` does."""
        if expected := self._expected.get(origin):
            expected.popleft()
        if (kept := self._take(origin)) is not None:
            return kept
        task = next((task for task, whose in self._opening.items() if whose == origin), None)
        if task is None:
            return await self._connector.open(origin)
        del self._opening[task]
        try:
            return await task
        except asyncio.CancelledError:
            task.add_done_callback(_discard)
            raise

    async def open(self, origin: Origin) -> Connection:
        """A new one. Raises as `Connector.open` does."""
        return await self._connector.open(origin)

    def release(self, connection: Connection, announced: float | None) -> None:
        """It can serve another request; the server announced that it keeps it for so many seconds."""
        self._keep(connection, self._rules.settling, self._rules.seconds(announced))

    def warm(self, origin: Origin) -> None:
        """A request will follow soon: open a connection for it, unless there is one to spare."""
        expected, now = self._expected[origin], self._loop.time()
        while expected and expected[0] < now - EXPECTED_SECONDS:
            expected.popleft()
        expected.append(now)
        if not self._closed and not self._are_ready(len(expected), origin, now):
            task = self._loop.create_task(self._connector.open(origin))
            self._opening[task] = origin
            task.add_done_callback(self._opened)

    def close(self) -> None:
        """Close all idle connections, and keep none from now on."""
        self._closed = True
        for idle in self._all_idle():
            self._drop(idle)
        for task in self._opening:
            task.cancel()

    def _are_ready(self, wanted: int, origin: Origin, now: float) -> bool:
        """Whether so many connections can be taken now, or are being opened."""
        for idle in self._idle.get(origin, ()):
            wanted -= idle.settled_at <= now
            if wanted <= 0:
                return True
        return sum(whose == origin for whose in self._opening.values()) >= wanted

    def _all_idle(self) -> list[_Idle]:
        return [idle for of_one in self._idle.values() for idle in of_one]

    def _opened(self, task: "asyncio.Task[Connection]") -> None:
        # If it is not there any more, somebody has it.
        if self._opening.pop(task, None) and not task.cancelled() and task.exception() is None:
            self._keep(task.result(), 0.0, self._rules.unannounced)

    def _keep(self, connection: Connection, settling: float, seconds: float) -> None:
        if self._closed or seconds <= settling or self._kept >= self._rules.connections:
            connection.channel.close()
            return
        connection.stood_idle = True
        now = self._loop.time()
        idle = _Idle(connection, now + settling, now + seconds)
        self._idle[connection.origin].append(idle)
        self._kept += 1
        self._look_at(idle.until)
        connection.channel.when_readable(lambda: None if _is_quiet(connection) else self._drop(idle))

    def _take(self, origin: Origin) -> Connection | None:
        now = self._loop.time()
        for idle in reversed(tuple(self._idle.get(origin, ()))):
            if idle.settled_at > now:
                continue
            if idle.until > now and _is_quiet(idle.connection):
                self._remove(idle)
                return idle.connection
            self._drop(idle)
        return None

    def _drop(self, idle: _Idle) -> None:
        if idle in self._idle.get(idle.connection.origin, ()):
            self._remove(idle)
            idle.connection.channel.close()

    def _remove(self, idle: _Idle) -> None:
        of_one = self._idle[idle.connection.origin]
        of_one.remove(idle)
        self._kept -= 1
        if not of_one:
            del self._idle[idle.connection.origin]
        if not self._kept and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at(self, when: float) -> None:
        """Have the timer come then at the latest. It is one for all, since most are taken before it comes."""
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._drop_old)

    def _drop_old(self) -> None:
        """Close those whose time is over."""
        self._timer = None
        now = self._loop.time()
        for idle in self._all_idle():
            if idle.until <= now:
                self._drop(idle)
        if self._kept:
            self._look_at(min(idle.until for idle in self._all_idle()))


def _is_quiet(connection: Connection) -> bool:
    """Nothing has come, not even the end."""
    try:
        return connection.channel.take() is None
    except OSError:
        return False


def _discard(task: "asyncio.Task[Connection]") -> None:
    """Close a connection that came too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().channel.close()
