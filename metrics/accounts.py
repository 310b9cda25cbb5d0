"""Series of the operator's accounts and of the keys of this service, under the names that they have.

There are as many as the file names, and no others: what is told of another name is not counted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from metrics import names
from metrics.families import Families
from metrics.names import OTHER, AccountState, Attempt

_Series = tuple[Counter | Gauge, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGauges:
    """How an account stands now.

    Of `messages` (GPT-4 messages in the window) and `units` (of quota, today) limits are infinite for none.
    Until `cooldown_until` (Unix seconds, 0 if it does not) it rests.
    """

    state: AccountState
    in_use: int
    cooldown_until: float
    units: float
    units_limit: float
    messages: float
    messages_limit: float


class _Gauges:
    """The gauges of one account: to look them up takes longer than to set them, and accounts may be many."""

    __slots__ = (
        "_cooldown",
        "_in_use",
        "_messages",
        "_messages_limit",
        "_states",
        "_units",
        "_units_left",
        "_units_limit",
    )

    def __init__(self, families: Families, account: str) -> None:
        self._states = {state: families.account_state.labels(account, state) for state in AccountState}
        self._in_use = families.account_in_use.labels(account)
        self._cooldown = families.account_cooldown.labels(account)
        self._units = families.account_used.labels(account)
        self._units_limit = families.account_limit.labels(account)
        self._units_left = families.account_remaining.labels(account)
        self._messages = families.account_window_messages.labels(account)
        self._messages_limit = families.account_window_limit.labels(account)

    def set(self, gauges: AccountGauges) -> None:
        """Bring them up to date."""
        for state, gauge in self._states.items():
            gauge.set(state is gauges.state)
        self._in_use.set(gauges.in_use)
        self._cooldown.set(gauges.cooldown_until)
        self._units.set(gauges.units)
        self._units_limit.set(gauges.units_limit)
        self._units_left.set(max(0.0, gauges.units_limit - gauges.units))
        self._messages.set(gauges.messages)
        self._messages_limit.set(gauges.messages_limit)


class AccountMetrics:
    """What happened on accounts and with keys is counted by a method of that name."""

    def __init__(self, families: Families) -> None:
        self._families = families
        self._accounts: dict[str, _Gauges] = {}
        self._keys: set[str] = set()

    def keep(self, accounts: Iterable[str], keys: Iterable[str]) -> None:
        """There are these accounts and keys now: begin the series of new ones, drop those of others."""
        there = set(accounts)
        for account in self._accounts.keys() - there:
            del self._accounts[account]
            for family, labels in self._series_of_account(account):
                family.remove(*labels)
        for account in there - self._accounts.keys():
            for family, labels in self._series_of_account(account):
                family.labels(*labels)
            self._accounts[account] = _Gauges(self._families, account)
        known = set(keys)
        for key in self._keys - known:
            self._families.key_units.remove(key)
        for key in known - self._keys:
            self._families.key_units.labels(key)
        self._keys = known

    def stands(self, account: str, gauges: AccountGauges) -> None:
        """Bring the gauges of an account up to date."""
        if (known := self._accounts.get(account)) is not None:
            known.set(gauges)

    def conversation(self, account: str, key: str, outcome: Attempt, units: int) -> None:
        """A conversation that was posted to an account for a key is over, and cost so many units."""
        if account in self._accounts:
            self._families.account_conversations.labels(account, outcome).inc()
            self._families.account_units.labels(account).inc(units)
        if key in self._keys:
            self._families.key_units.labels(key).inc(units)

    def failed(self, account: str, reason: str) -> None:
        """A message failed, and the account was at fault."""
        if account in self._accounts:
            known = reason if reason in names.ACCOUNT_FAULTS else OTHER
            self._families.account_failures.labels(account, known).inc()

    def moved(self, account: str, reason: str) -> None:
        """A turn went on to another account than this one."""
        if account in self._accounts:
            known = reason if reason in names.ACCOUNT_MOVES else OTHER
            self._families.account_switches.labels(account, known).inc()

    def _series_of_account(self, account: str) -> Iterator[_Series]:
        families = self._families
        for family in (
            families.account_units,
            families.account_used,
            families.account_limit,
            families.account_remaining,
            families.account_window_messages,
            families.account_window_limit,
            families.account_cooldown,
            families.account_in_use,
        ):
            yield family, (account,)
        by_kind: tuple[tuple[Counter | Gauge, tuple[str, ...]], ...] = (
            (families.account_state, tuple(AccountState)),
            (families.account_conversations, tuple(Attempt)),
            (families.account_failures, names.ACCOUNT_FAULTS),
            (families.account_switches, names.ACCOUNT_MOVES),
        )
        for labelled, kinds in by_kind:
            for kind in kinds:
                yield labelled, (account, kind)
