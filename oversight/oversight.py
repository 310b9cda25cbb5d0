"""Brings together what the roster, the pool and the ledger know of accounts and keys."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from accounts import Account, Need
from ledger import Ledger, Subject
from metrics import AccountGauges, AccountMetrics, AccountState
from oversight.seen import KeyState, SeenAccount, SeenKey
from pool import AccountHealth, Condition, HealthBook
from roster import Roster, RosterWatcher, ServiceKey

NOTHING: Final = Need()
_STATES: Final[Mapping[Condition, AccountState]] = {
    Condition.OK: AccountState.OK,
    Condition.COOLING: AccountState.COOLING,
    Condition.NEEDS_PERSON: AccountState.NEEDS_PERSON,
}


class Use(Protocol):
    """Knows what is under way."""

    def in_use(self, account: Account) -> int:
        """How many messages are under way on the account, from here."""
        ...


class Oversight:
    """One per service. `clock` gives Unix seconds."""

    def __init__(
        self,
        roster: RosterWatcher,
        health: HealthBook,
        use: Use,
        ledger: Ledger,
        metrics: AccountMetrics,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._roster = roster
        self._health = health
        self._use = use
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock
        self._follow(roster.current)
        roster.on_change(self._follow)

    def accounts(self) -> list[SeenAccount]:
        """All accounts as they are now, in the order of the file."""
        accounts, now = self._roster.current.accounts, self._clock()
        for account in accounts:
            # Has the book notice a token that has run out, and one that is new.
            self._health.obstacle(account, NOTHING, now)
        known = {health.alias: health for health in self._health.view()}
        return [self._seen(account, known[account.alias]) for account in accounts if account.alias in known]

    def account(self, alias: str) -> SeenAccount | None:
        """That of the alias, None if there is none."""
        return next((seen for seen in self.accounts() if seen.account.alias == alias), None)

    def service_keys(self) -> list[SeenKey]:
        """All keys of this service as they are now, in the order of the file."""
        return [self._seen_key(key) for key in self._roster.current.keys]

    def set_enabled(self, alias: str, enabled: bool) -> None:
        """Switch an account on or off, for good. Raises KeyError: there is no such account."""
        self._health.set_enabled(alias, enabled)

    def refresh_gauges(self) -> None:
        """Bring the gauges of all accounts up to date."""
        for seen in self.accounts():
            self._metrics.stands(seen.account.alias, _gauges(seen, self._clock()))

    def _follow(self, roster: Roster) -> None:
        self._metrics.keep(
            (account.alias for account in roster.accounts), (grant.alias for grant in roster.grants)
        )

    def _seen(self, account: Account, health: AccountHealth) -> SeenAccount:
        subject = Subject(account.alias, True)
        usage = self._ledger.current_usage(subject)
        return SeenAccount(
            account=account,
            state=_state(account, health),
            health=health,
            in_use=self._use.in_use(account),
            allowance=self._ledger.limits.of_account(account),
            units=usage.own_units,
            messages=len(usage.window),
            capped=self._ledger.caps(subject),
        )

    def _seen_key(self, key: ServiceKey) -> SeenKey:
        usage = self._ledger.current_usage(Subject(key.grant.alias))
        return SeenKey(
            grant=key.grant,
            state=_key_state(key, self._clock()),
            allowance=self._ledger.limits.of_caller(key.grant),
            units=usage.own_units,
            messages=len(usage.window),
        )


def _state(account: Account, health: AccountHealth) -> AccountState:
    if not health.enabled:
        return AccountState.DISABLED
    if account.credential is None:
        return AccountState.NO_CREDENTIAL
    return _STATES[health.condition]


def _key_state(key: ServiceKey, now: float) -> KeyState:
    if key.digest is None:
        return KeyState.UNKNOWN
    return KeyState.EXPIRED if key.grant.has_expired(now) else KeyState.OK


def _gauges(seen: SeenAccount, now: float) -> AccountGauges:
    return AccountGauges(
        state=seen.state,
        in_use=seen.in_use,
        cooldown_until=seen.health.until if seen.health.until > now else 0.0,
        units=seen.units,
        units_limit=seen.allowance.units_per_day or math.inf,
        messages=seen.messages,
        messages_limit=seen.allowance.window_messages or math.inf,
    )
