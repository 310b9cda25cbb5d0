"""The journal by itself, over a store that does what a test wants."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ledger import SqliteStore
from ledger.journal import MAX_BATCH, Journal, JournalLimits
from ledger.limits import Allowed, CurrentUsage
from ledger.records import Counted, Posted, Record, Settled
from ledger.store import PendingRecord, StoreDecision, StoreError
from metrics import Attempt, Metrics
from tests.eventually import eventually
from tests.ledger.entries import ALICE, NO_LIMITS, caught_up, converse, ledger_over, posted

ALLOWED = Allowed(NO_LIMITS.of_caller(None))


class SlowStore(SqliteStore):
    """A shared store that turns away what is not forced, once it is allowed to answer."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.answers = asyncio.Event()
        self.written: list[PendingRecord] = []
        self.batches: list[int] = []
        self.checked = asyncio.Event()
        self.checked.set()

    async def write(self, pending: Sequence[PendingRecord]) -> Sequence[StoreDecision | None]:
        await self.answers.wait()
        self.written += pending
        self.batches.append(len(pending))
        return [StoreDecision(each.allowed is None, CurrentUsage(0, 0, (), 0)) for each in pending]

    async def check(self, *, write: bool) -> None:
        await self.checked.wait()


class ObservedStore(SqliteStore):
    """Remembers what each transaction held. While it is `broken`, nothing can be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.broken = False
        self.transactions: list[list[Record]] = []

    async def write(self, pending: Sequence[PendingRecord]) -> Sequence[StoreDecision | None]:
        self.transactions.append([each.record for each in pending])
        if self.broken:
            raise StoreError("broken")
        return await super().write(pending)


def outcomes(path: Path) -> dict[str, str]:
    """What another program sees in the file."""
    with closing(sqlite3.connect(path)) as other:
        return dict(other.execute("SELECT id, outcome FROM conversations"))


async def nothing() -> None:
    """Nothing is to be loaded."""


def journal_over(store: SlowStore, limits: JournalLimits, metrics: Metrics | None = None) -> Journal:
    journal = Journal(store, metrics or Metrics(("chat",), []), nothing, limits)
    journal.start()
    return journal


async def test_store_that_hangs_keeps_nobody_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SlowStore(tmp_path / "file")
    journal = journal_over(store, JournalLimits(max_wait=0.05, first_pause=0.01))
    record = posted()
    assert await journal.commit(record, ALLOWED) is None, "it may go on"
    assert journal.failing
    store.answers.set()
    await journal.close()
    assert "does not answer" in caplog.text
    assert [(each.record, each.allowed) for each in store.written] == [(record, ALLOWED), (record, None)], (
        "what was turned away too late is stored by force"
    )


@pytest.mark.parametrize(("times", "seconds"), [(1, 1.4), (10, 0.15)], ids=["once", "again and again"])
async def test_loop_that_was_held_up_is_no_fault_of_the_store(
    times: int, seconds: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SlowStore(tmp_path / "file")
    journal = journal_over(store, JournalLimits(max_wait=1.0))
    committing = journal.commit(posted(), ALLOWED)
    for _ in range(times):
        time.sleep(seconds)  # noqa: ASYNC251 - as many answers at once may do on a slow machine
        for _ in range(3):
            await asyncio.sleep(0)  # a look that is late, before the store can have answered
    store.answers.set()
    assert await committing is not None
    assert not journal.failing
    await journal.close()
    assert "does not answer" not in caplog.text


async def test_loop_that_was_held_up_while_the_store_is_tried_is_no_fault_of_the_store(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SlowStore(tmp_path / "file")
    journal = journal_over(store, JournalLimits(max_wait=0.5))
    await journal.loaded.wait()
    store.checked.clear()
    looking = asyncio.create_task(journal.look())
    await asyncio.sleep(0)
    time.sleep(0.8)  # noqa: ASYNC251
    for _ in range(3):
        await asyncio.sleep(0)
    store.checked.set()
    await looking
    assert not journal.failing
    await journal.close()
    assert "does not answer" not in caplog.text


async def test_store_that_hangs_when_it_is_tried_is_noticed(tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "file")
    journal = journal_over(store, JournalLimits(max_wait=0.05))
    await journal.loaded.wait()
    store.checked.clear()
    await journal.look()
    assert journal.failing
    store.checked.set()
    await eventually(lambda: not journal.failing)
    await journal.close()


async def test_store_that_hangs_behind_a_loop_that_was_held_up_keeps_nobody_waiting(tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "file")
    journal = journal_over(store, JournalLimits(max_wait=0.05, first_pause=0.01))
    committing = journal.commit(posted(), ALLOWED)
    time.sleep(0.3)  # noqa: ASYNC251
    async with asyncio.timeout(10):
        assert await committing is None
    assert journal.failing
    store.answers.set()
    await journal.close()


async def test_metrics_say_that_it_fails_for_as_long_as_it_does(tmp_path: Path) -> None:
    store, metrics = SlowStore(tmp_path / "file"), Metrics((), [])
    journal = journal_over(store, JournalLimits(max_wait=0.05, first_pause=0.01), metrics)

    def failing() -> float | None:
        return metrics.registry.get_sample_value("pandora_ledger_failing")

    assert failing() == 0
    await journal.commit(posted(), ALLOWED)
    assert failing() == 1
    store.answers.set()
    await eventually(lambda: failing() == 0)
    await journal.close()


async def test_decision_of_the_store_is_returned(tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "file")
    store.answers.set()
    journal = journal_over(store, JournalLimits())
    decision = await journal.commit(posted(), ALLOWED)
    assert decision is not None
    assert not decision.accepted
    await journal.close()


async def test_records_gather_while_one_batch_is_stored(tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "file")
    journal = journal_over(store, JournalLimits(max_wait=5))
    records: list[Posted] = [posted() for _ in range(5)]
    commits = [journal.commit(record) for record in records]
    await asyncio.sleep(0.02)
    assert journal.backlog == 5
    store.answers.set()
    await asyncio.gather(*commits)
    await journal.close()
    assert [each.record for each in store.written] == records


async def test_no_transaction_has_more_than_so_many_records_however_many_wait(tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "file")
    store.answers.set()
    journal = journal_over(store, JournalLimits(max_wait=60))
    records = [posted() for _ in range(2 * MAX_BATCH + 5)]
    await asyncio.gather(*map(journal.commit, records))
    await journal.close()
    assert store.batches == [MAX_BATCH, MAX_BATCH, 5]
    assert [each.record for each in store.written] == records


async def test_records_gather_for_a_moment_after_a_batch_of_several_turns(tmp_path: Path) -> None:
    store = ObservedStore(tmp_path / "file")
    async with ledger_over(store, journal_limits=JournalLimits(gather=3, max_wait=60)) as ledger:
        await ledger.wait_until_loaded()
        alone, *busy = [posted() for _ in range(8)]
        await ledger.post(alone)
        await asyncio.gather(*map(ledger.post, busy[:5]))
        posting = []
        for entry in busy[5:]:
            posting.append(asyncio.create_task(ledger.post(entry)))
            await asyncio.sleep(0.03)
        assert len(store.transactions) == 2, "they gather"
        await asyncio.gather(*posting)
    assert store.transactions == [[alone], busy[:5], busy[5:]]


async def test_records_of_one_turn_at_a_time_do_not_gather(tmp_path: Path) -> None:
    limits = JournalLimits(gather=60, max_wait=60, close=1)
    async with ledger_over(ObservedStore(tmp_path / "file"), journal_limits=limits) as ledger:
        await ledger.wait_until_loaded()
        async with asyncio.timeout(10):
            for _ in range(3):
                await ledger.post(posted())
        assert not ledger.failing


async def test_backlog_is_bounded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.mkdir()  # nothing can ever be written there
    limits = JournalLimits(max_backlog=50, first_pause=0.02, last_pause=0.1)
    async with ledger_over(SqliteStore(path), journal_limits=limits) as ledger:
        for _ in range(100):
            await converse(ledger)
        assert ledger.backlog == 50
        assert ledger.current_usage(ALICE, "gpt-4").own_units == 100 * 14
    assert caplog.text.count("backlog is full") == 1
    assert "50 records of the ledger are lost" in caplog.text


async def test_conversations_posted_at_once_share_a_transaction_and_each_is_durable(tmp_path: Path) -> None:
    store = ObservedStore(tmp_path / "file")
    seen: list[bool] = []
    async with ledger_over(store) as ledger:
        await ledger.wait_until_loaded()

        async def post(entry: Posted) -> None:
            await ledger.post(entry)
            seen.append(entry.id in outcomes(tmp_path / "file"))

        await asyncio.gather(*(post(posted()) for _ in range(20)))
        assert len(store.transactions) < 20
        assert sum(map(len, store.transactions)) == 20
    assert seen == [True] * 20


async def test_settlement_and_what_is_recorded_next_share_a_transaction(tmp_path: Path) -> None:
    store = ObservedStore(tmp_path / "file")
    async with ledger_over(store) as ledger:
        first, second = posted(), posted()
        await ledger.post(first)
        settled, counted = Settled(first.id, Attempt.OK), Counted(first.id, 10, 20)
        durable = ledger.settle(first, settled)
        assert not durable.done()
        ledger.record_tokens(counted)
        await ledger.post(second)
        assert durable.done()
        assert outcomes(tmp_path / "file") == {first.id: "ok", second.id: "unknown"}
    assert store.transactions == [[first], [settled, counted, second]]


async def test_write_that_fails_lets_all_of_its_callers_go_on_and_nothing_is_lost(tmp_path: Path) -> None:
    store = ObservedStore(tmp_path / "file")
    async with ledger_over(store) as ledger:
        await ledger.wait_until_loaded()
        store.broken = True
        entries = [posted() for _ in range(10)]
        await asyncio.gather(*map(ledger.post, entries))
        assert ledger.failing
        assert len(store.transactions[0]) == 10
        store.broken = False
        assert await caught_up(ledger)
        assert outcomes(tmp_path / "file") == dict.fromkeys((entry.id for entry in entries), "unknown")


async def test_record_that_is_lost_from_a_full_backlog_keeps_nobody_waiting(tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "file")
    journal = journal_over(store, JournalLimits(max_backlog=2, max_wait=60))
    waiting = [journal.commit(posted()) for _ in range(3)]
    assert [commit.done() for commit in waiting] == [True, False, False]
    store.answers.set()
    await asyncio.gather(*waiting)
    await journal.close()
