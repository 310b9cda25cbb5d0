"""The states of all accounts of the operator's: told by turns, asked for when an account is chosen."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Final

from accounts import Account, Need
from pool.candidate import Obstacle
from pool.health import (
    RULES,
    AccountFault,
    Condition,
    Fault,
    Health,
    Scope,
    after_fault,
    after_success,
    merged,
    with_credential,
    with_enabled,
)
from pool.stores import HealthStore, StoreFailed
from pool.token_expiry import NEVER, expires_at
from runtime import BackgroundTasks

log = logging.getLogger("pandora")

RETRY_SECONDS: Final = 1.0
"""Pause before a store that has failed is asked again."""

_random_part: Final = SystemRandom().random

LOAD_SECONDS: Final = 2.0
"""How long the first turns after a start wait for what is kept."""

OnHealthChange = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHealth:
    """An account as it is shown. Times are in Unix seconds, 0 for none.

    `reason` is why it is not well, or was not when it was last used. `models` and `features` are those that
    rest, with the times until which they do.
    """

    alias: str
    condition: Condition
    reason: AccountFault | None
    since: float
    until: float
    failures: int
    enabled: bool
    models: dict[str, float]
    features: dict[str, float]


@dataclass(slots=True)
class _Known:
    """What is known of an account. `expires` is when the token of the digest `token` says that it ends."""

    health: Health = field(default_factory=Health)
    token: str = ""
    expires: float = NEVER


class HealthBook:
    """Keeps the states in memory, and in `store`, which may be away for a while.

    Only accounts that `keep` was told count. `clock` gives Unix seconds, `random` is in 0..1. What is told of
    a credential that the account no longer has is not heeded. A store that has failed is asked again after
    `retry` seconds. Call `start` before the book is used, and `close` at the end.
    """

    def __init__(
        self,
        store: HealthStore,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = _random_part,
        retry: float = RETRY_SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._retry = retry
        self._known: dict[str, _Known] = {}
        self._listeners: list[OnHealthChange] = []
        self._unsaved: set[str] = set()
        self._away = False  # that the store is away
        self._loaded = asyncio.Event()
        self._stirred = asyncio.Event()
        self._closed = asyncio.Event()
        self._tasks = BackgroundTasks()

    async def start(self) -> None:
        """Take over what is kept, and begin to keep it up to date. Raises nothing."""
        await self._exchange(look=True)
        self._loaded.set()
        self._tasks.start(self._keep_exchanging())

    async def wait_until_loaded(self) -> None:
        """Wait until what was kept before the start is known, but not for long."""
        if not self._loaded.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOAD_SECONDS):
                    await self._loaded.wait()

    async def close(self) -> None:
        """Store what is left, and let go of the store. Raises nothing."""
        self._closed.set()
        self._stirred.set()
        await self._tasks.wait()
        if self._unsaved:
            await self._exchange(look=False)
        await self._store.close()

    async def save_again(self) -> None:
        """Store all that is known, after the store has lost it. Raises OSError."""
        self._unsaved.update(alias for alias, known in self._known.items() if _tells(known.health))
        try:
            await self._save()
        except StoreFailed as error:
            raise OSError(str(error)) from None

    def keep(self, aliases: Iterable[str]) -> None:
        """There are accounts of these aliases, in this order, and no others: the others are forgotten."""
        before, self._known = self._known, {}
        for alias in aliases:
            self._known[alias] = before.pop(alias) if alias in before else _Known()
        for alias, known in before.items():
            if _tells(known.health):
                self._note_unsaved(alias)

    def on_change(self, callback: OnHealthChange) -> None:
        """Call `callback` with the alias whenever an account may have become better or worse, here or in
        another instance; not when it has only rested.
        """
        self._listeners.append(callback)

    def obstacle(self, account: Account, need: Need, now: float) -> tuple[Obstacle, float]:
        """Why the account cannot take such a message at the time `now`, and until when; see
        `Health.obstacle`. What is remembered of another credential than it has now is forgotten.
        """
        known = self._of(account)
        health = known.health if known is not None else Health()
        if not health.enabled:
            return Obstacle.DISABLED, float("inf")
        if account.credential is None:
            return Obstacle.NO_CREDENTIAL, float("inf")
        if known is not None and known.expires <= now:
            # Noted once: if the backend takes it all the same, the clock is wrong.
            known.expires = NEVER
            self._fail(account.alias, known, Fault(AccountFault.EXPIRED), "", now, now)
            health = known.health
        return health.obstacle(need.slug, need.features, now)

    def failed(self, account: Account, fault: Fault, *, slug: str = "", began: float) -> None:
        """A message to the model `slug` that `began` then (Unix seconds) has failed on the account so."""
        known = self._reported(account)
        if known is not None:
            self._fail(account.alias, known, fault, slug, began, self._clock())
            self._tell(account.alias)

    def succeeded(self, account: Account, *, slug: str = "", began: float) -> None:
        """A message that `began` then (Unix seconds) was answered, by the model `slug` if that was the one
        that was asked.
        """
        known = self._reported(account)
        if known is None:
            return
        before = known.health
        known.health = after_success(before, slug=slug, began=began, now=self._clock())
        if known.health is before:
            return
        if before.reason is not None and known.health.reason is None:
            log.info("account %s: well again", account.alias)
        self._note_unsaved(account.alias)
        self._tell(account.alias)

    def set_enabled(self, alias: str, enabled: bool) -> None:
        """The administrator switches the account on or off. Raises KeyError: there is no such account."""
        known = self._known[alias]
        if known.health.enabled != enabled:
            known.health = with_enabled(known.health, enabled, self._clock())
            log.info("account %s: switched %s by the administrator", alias, "on" if enabled else "off")
            self._note_unsaved(alias)
            self._tell(alias)

    def view(self) -> list[AccountHealth]:
        """All accounts as they are now, in the order of `keep`."""
        now = self._clock()
        return [_shown(alias, known.health, now) for alias, known in self._known.items()]

    def _of(self, account: Account) -> _Known | None:
        """What is known of the account with the credential that it has now, None if it is not kept."""
        known = self._known.get(account.alias)
        credential = account.credential
        if known is None or credential is None:
            return known
        if known.token != credential.digest:
            known.token, known.expires = credential.digest, expires_at(credential.secret)
        before = known.health
        known.health = with_credential(before, credential.digest)
        if known.health is not before and _tells(before):
            self._note_unsaved(account.alias)
        return known

    def _reported(self, account: Account) -> _Known | None:
        """What is known of an account of which something is reported, None if that is not to be heeded."""
        known = self._known.get(account.alias)
        if known is None or account.credential is None:
            return None
        if not known.health.digest:
            return self._of(account)
        return known if known.health.digest == account.credential.digest else None

    def _fail(self, alias: str, known: _Known, fault: Fault, slug: str, began: float, now: float) -> None:
        before = known.health
        known.health = after_fault(before, fault, slug=slug, began=began, now=now, random=self._random())
        _log_fault(alias, before, known.health, fault, slug, now)
        self._note_unsaved(alias)

    def _tell(self, alias: str) -> None:
        for listener in self._listeners:
            listener(alias)

    def _note_unsaved(self, alias: str) -> None:
        self._unsaved.add(alias)
        self._stirred.set()

    async def _keep_exchanging(self) -> None:
        """Store what has changed, and look what others have written, until `close`."""
        every = self._store.read_every
        while not self._closed.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._retry if self._away else every):
                    await (self._closed if self._away else self._stirred).wait()
            self._stirred.clear()
            await self._exchange(look=every is not None)

    async def _exchange(self, *, look: bool) -> None:
        """Look at the store, if so, and store what it does not have. The log tells once that it is away."""
        try:
            if look:
                self._take_over(await self._store.read())
            await self._save()
        except StoreFailed as error:
            if not self._away and self._known:
                log.warning("states of accounts are kept in memory alone until the store is back: %s", error)
            self._away = True
        else:
            if self._away:
                log.info("states of accounts are stored again")
            self._away = False

    async def _save(self) -> None:
        """Store what has changed. Raises StoreFailed."""
        if not self._unsaved:
            return
        unsaved, self._unsaved = self._unsaved, set()
        states = {alias: known.health for alias, known in self._known.items() if _tells(known.health)}
        try:
            await self._store.write(states, unsaved)
        except BaseException:
            self._unsaved |= unsaved
            raise

    def _take_over(self, found: dict[str, Health]) -> None:
        """Join what is known here with what was `found`."""
        for alias, known in self._known.items():
            mine, theirs = known.health, found.get(alias)
            if theirs is None:
                if _tells(mine):
                    self._unsaved.add(alias)
                continue
            both = merged(mine, theirs)
            heeded = theirs.digest in ("", both.digest)  # else it is of another credential
            if (heeded and both != theirs) or both.enabled_at > theirs.enabled_at:
                self._unsaved.add(alias)
            if both != mine:
                known.health = both
                self._tell(alias)


def _tells(health: Health) -> bool:
    """It says more than that nothing is known."""
    return bool(health.changed_at or health.enabled_at)


def _shown(alias: str, health: Health, now: float) -> AccountHealth:
    return AccountHealth(
        alias=alias,
        condition=health.condition(now),
        reason=health.reason,
        since=health.since,
        until=health.until,
        failures=health.failures,
        enabled=health.enabled,
        models={slug: rest.until for slug, rest in health.models.items() if rest.lasts(now)},
        features={name: rest.until for name, rest in health.features.items() if rest.lasts(now)},
    )


def _log_fault(alias: str, before: Health, after: Health, fault: Fault, slug: str, now: float) -> None:
    """One line when something begins to go wrong, none for each time that it does."""
    rule = RULES[fault.kind]
    match rule.scope:
        case Scope.MODEL if slug:
            old, new, what = before.models.get(slug), after.models[slug], slug
        case Scope.FEATURE if fault.feature:
            old, new, what = before.features.get(fault.feature), after.features[fault.feature], fault.feature
        case _:
            if after.reason is before.reason:
                return
            level = logging.ERROR if rule.needs_person else logging.WARNING
            ends = "a person is needed" if rule.needs_person else "it rests"
            log.log(
                level, "account %s: %s; %s, next try in %.0f s", alias, fault.kind, ends, after.until - now
            )
            return
    if old is None or not old.lasts(now):
        log.warning("account %s: %s (%s); not used for %.0f s", alias, fault.kind, what, new.until - now)
