"""Group commit: records wait for the store together, and go on without it when it fails.

While one batch is being stored the next one gathers, so a busy service commits about as often as an idle
one. A caller waits until its record is durable, usually some milliseconds. When the store fails (disk full,
locked, Redis gone) nobody waits any more: records stay in memory, bounded, and are stored when it is back.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ledger.records import Record
from ledger.store import Item, Store, StoreError, Verdict
from metrics.registry import Metrics

log = logging.getLogger("pandora")

MAX_BATCH = 1000
MAX_BACKLOG = 100_000
"""Records kept in memory, some 40 MB; beyond that the oldest are lost, and the log says so."""
MAX_WAIT = 2.0
"""Seconds that an answer waits for its record; longer is a store that hangs."""
FIRST_PAUSE, LAST_PAUSE = 0.25, 15.0
"""Seconds between attempts to reach a store that fails; doubled from the one to the other."""
CLOSE_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class _Entry:
    record: Record
    waiter: asyncio.Future[Verdict | None] | None
    forced: bool


class Journal:
    """``load`` is called before the first record is stored; ``refused`` for a verdict that came too late."""

    def __init__(self, store: Store, metrics: Metrics, load: Callable[[], Awaitable[None]]) -> None:
        self.loaded = asyncio.Event()
        self.failing = False
        """Records are not being stored now."""
        self._store = store
        self._metrics = metrics
        self._load = load
        self._queue: deque[_Entry] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._lost = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to store; returns at once."""
        self._task = asyncio.create_task(self._run())
        self._wake.set()

    @property
    def backlog(self) -> int:
        """Records that are not yet stored."""
        return len(self._queue)

    def note(self, record: Record) -> None:
        """Store it soon."""
        self._push(_Entry(record, None, forced=True))

    async def add(self, record: Record, *, forced: bool = True) -> Verdict | None:
        """Store it and wait until it is durable, or until that is seen to take too long.

        Without ``forced`` a shared store may turn a `Posted` away; the verdict says so.
        """
        if self.failing or self._task is None or self._task.done():
            self.note(record)
            return None
        waiter: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()
        entry = _Entry(record, waiter, forced)
        self._push(entry)
        try:
            async with asyncio.timeout(MAX_WAIT):
                return await waiter
        except TimeoutError:
            self._fail("it does not answer")
            return None
        finally:
            # Whoever goes on without the verdict does what is recorded.
            entry.waiter, entry.forced = None, True

    async def close(self) -> None:
        """Store what is left, within some seconds, and let go of the store."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._queue:
            log.error("%d records of the ledger are lost: it could not be written", len(self._queue))
            self._queue.clear()
        await self._store.close()

    def _push(self, entry: _Entry) -> None:
        if len(self._queue) >= MAX_BACKLOG:
            self._queue.popleft()
            self._lost += 1
            if self._lost == 1:
                log.error("the ledger's backlog is full: its oldest records are lost")
        self._queue.append(entry)
        self._wake.set()

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while not (self._closing and not self._queue):
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._store_all()
            except StoreError as error:
                self._fail(str(error))
                if self._closing:
                    return
                await asyncio.sleep(pause)
                self._wake.set()
                pause = min(2 * pause, LAST_PAUSE)
            else:
                pause = FIRST_PAUSE
                self._recover()

    async def _store_all(self) -> None:
        if not self.loaded.is_set():
            await self._load()
            self.loaded.set()
        while self._queue:
            batch = [self._queue[index] for index in range(min(MAX_BATCH, len(self._queue)))]
            self._metrics.ledger_waits(len(self._queue))
            verdicts = await self._store.write([Item(entry.record, entry.forced) for entry in batch])
            late = [
                entry for entry, verdict in zip(batch, verdicts, strict=True) if not _deliver(entry, verdict)
            ]
            self._drop(batch)
            # Turned away after its caller had gone on: then it happened, and is recorded.
            self._queue.extendleft(late)
            self._metrics.ledger_waits(len(self._queue))

    def _drop(self, batch: list[_Entry]) -> None:
        """Take what was stored off the queue, from which the oldest may have been lost meanwhile."""
        stored = set(map(id, batch))
        while self._queue and id(self._queue[0]) in stored:
            self._queue.popleft()

    def _fail(self, reason: str) -> None:
        self._metrics.ledger_failed()
        self._metrics.ledger_waits(len(self._queue))
        if not self.failing:
            self.failing = True
            log.error("the ledger cannot be written: %s. Answers go on, its records wait in memory", reason)
        for entry in self._queue:
            if entry.waiter is not None and not entry.waiter.done():
                entry.forced = True
                entry.waiter.set_result(None)

    def _recover(self) -> None:
        if self.failing:
            self.failing = False
            self._lost = 0
            log.warning("the ledger is written again, and has caught up")


def _deliver(entry: _Entry, verdict: Verdict | None) -> bool:
    """Tell whoever waits; false if it was turned away and nobody was there to hear it."""
    if entry.waiter is not None and not entry.waiter.done():
        entry.waiter.set_result(verdict)
        return True
    return verdict is None or verdict.taken
