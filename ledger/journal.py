"""Group commit: records wait for the store together, and the service goes on without it when it fails.

Records of one turn of the event loop are stored in one transaction. While one batch is being stored the next
one gathers, and where several turns record at once it gathers for two milliseconds more. So a busy service
commits about as often as an idle one. Whoever needs a record to be durable waits for that, usually some
milliseconds. When the store fails (disk full, locked, Redis gone) nobody waits any more: records stay in
memory, bounded, and are stored when it is back.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from ledger.limits import Allowed
from ledger.records import Record
from ledger.store import LedgerRefused, PendingRecord, Store, StoreDecision, StoreError
from metrics import Metrics
from runtime import LOOKS, patience

log = logging.getLogger("pandora")

MAX_BATCH: Final = 1000
"""Records that are stored at once."""
BUSY_BATCH: Final = 4
"""More records than one turn has at once: they are of several turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLimits:
    """Times are in seconds."""

    max_backlog: int = 100_000
    """Records kept in memory, some 50 MB; beyond that the oldest are lost, and the log says so."""
    max_wait: float = 2.0
    """How long an answer waits for its record; then the store counts as failing. Time in which the event loop
    is held up does not count."""
    first_pause: float = 0.25
    """Between two attempts to reach a store that fails; doubled each time, up to `last_pause`."""
    last_pause: float = 15.0
    gather: float = 0.002
    """How long records gather after those of several turns were stored at once, however fast the disk is. A
    transaction costs as much CPU as a third of a short turn, and hardly more with twice as many records."""
    check_pause: float = 2.0
    """For how long the store is taken to be as it was when it was last tried."""
    close: float = 5.0
    """How long the last records may take to be stored when the service stops."""


@dataclass(slots=True, eq=False)
class _QueuedRecord:
    record: Record
    allowed: Allowed | None
    since: int
    """How many looks there had been when it came."""
    waiter: asyncio.Future[StoreDecision | None]
    """Done as soon as nobody waits any more."""

    def pending(self) -> PendingRecord:
        """Who goes on without a decision does what is recorded: no limit may refuse it then."""
        return PendingRecord(self.record, None if self.waiter.done() else self.allowed)


