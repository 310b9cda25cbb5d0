"""The ledger: every conversation posted upstream, recorded once; its cost; whether there is room for more.

    check -> post -> (the exchange) -> settle -> record_tokens

Decisions are made from counters in memory, which are loaded from the store at the start, and by the store
itself where several instances share one. While the store fails, decisions go on from memory.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from accounts import Account
from ledger.counters import UsageCounters
from ledger.journal import Journal, JournalLimits
from ledger.limits import (
    DAY,
    HOUR,
    INFINITY,
    AccountSpent,
    Allowance,
    Allowed,
    CurrentUsage,
    LimitReached,
    Limits,
    Standing,
    account_spent,
    limit_reached,
    ratelimit_headers,
    standing,
)
from ledger.records import Capped, Counted, Posted, Settled, Subject, UsageRow
from ledger.store import LedgerRefused, Store, StoreDecision, StoreError
from metrics import Attempt, Metrics
from runtime import BackgroundTasks, ClockTrust

LOAD_SECONDS: Final = 2.0
"""How long the first answers after a start wait for what was spent before it."""
CLOSE_SECONDS: Final = 2.0
"""How long conversations that are being ended may take to be settled when the service stops."""
LOOK_SECONDS: Final = 2.0
"""How often the ledger looks whether its store is still there, and what other instances have spent."""
DEFAULT_JOURNAL_LIMITS: Final = JournalLimits()


class Ledger:
    """One per service.

    `retention_days` is how long entries are kept, `clock` gives Unix seconds, and `close_seconds` is how long
    `close` waits for conversations that are being ended. `accounts` gives those of the operator's. An `alias`
    is the name that stands for a caller's key, a `slug` the name of a model for the backend.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        metrics: Metrics,
        *,
        retention_days: int,
        clock: Callable[[], float] = time.time,
        journal_limits: JournalLimits = DEFAULT_JOURNAL_LIMITS,
        close_seconds: float = CLOSE_SECONDS,
        accounts: Callable[[], Sequence[Account]] = tuple,
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.accounts = accounts
        self.known_aliases: set[str] = set()
        """Who had conversations shortly before the start, as far as this is loaded."""
        self._store = store
        self._metrics = metrics
        self._retention = retention_days * DAY
        self._close_seconds = close_seconds
        self._counters = UsageCounters(limits)
        self._trust = ClockTrust("ledger", clock)
        self._journal = Journal(store, metrics, self._load, journal_limits)
        self._tasks = BackgroundTasks()
        self._unsettled: set[str] = set()
        self._all_settled = asyncio.Event()
        self._last_loaded: Posted | None = None

    def start(self) -> None:
        """Begin to store, and to delete what is too old; returns at once."""
        self._journal.start()
        self._tasks.start(self._keep_looking())
        self._tasks.start(self._delete_old_entries())

    async def close(self) -> None:
        """Store what is left, also of conversations that are just being ended."""
        if self._unsettled:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._close_seconds):
                    await self._all_settled.wait()
        await self._tasks.cancel()
        await self._journal.close()

    async def refuse_newer(self) -> None:
        """Look, before the start, whether this version of the service can use what is stored.

        Raises:
            LedgerRefused: it cannot, and must not start.
        """
        try:
            await self._store.refuse_newer()
        except LedgerRefused:
            raise
        except StoreError:
            return  # out of reach; `wait_until_refused` tells it later

    async def wait_until_refused(self) -> None:
        """Wait until the store, reached at last or again, turns out to be of no use to this version of the
        service: it has to end then.
        """
        await self._journal.refused.wait()

    @property
    def failing(self) -> bool:
        """Records wait in memory, since they cannot be stored."""
        return self._journal.failing

    async def ready(self) -> bool:
        """Whether what is spent can be recorded here now; tried every few seconds at most.

        A store that instances share does not count: all of them would be without service at once.
        """
        return self._store.shared or await self._journal.check()

    @property
    def backlog(self) -> int:
        """How many records are not yet stored."""
        return self._journal.backlog

    def check(self, alias: str, allowance: Allowance, slug: str, units: int, *, windowed: bool) -> None:
        """Check a caller's limits before a conversation that costs `units`; `windowed`: it counts in the
        window.

        Raises:
            LimitReached: it may not be posted now.
        """
        now = self.clock()
        usage = self._counters.current_usage(Subject(alias), slug, now)
        if reached := limit_reached(self.limits, allowance, usage, units, windowed, now):
            raise reached

    def standing(self, account: Account, slug: str, units: int, *, windowed: bool) -> Standing:
        """What is left of an account of the operator's for a conversation that costs `units`; quick."""
        now = self.clock()
        usage = self._counters.current_usage(Subject(account.alias, True), slug, now)
        return standing(self.limits, self.limits.of_account(account), usage, units, windowed, now)

    async def post(self, posted: Posted, allowed: Allowed | None = None) -> None:
        """Record the conversation, durably, before it goes out. Without `allowed` its caller may spend what
        the settings say.

        Raises:
            LimitReached: nothing may go out.
            AccountSpent: nothing may go out to this account.
        """
        await self.wait_until_loaded()
        allowed = allowed or Allowed(self.limits.of_caller(None))
        if refusal := self._refusal(posted, allowed):
            raise refusal
        self._counters.add(posted)
        self._unsettled.add(posted.id)
        self._all_settled.clear()
        try:
            decision = await self._journal.commit(posted, allowed)
        except asyncio.CancelledError:
            self._note_settled(posted)
            self._counters.refund(posted)
            self._journal.commit(Settled(posted.id, Attempt.UNSENT))
            raise
        if decision is None:
            return
        day, owner = self.limits.day(posted.at), decision.account or decision.usage
        self._take_over(posted.caller, day, decision.usage)
        if decision.account is not None:
            self._take_over(posted.owner, day, decision.account)
        if not decision.accepted:
            self._note_settled(posted)
            capped = Capped(posted.alias, posted.slug, owner.capped_until, posted.account)
            self._counters.record_cap(capped, self.clock())
            # None if there is room again by now, or if the instances have different limits.
            raise self._refusal(posted, allowed) or (
                AccountSpent("account_quota", 1) if decision.by_account else LimitReached("quota", 1)
            )

    def settle(self, posted: Posted, settled: Settled) -> "asyncio.Future[StoreDecision | None]":
        """Record how a conversation ended; what is returned is done when that is durable."""
        if settled.free:
            self._counters.refund(posted)
        units = 0 if settled.free else posted.units
        self._metrics.attempt(posted.model, settled.outcome, units, account=posted.account, key=posted.alias)
        durable = self._journal.commit(settled)
        durable.add_done_callback(lambda _: self._note_settled(posted))
        return durable

    async def settle_unknown(self, posted: Posted, settled: Settled) -> None:
        """Record what became of an entry of unknown outcome; until now it counted as spent."""
        if settled.free:
            self._counters.refund(posted)
        await self._journal.commit(settled)

    def record_tokens(self, counted: Counted) -> "asyncio.Future[StoreDecision | None]":
        """Record the tokens of an answer; what is returned is done when that is durable."""
        return self._journal.commit(counted)

    def record_cap(self, capped: Capped) -> None:
        """Record that the backend has capped a model for an account."""
        self._counters.record_cap(capped, self.clock())
        self._journal.commit(capped)

    def current_usage(self, subject: Subject, slug: str = "") -> CurrentUsage:
        """What counts against the limits now."""
        return self._counters.current_usage(subject, slug, self.clock())

    def caps(self, subject: Subject) -> dict[str, float]:
        """The models that the backend has capped for an account, and until when (Unix seconds)."""
        return self._counters.caps(subject, self.clock())

    def all_caps(self) -> list[tuple[Subject, str, float]]:
        """Each account, a model that the backend has capped for it, and until when (Unix seconds)."""
        return self._counters.all_caps(self.clock())

    def headers(self, alias: str, allowance: Allowance, slug: str, *, windowed: bool) -> dict[str, str]:
        """`x-ratelimit-*` for a caller, for the limits that are set."""
        usage = self.current_usage(Subject(alias), slug)
        return ratelimit_headers(self.limits, allowance, usage, windowed, self.clock())

    def refresh_gauges(self, slugs: Mapping[str, Collection[str]], used_up: Collection[str] = ()) -> None:
        """Bring the gauges up to date; `slugs` maps models to what the backend may call them.

        `used_up` are slugs that are used up for some caller, whether the ledger knows of that or not.
        """
        now, limits = self.clock(), self.limits
        self._metrics.quota(self._counters.units(now), limits.per_day or INFINITY, limits.reset_at(now))
        window = self._counters.busiest_window(now)
        reset = window[0] + limits.window if window else 0.0
        self._metrics.gpt4_window(len(window), limits.window_messages or INFINITY, reset)
        capped = self._counters.capped_slugs(now).union(used_up)
        named = (model for model, known in slugs.items() if not capped.isdisjoint(known))
        self._metrics.capped([*capped, *named])
        self._metrics.ledger_backlog(self.backlog)

    def window(self, alias: str | None) -> list[float]:
        """When the messages in the rolling window of a caller were posted, in Unix seconds, oldest first.

        For None, those in the window of the busiest account.
        """
        now = self.clock()
        if alias is None:
            return self._counters.busiest_window(now)
        return list(self._counters.current_usage(Subject(alias), "", now).window)

    async def usage(
        self, since: float, until: float, *, by_hour: bool = False, alias: str | None = None
    ) -> list[UsageRow]:
        """What was spent by day (of quota) or hour, model, caller and account, between two times in Unix
        seconds.

        Raises:
            StoreError: it cannot be read now.
        """
        await self.wait_until_loaded()  # by then the store is there
        return await self._store.usage(since, until, HOUR if by_hour else DAY, alias)

    async def unsettled(self, owner: Subject, before: float) -> list[Posted]:
        """Some entries from before then whose outcome is unknown, and that were posted to the account of
        `owner`; none that is under way here.

        Returns an empty list while they cannot be read.
        """
        try:
            entries = await self._store.unsettled(owner, before)
        except StoreError:
            return []
        return [entry for entry in entries if entry.id not in self._unsettled]

    async def wait_until_loaded(self) -> None:
        """Wait until what was spent earlier is known, but not for long."""
        if self._journal.loaded.is_set() or self.failing:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LOAD_SECONDS):
                await self._journal.loaded.wait()

    async def agree_on_names(self) -> None:
        """Have the names of keys be those of all instances, also after a shared store lost what it held."""
        await self.wait_until_loaded()
        if self._store.shared:
            await self._journal.look()

    def _refusal(self, posted: Posted, allowed: Allowed) -> LimitReached | AccountSpent | None:
        """Why it may not be posted by what is known here. An account is only said to be spent if the caller
        may go on with another one.
        """
        now, cost = self.clock(), (posted.units, posted.windowed)
        usage = self._counters.current_usage(posted.caller, posted.slug, now)
        reached = limit_reached(self.limits, allowed.caller, usage, *cost, now)
        if reached is not None or not posted.account:
            return reached
        usage = self._counters.current_usage(posted.owner, posted.slug, now)
        return account_spent(self.limits, allowed.account, usage, *cost, now)

    def _note_settled(self, posted: Posted) -> None:
        self._unsettled.discard(posted.id)
        if not self._unsettled:
            self._all_settled.set()

    async def _load(self) -> None:
        now = self.clock()
        since = min(self.limits.day_start(self.limits.day(now)), now - self.limits.window)
        while True:  # begun again after a failure, it goes on where it was
            last = self._last_loaded
            recent = await self._store.load(last.at, last.id) if last else await self._store.load(since)
            for posted in recent.posted:
                self._counters.add(posted)
                self.known_aliases.add(posted.alias)
                self._last_loaded = posted
            if not recent.posted:
                break
        for capped in recent.capped:
            self._counters.record_cap(capped, now)
        if (fullest := await self._store.fullest_window(now)) is not None:
            self._take_over(fullest[0], self.limits.day(now), fullest[1])
        await self._refresh()

    def _take_over(self, subject: Subject, day: int, usage: CurrentUsage) -> None:
        """Believe a shared store, unless it has lost what is known here."""
        self._counters.overwrite(subject, day, usage, at_least=self._store.incomplete)

    async def _refresh(self) -> None:
        """Take over what all instances have spent, in all and on each account of the operator's.

        Raises:
            StoreError: it cannot be read.
        """
        day = self.limits.day(self.clock())
        if (units := await self._store.total(day)) is None:
            return
        self._counters.overwrite_total(day, units, at_least=self._store.incomplete)
        messages = {each.alias: self.limits.of_account(each).window_messages for each in self.accounts()}
        if not messages:
            return
        now = self.clock()
        for alias, known in (await self._store.accounts(messages, day)).items():
            account, usage = Subject(alias, True), known.usage
            if not messages[alias]:  # none was asked for
                usage = replace(usage, window=tuple(self.current_usage(account).window))
            self._take_over(account, day, usage)
            for slug, until in known.caps.items():
                self._counters.record_cap(Capped("", slug, until, alias), now)

    async def _delete_old_entries(self) -> None:
        while True:
            await self._journal.loaded.wait()
            with suppress(StoreError):  # the journal meets it too, and logs it
                before = self.clock() - self._retention
                if await self._store.any_between(-INFINITY, before) and await self._is_clock_trusted():
                    await self._store.delete_before(before)
            await asyncio.sleep(HOUR)

    async def _is_clock_trusted(self) -> bool:
        begin, end = self._trust.witness_times()
        witnessed = await self._store.any_between(begin, end)
        older = await self._store.any_between(-INFINITY, begin)
        return self._trust.allows_deletion(witnessed=witnessed, older=older)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._journal.look()
            if self._journal.loaded.is_set() and not self.failing:  # else more is known here than there
                with suppress(StoreError):
                    await self._refresh()
