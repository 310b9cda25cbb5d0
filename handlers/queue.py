"""One message at a time: the backend refuses a second one on the same account, so requests wait here.

The places of a key go by its kind: a share token ``fk-...`` or an access token is one account, a pool
token ``pk-...`` stands for several.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from handlers.lines import LineFull, Lines, Ticket
from translate.errors import NotAdmitted


class QueueMetrics(Protocol):
    """What is told about waiting."""

    def queued(self) -> None: ...
    def dequeued(self, wait: float) -> None: ...
    def rejected(self, reason: str) -> None: ...


class KeyQueue:
    """Hands out places; ``places`` are by kind of key (``fk``, ``pk``, ``token``), 0 for no queue.

    ``max_wait`` is in seconds, ``max_waiting`` per key.
    """

    def __init__(
        self,
        places: Mapping[str, int],
        *,
        max_waiting: int,
        max_wait: float,
        metrics: QueueMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self._lines = Lines(max_waiting, clock)
        self._max_wait = max_wait
        self._metrics = metrics
        self._clock = clock

    def place(self, key: str) -> "Place":
        """A place for one turn with ``key``: to be acquired, and in any case released."""
        return Place(self, key)

    @property
    def keys(self) -> int:
        """How many keys are in use."""
        return len(self._lines)

    async def _acquire(self, key: str) -> Ticket | None:
        places = self._places[kind_of(key)]
        if not places:
            return None
        admitted = asyncio.get_running_loop().create_future()

        def admit() -> None:
            if not admitted.done():
                admitted.set_result(None)

        try:
            ticket = self._lines.join(key, places, admit)
        except LineFull:
            raise self._refusal(key, "Too many requests wait for this key already.") from None
        if ticket.admitted is None:
            try:
                await self._wait(admitted, ticket)
            except BaseException:
                self._lines.leave(ticket)
                raise
        return ticket

    async def _wait(self, admitted: asyncio.Future[None], ticket: Ticket) -> None:
        self._metrics.queued()
        try:
            async with asyncio.timeout(self._max_wait):
                await admitted
        except TimeoutError:
            raise self._refusal(ticket.key, "The account of this key was busy for too long.") from None
        finally:
            self._metrics.dequeued(self._clock() - ticket.joined)

    def _refusal(self, key: str, what: str) -> NotAdmitted:
        """With the time from which on a new request would come to its turn within the longest wait."""
        self._metrics.rejected("queue")
        wait = max(self._lines.until_moved(key), self._lines.until_served(key) - self._max_wait)
        return NotAdmitted(f"{what} It answers one message at a time.", retry_after=wait)

    def _leave(self, ticket: Ticket) -> None:
        self._lines.leave(ticket)


class Place:
    """A key's place for one turn. Release it only when the backend has really been left alone."""

    def __init__(self, queue: KeyQueue, key: str) -> None:
        self._queue = queue
        self._key = key
        self._ticket: Ticket | None = None

    async def acquire(self) -> None:
        """Wait for it; when cancelled, nothing is held. Raises NotAdmitted."""
        self._ticket = await self._queue._acquire(self._key)

    def release(self, after: float = 0.0) -> None:
        """The next one may have it, in so many seconds."""
        ticket, self._ticket = self._ticket, None
        if ticket is None:
            return
        if after:
            asyncio.get_running_loop().call_later(after, self._queue._leave, ticket)
        else:
            self._queue._leave(ticket)


def kind_of(key: str) -> str:
    """``fk``, ``pk`` or ``token``."""
    prefix = key[:3]
    return prefix[:2] if prefix in ("fk-", "pk-") else "token"
