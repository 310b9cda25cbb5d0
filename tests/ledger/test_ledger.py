"""The ledger as charges use it: cancelled posts, a stop in the middle, caps that outlast a restart."""

import asyncio
import time
from pathlib import Path

import pytest

from ledger import DAY, SqliteStore
from ledger.limits import LimitReached
from ledger.records import Capped, Settled
from ledger.store import PendingRecord, RecentRecords, StoreError
from metrics import Attempt
from tests.eventually import eventually
from tests.ledger.entries import ALICE, converse, ledger_over, posted, units


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


async def test_usage_can_be_asked_for_at_once_after_the_start(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        await converse(ledger)
    async with ledger_over(SqliteStore(path)) as ledger:
        assert await units(ledger) == 14


async def test_post_that_is_cancelled_costs_nothing(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        posting = asyncio.create_task(ledger.post(posted()))
        while not ledger.backlog:  # noqa: ASYNC110
            await asyncio.sleep(0)
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting
        assert ledger.current_usage(ALICE, "gpt-4").units == 0
    async with ledger_over(SqliteStore(path)) as ledger:
        (row,) = await ledger.usage(time.time() - DAY, time.time() + DAY)
        assert (row.conversations, row.free, row.unknown, row.units) == (1, 1, 0, 0)


async def test_conversation_that_is_being_ended_is_still_settled_when_the_service_stops(path: Path) -> None:
    async with ledger_over(SqliteStore(path), close_seconds=10) as ledger:
        entry = posted()
        await ledger.post(entry)
        closing = asyncio.create_task(ledger.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        await ledger.settle(entry, Settled(entry.id, Attempt.STOPPED))
        await closing
    async with ledger_over(SqliteStore(path)) as ledger:
        (row,) = await ledger.usage(time.time() - DAY, time.time() + DAY)
        assert (row.conversations, row.unknown) == (1, 0)


async def test_cap_outlasts_a_restart(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        ledger.record_cap(Capped("alice", "gpt-4", time.time() + 3600))
    async with ledger_over(SqliteStore(path)) as ledger:
        with pytest.raises(LimitReached) as refusal:
            await ledger.post(posted())
        assert refusal.value.reason == "model_cap"
        await ledger.post(posted("bob"))


async def test_entry_without_an_outcome_is_unsettled_unless_it_is_under_way(path: Path) -> None:
    async with ledger_over(SqliteStore(path)) as ledger:
        left_open = posted()
        await ledger.post(left_open)
        await converse(ledger)
        assert await ledger.unsettled(ALICE, time.time() + 1) == []
    async with ledger_over(SqliteStore(path)) as ledger:
        await ledger.post(posted())
        (found,) = await ledger.unsettled(ALICE, time.time() + 1)
        assert found.id == left_open.id
        assert await ledger.unsettled(ALICE, left_open.at) == []
        await ledger.settle_unknown(found, Settled(found.id, Attempt.UNSENT))
        assert await ledger.unsettled(ALICE, time.time() + 1) == []
        assert ledger.current_usage(ALICE, "gpt-4").units == 2 * 14


class InterruptedStore(SqliteStore):
    """Fails once in the middle of what is loaded."""

    calls = 0

    async def load(self, since: float, after: str = "") -> RecentRecords:
        self.calls += 1
        if self.calls == 3:
            raise StoreError("interrupted")
        return await super().load(since, after)


async def test_every_entry_of_today_is_counted_once_however_many_and_even_after_a_failure(path: Path) -> None:
    now = time.time()
    store = SqliteStore(path)
    await store.load(now)
    await store.write([PendingRecord(posted(at=now - number % 7 / 1000)) for number in range(2000)])
    await store.close()
    async with ledger_over(InterruptedStore(path)) as ledger:
        await eventually(lambda: ledger.current_usage(ALICE, "gpt-4").units >= 2000 * 14)
        await converse(ledger)
        assert ledger.current_usage(ALICE, "gpt-4").units == 2001 * 14
