"""The ledger: every conversation posted upstream, recorded once; its cost; whether there is room for more.

    check -> post -> (the exchange) -> settle -> count

Decisions are made from a tally in memory, which is loaded from the store at the start, and by the store
itself where several instances share one. While the store fails, decisions go on from memory.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from ledger.journal import Journal
from ledger.limits import DAY, HOUR, LimitReached, Limits, Standing, decide, ratelimit_headers
from ledger.records import Capped, Counted, Posted, Settled, Spent
from ledger.store import Store, StoreError
from ledger.tally import Tally
from metrics.names import Attempt
from metrics.registry import Metrics

LOAD_SECONDS = 2.0
"""How long the first answers after a start wait for what was spent before it."""
SETTLE_SECONDS = 2.0
"""How long conversations that are being ended may take to be settled, when the service stops."""
INFINITY = float("inf")


class Ledger:
    """One per service. ``clock`` gives Unix seconds."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        metrics: Metrics,
        *,
        retention_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits
        self.clock = clock
        self._store = store
        self._metrics = metrics
        self._retention = retention_days * DAY
        self._tally = Tally(limits)
        self._journal = Journal(store, metrics, self._load)
        self._keeping: asyncio.Task[None] | None = None
        self._open: set[str] = set()
        self._all_settled = asyncio.Event()

    def start(self) -> None:
        """Begin to store, and to forget what is too old; returns at once."""
        self._journal.start()
        self._keeping = asyncio.create_task(self._forget())

    async def close(self) -> None:
        """Store what is left, also of conversations that are just being ended."""
        if self._open:
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SECONDS):
                    await self._all_settled.wait()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        await self._journal.close()

    @property
    def failing(self) -> bool:
        """Records wait in memory, since they cannot be stored."""
        return self._journal.failing

    def check(self, alias: str, slug: str, units: int, *, windowed: bool) -> None:
        """Raises LimitReached if such a conversation may not be posted now."""
        now = self.clock()
        if reached := decide(self.limits, self._tally.standing(alias, slug, now), units, windowed, now):
            raise reached

    async def post(self, posted: Posted) -> None:
        """Record it, durably, before it goes out. Raises LimitReached, and then nothing may go out."""
        await self.ready()
        self.check(posted.alias, posted.slug, posted.units, windowed=posted.windowed)
        self._tally.add(posted)
        self._opened(posted)
        try:
            verdict = await self._journal.add(posted, forced=False)
        except asyncio.CancelledError:
            self._closed(posted)
            self._tally.release(posted)
            self._journal.note(Settled(posted.id, Attempt.UNSENT))
            raise
        if verdict is None:
            return
        now, standing = self.clock(), verdict.standing
        day = self.limits.day(posted.at)
        self._tally.observe(posted.alias, day, standing.units, standing.key_units, standing.window)
        if not verdict.taken:
            self._closed(posted)
            self._tally.learn(Capped(posted.alias, posted.slug, standing.capped_until), now)
            raise decide(self.limits, standing, posted.units, posted.windowed, now) or LimitReached(
                "quota", 1
            )

    async def settle(self, posted: Posted, settled: Settled) -> None:
        """Record how it ended; when this returns, that is durable. May be told more than once."""
        if settled.free:
            self._tally.release(posted)
        self._metrics.attempt(posted.model, settled.outcome, 0 if settled.free else posted.units)
        try:
            await self._journal.add(settled)
        finally:
            self._closed(posted)

    async def count(self, counted: Counted) -> None:
        """Record tokens; when this returns, that is durable."""
        await self._journal.add(counted)

    def record_cap(self, capped: Capped) -> None:
        """The backend said that this key may not use this model until then."""
        self._tally.learn(capped, self.clock())
        self._journal.note(capped)

    def standing(self, alias: str, slug: str) -> Standing:
        """Where a key is with a model."""
        return self._tally.standing(alias, slug, self.clock())

    def headers(self, alias: str, slug: str, *, windowed: bool) -> dict[str, str]:
        """``x-ratelimit-*``, for the limits that are set."""
        return ratelimit_headers(self.limits, self.standing(alias, slug), windowed, self.clock())

    def refresh_gauges(self, slugs: Mapping[str, str]) -> None:
        """Bring the gauges up to date; ``slugs`` maps models to what the backend calls them."""
        now, limits = self.clock(), self.limits
        self._metrics.quota(self._tally.units(now), limits.per_day or INFINITY, limits.reset_at(now))
        window = self._tally.busiest_window(now)
        reset = window[0] + limits.window if window else 0.0
        self._metrics.gpt4_window(len(window), limits.window_messages or INFINITY, reset)
        capped = self._tally.capped_slugs(now)
        self._metrics.capped(model for model, slug in slugs.items() if slug in capped)
        self._metrics.ledger_waits(self._journal.backlog)

    def window(self, alias: str | None) -> list[float]:
        """When the messages in the rolling window of a key were posted; for None, of the busiest one."""
        now = self.clock()
        if alias is None:
            return self._tally.busiest_window(now)
        return list(self._tally.standing(alias, "", now).window)

    async def usage(
        self, since: float, until: float, *, by_hour: bool = False, alias: str | None = None
    ) -> list[Spent]:
        """What was spent by day (of quota) or hour, model and key. Raises StoreError."""
        return await self._store.usage(since, until, HOUR if by_hour else DAY, alias)

    async def unknown(self, alias: str, before: float) -> list[Posted]:
        """Some entries of a key from before then that were never settled; none if they cannot be read."""
        try:
            entries = await self._store.unknown(alias, before)
        except StoreError:
            return []
        return [entry for entry in entries if entry.id not in self._open]

    def _opened(self, posted: Posted) -> None:
        self._open.add(posted.id)
        self._all_settled.clear()

    def _closed(self, posted: Posted) -> None:
        self._open.discard(posted.id)
        if not self._open:
            self._all_settled.set()

    async def resolve(self, posted: Posted, settled: Settled) -> None:
        """What became of an entry that was unknown is known after all; its cost was counted already."""
        if settled.free:
            self._tally.release(posted)
        await self._journal.add(settled)

    async def ready(self) -> None:
        """Before an entry is made: wait until what was spent earlier is known, but not for long."""
        if self._journal.loaded.is_set() or self.failing:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LOAD_SECONDS):
                await self._journal.loaded.wait()

    async def _load(self) -> None:
        now = self.clock()
        day = self.limits.day_start(self.limits.day(now))
        recent = await self._store.load(min(day, now - self.limits.window))
        for posted in recent.posted:
            self._tally.add(posted)
        for capped in recent.capped:
            self._tally.learn(capped, now)

    async def _forget(self) -> None:
        while True:
            await self._journal.loaded.wait()
            with suppress(StoreError):  # the journal says so
                await self._store.forget(self.clock() - self._retention)
            await asyncio.sleep(HOUR)
