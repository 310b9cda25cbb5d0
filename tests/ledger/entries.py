"""Ledgers over a store, and conversations that are recorded in them."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

from accounts import Account
from ledger import DAY, Ledger, Limits, Store, Subject
from ledger.journal import JournalLimits
from ledger.limits import Allowed
from ledger.records import Counted, Posted, Settled
from metrics import Attempt, Metrics

WINDOW = 3 * 3600.0
NO_LIMITS = Limits(window=WINDOW)
IMPATIENT = JournalLimits(first_pause=0.02, last_pause=0.1)
ALICE = Subject("alice")
MAIN = Subject("main", True)
"""An account of the operator's."""
_ids = count(1)


@asynccontextmanager
async def ledger_over(
    store: Store,
    limits: Limits = NO_LIMITS,
    journal_limits: JournalLimits = IMPATIENT,
    close_seconds: float = 0.02,
    accounts: Sequence[Account] = (),
    metrics: Metrics | None = None,
) -> AsyncIterator[Ledger]:
    ledger = Ledger(
        store,
        limits,
        metrics or Metrics(("chat",), ["gpt-4-s"]),
        retention_days=400,
        journal_limits=journal_limits,
        close_seconds=close_seconds,
        accounts=lambda: accounts,
    )
    ledger.start()
    try:
        yield ledger
    finally:
        await ledger.close()


def posted(
    alias: str = "alice",
    units: int = 14,
    at: float | None = None,
    *,
    message_id: str = "message",
    account: str = "",
) -> Posted:
    when = time.time() if at is None else at
    return Posted(f"id-{next(_ids)}", when, alias, "gpt-4-s", "gpt-4", units, True, message_id, account)


async def converse(
    ledger: Ledger,
    outcome: Attempt = Attempt.OK,
    alias: str = "alice",
    *,
    account: str = "",
    allowed: Allowed | None = None,
) -> Posted:
    entry = posted(alias, account=account)
    await ledger.post(entry, allowed)
    await ledger.settle(entry, Settled(entry.id, outcome, "gpt-4", "conversation", 1.0, 0.5))
    await ledger.record_tokens(Counted(entry.id, 10, 20))
    return entry


async def units(ledger: Ledger) -> int:
    now = time.time()
    return sum(row.units for row in await ledger.usage(now - 2 * DAY, now + 2 * DAY))


async def caught_up(ledger: Ledger) -> bool:
    for _ in range(400):
        if not ledger.failing and not ledger.backlog:
            return True
        await asyncio.sleep(0.02)
    return False
