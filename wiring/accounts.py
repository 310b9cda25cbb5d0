"""Which account takes a turn, and when."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from accounts import AccountQueue, SharedSlots
from ledger import Ledger
from metrics import Metrics
from pool import HEALTH_FILE, FileHealth, HealthBook, Policy, Pool, RedisHealth, Sources
from roster import Roster, RosterWatcher
from settings import Settings
from turns import Shortages
from wiring.backend import Backend

__all__ = ["Accounts", "make_accounts"]


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of the roster: their queues, which of them have failed, and what chooses among them."""

    roster: RosterWatcher
    queue: AccountQueue
    health: HealthBook
    pool: Pool


def make_accounts(
    settings: Settings,
    roster: RosterWatcher,
    ledger: Ledger,
    backend: Backend,
    metrics: Metrics,
    *,
    simulated: bool,
) -> Accounts:
    """Join the accounts; the pool is told of what changes in the roster and in the health of accounts."""
    queue = AccountQueue(
        settings.key_concurrency,
        max_waiting=settings.queue_length,
        max_wait=settings.queue_wait,
        metrics=metrics,
        shared=SharedSlots(settings.redis_url) if settings.redis_url else None,
    )
    health = _health(settings, roster, simulated=simulated)
    shortages = Shortages(ledger, backend.limits, backend.lists)
    pool = Pool(
        roster,
        queue,
        Sources(shortages.standing, shortages.backend, health),
        Policy(settings.pool_policy),
        metrics,
        ready=health.wait_until_loaded,
        salt=secrets.randbits(32) if settings.redis_url else 0,
    )
    health.on_change(lambda alias: pool.changed())
    roster.on_change(lambda _: pool.changed())
    return Accounts(roster, queue, health, pool)


def _health(settings: Settings, roster: RosterWatcher, *, simulated: bool) -> HealthBook:
    """Which accounts have failed; told of each new roster."""
    name = f"demo-{HEALTH_FILE}" if simulated else HEALTH_FILE
    health = HealthBook(
        RedisHealth(settings.redis_url) if settings.redis_url else FileHealth(Path(settings.state_dir) / name)
    )

    def keep(current: Roster) -> None:
        health.keep(account.alias for account in current.accounts)

    keep(roster.current)
    roster.on_change(keep)
    return health
