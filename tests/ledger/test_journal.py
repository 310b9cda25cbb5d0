"""The journal by itself, over a store that does what a test wants."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger import SqliteStore
from ledger.journal import Journal, JournalLimits
from ledger.limits import CurrentUsage
from ledger.records import Posted
from ledger.store import PendingRecord, StoreDecision
from metrics import Metrics
from tests.ledger.entries import converse, ledger_over, posted


class SlowStore(SqliteStore):
    """A shared store that turns away what is not forced, once it is allowed to answer."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.answers = asyncio.Event()
        self.written: list[PendingRecord] = []

    async def write(self, pending: Sequence[PendingRecord]) -> Sequence[StoreDecision | None]:
        await self.answers.wait()
        self.written += pending
        return [StoreDecision(each.forced, CurrentUsage(0, 0, (), 0)) for each in pending]


async def nothing() -> None:
    """Nothing is to be loaded."""


def journal_over(store: SlowStore, limits: JournalLimits) -> Journal:
    journal = Journal(store, Metrics(("chat",), []), nothing, limits)
    journal.start()
    return journal


async def test_store_that_hangs_keeps_nobody_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SlowStore(tmp_path / "file")
    journal = journal_over(store, JournalLimits(max_wait=0.05, first_pause=0.01))
    record = posted()
    assert await journal.commit(record, forced=False) is None, "it may go on"
    assert journal.failing
    store.answers.set()
    await journal.close()
    assert "does not answer" in caplog.text
    assert [(each.record, each.forced) for each in store.written] == [(record, False), (record, True)], (
        "what was turned away too late is stored by force"
    )


async def test_decision_of_the_store_is_returned(tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "file")
    store.answers.set()
    journal = journal_over(store, JournalLimits())
    decision = await journal.commit(posted(), forced=False)
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


async def test_backlog_is_bounded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.mkdir()  # nothing can ever be written there
    limits = JournalLimits(max_backlog=50, first_pause=0.02, last_pause=0.1)
    async with ledger_over(SqliteStore(path), journal_limits=limits) as ledger:
        for _ in range(100):
            await converse(ledger)
        assert ledger.backlog == 50
        assert ledger.current_usage("alice", "gpt-4").key_units == 100 * 14
    assert caplog.text.count("backlog is full") == 1
    assert "50 records of the ledger are lost" in caplog.text