class Journal:
    """Stores records in the order in which they come. `load` is awaited before the first one is stored."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        load: Callable[[], Awaitable[None]],
        limits: JournalLimits,
    ) -> None:
        self.loaded = asyncio.Event()
        """The store was reached, and `load` is done."""
        self.failing = False
        """Records are not being stored now."""
        self.refused = asyncio.Event()
        """The store is of no use to this version of the service, which has to end."""
        self._store = store
        self._metrics = metrics
        self._load = load
        self._limits = limits
        self._queue: deque[_QueuedRecord] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._overflowed = False
        self._checking = asyncio.Lock()
        self._checked_at = -limits.check_pause
        self._task: asyncio.Task[None] | None = None
        self._looks = 0
        self._timer: asyncio.TimerHandle | None = None  # for the next look, while anybody waits

    def start(self) -> None:
        """Begin to store; returns at once."""
        self._task = asyncio.create_task(self._run())
        self._wake.set()

    @property
    def backlog(self) -> int:
        """How many records are not yet stored."""
        return len(self._queue)

    def commit(
        self, record: Record, allowed: Allowed | None = None
    ) -> "asyncio.Future[StoreDecision | None]":
        """Have the record stored soon; what is returned is done when it is durable, or when that is seen to
        take too long. Nobody has to wait for it.

        With `allowed` a shared store may turn a `Posted` away; the decision says so. None: the record is
        accepted.
        """
        queued = _QueuedRecord(record, allowed, self._looks, asyncio.get_running_loop().create_future())
        self._push(queued)
        if self.failing or self._task is None or self._task.done():
            queued.waiter.set_result(None)
        elif self._timer is None:
            self._look_later()
        return queued.waiter

    async def look(self) -> None:
        """Notice what has become of the store since it was used."""
        await self._check(write=False)

    async def check(self) -> bool:
        """Whether records can be stored now. Tries it, unless that was done just before."""
        async with self._checking:
            now = time.monotonic()
            if now - self._checked_at >= self._limits.check_pause:
                self._checked_at = now
                await self._check(write=True)
        return not self.failing

    async def _check(self, *, write: bool) -> None:
        if self.failing or not self.loaded.is_set():
            return  # the store is tried all the time
        try:
            async with patience(self._limits.max_wait):
                await self._store.check(write=write)
        except (StoreError, TimeoutError) as error:
            self._note_failure(str(error) or "it does not answer")
            self._wake.set()

    async def close(self) -> None:
        """Store what is left, within some seconds, and close the store."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self._limits.close)
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._timer is not None:
            self._timer.cancel()
        if self._queue:
            log.error("%d records of the ledger are lost: it could not be written", len(self._queue))
            self._queue.clear()
        await self._store.close()

    def _push(self, queued: _QueuedRecord) -> None:
        if len(self._queue) >= self._limits.max_backlog:
            _deliver(self._queue.popleft(), None)
            if not self._overflowed:
                self._overflowed = True
                log.error("the ledger's backlog is full: its oldest records are lost")
        self._queue.append(queued)
        self._wake.set()

    async def _run(self) -> None:
        pause = self._limits.first_pause
        while not (self._closing and not self._queue):
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._store_all()
            except StoreError as error:
                if isinstance(error, LedgerRefused) and not self.refused.is_set():
                    log.error("the service has to end: %s", error)
                    self.refused.set()
                self._note_failure(str(error))
                if self._closing:
                    return
                await asyncio.sleep(pause)
                self._wake.set()
                pause = min(2 * pause, self._limits.last_pause)
            else:
                pause = self._limits.first_pause
                self._note_success()

    async def _store_all(self) -> None:
        if not self.loaded.is_set():
            await self._load()
            self.loaded.set()
        if self.failing and not self._queue:
            await self._store.check(write=True)
        while self._queue:
            batch = [self._queue[index] for index in range(min(MAX_BATCH, len(self._queue)))]
            self._metrics.ledger_backlog(len(self._queue))
            decisions = await self._store.write([queued.pending() for queued in batch])
            too_late = [
                queued
                for queued, decision in zip(batch, decisions, strict=True)
                if not _deliver(queued, decision)
            ]
            self._remove(batch)
            # Refused after its caller had gone on: it has happened, so it is stored whatever the limits.
            self._queue.extendleft(too_late)
            self._metrics.ledger_backlog(len(self._queue))
            if len(batch) >= BUSY_BATCH:
                await asyncio.sleep(self._limits.gather)

    def _remove(self, batch: list[_QueuedRecord]) -> None:
        """Take what was stored off the queue, from which the oldest may have been lost meanwhile."""
        stored = set(map(id, batch))
        while self._queue and id(self._queue[0]) in stored:
            self._queue.popleft()

    def _look_later(self) -> None:
        pause = self._limits.max_wait / LOOKS
        self._timer = asyncio.get_running_loop().call_later(pause, self._look_at_oldest)

    def _look_at_oldest(self) -> None:
        """The store counts as failing if a record has waited for too long, by looks as in `patience`."""
        self._timer = None
        self._looks += 1
        oldest = next((queued for queued in self._queue if not queued.waiter.done()), None)
        if oldest is None:
            return
        if self._looks - oldest.since > LOOKS:
            self._note_failure("it does not answer")
        else:
            self._look_later()

    def _note_failure(self, reason: str) -> None:
        self._metrics.ledger_failed()
        self._metrics.ledger_backlog(len(self._queue))
        if not self.failing:
            self.failing = True
            log.error("the ledger cannot be written: %s. Answers go on, its records wait in memory", reason)
        for queued in self._queue:
            _deliver(queued, None)

    def _note_success(self) -> None:
        if self.failing:
            self.failing = False
            self._overflowed = False
            self._metrics.ledger_recovered()
            log.warning("the ledger is written again, and has caught up")


def _deliver(queued: _QueuedRecord, decision: StoreDecision | None) -> bool:
    """Pass the decision to who waits; False if the record was refused and nobody waits."""
    if not queued.waiter.done():
        queued.waiter.set_result(decision)
        return True
    return decision is None or decision.accepted
