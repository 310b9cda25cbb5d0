"""One message at a time: the backend refuses a second one on the same account, so requests wait here.

The places of a key go by its kind: a share token ``fk-...`` or an access token is one account, a pool
token ``pk-...`` stands for several.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from accounts.shared_slots import Lease, SharedPlaces
from accounts.waiting import LineFull, Lines, Ticket
from translate.values import NotAdmitted


class QueueMetrics(Protocol):
    """What is told about waiting."""

    def queued(self) -> None: ...
    def dequeued(self, wait: float) -> None: ...
    def rejected(self, reason: str) -> None: ...


class KeyQueue:
    """Hands out places; ``places`` are by kind of key (``fk``, ``pk``, ``token``), 0 for no queue.

    ``max_wait`` is in seconds, ``max_waiting`` per key. With ``shared`` the places are those of all
    instances, and who is first in line here waits for one of them.
    """

    def __init__(
        self,
        places: Mapping[str, int],
        *,
        max_waiting: int,
        max_wait: float,
        metrics: QueueMetrics,
        shared: SharedPlaces | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self._lines = Lines(max_waiting, clock)
        self._max_wait = max_wait
        self._metrics = metrics
        self._shared = shared
        self._clock = clock
        self._leaving: set[asyncio.Task[None]] = set()

    def place(self, key: str) -> "Place":
        """A place for one turn with ``key``: to be acquired, and in any case released."""
        return Place(self, key)

    @property
    def keys(self) -> int:
        """How many keys are in use."""
        return len(self._lines)

    @property
    def waiting(self) -> int:
        """How many requests wait, for whatever key."""
        return self._lines.waiting

    async def close(self) -> None:
        """Give back what is still held."""
        await asyncio.gather(*self._leaving, return_exceptions=True)
        if self._shared is not None:
            await self._shared.close()

    async def _acquire(self, place: "Place") -> None:
        places = self._places[kind_of(place.key)]
        if not places:
            return
        admitted = asyncio.Event()
        try:
            ticket = place.ticket = self._lines.join(place.key, places, admitted.set)
        except LineFull:
            raise self._refusal(place.key, "Too many requests wait for this key already.") from None
        self._metrics.queued()
        try:
            async with asyncio.timeout(self._max_wait):
                await admitted.wait()
                if self._shared is not None:
                    place.lease = await self._shared.take(place.key, places)
        except TimeoutError:
            raise self._refusal(place.key, "The account of this key was busy for too long.") from None
        finally:
            self._metrics.dequeued(self._clock() - ticket.joined)

    def _refusal(self, key: str, what: str) -> NotAdmitted:
        """With the time from which on a new request would come to its turn within the longest wait."""
        self._metrics.rejected("queue")
        wait = max(self._lines.until_moved(key), self._lines.until_served(key) - self._max_wait)
        return NotAdmitted(f"{what} It answers one message at a time.", retry_after=wait)

    def _release(self, ticket: Ticket, lease: Lease | None, after: float) -> None:
        if lease is None and not after:
            self._lines.leave(ticket)
            return
        task = asyncio.get_running_loop().create_task(self._leave(ticket, lease, after))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _leave(self, ticket: Ticket, lease: Lease | None, after: float) -> None:
        try:
            await asyncio.sleep(after)
            if lease is not None:
                await lease.release()
        finally:
            self._lines.leave(ticket)


class Place:
    """A key's place for one turn. Release it only when the backend has really been left alone."""

    def __init__(self, queue: KeyQueue, key: str) -> None:
        self.key = key
        self.ticket: Ticket | None = None
        self.lease: Lease | None = None
        self._queue = queue

    async def acquire(self) -> None:
        """Wait for it; when that fails or is cancelled, nothing is held. Raises NotAdmitted."""
        try:
            await self._queue._acquire(self)
        except BaseException:
            self.release()
            raise

    def release(self, after: float = 0.0) -> None:
        """The next one may have it, in so many seconds."""
        ticket, lease, self.ticket, self.lease = self.ticket, self.lease, None, None
        if ticket is not None:
            self._queue._release(ticket, lease, after)


def kind_of(key: str) -> str:
    """``fk``, ``pk`` or ``token``."""
    prefix = key[:3]
    return prefix[:2] if prefix in ("fk-", "pk-") else "token"
