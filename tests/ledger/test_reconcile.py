"""Entries of unknown outcome are settled by what the account's own list says, where it can say it."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from accounts import Credential
from ledger import DAY, Ledger, Reconciler, SqliteStore
from ledger.records import Posted
from simulator import Simulator
from tests.ledger.entries import ALICE, ledger_over, posted
from upstream import Found, History, HttpClient

CREDENTIAL = Credential("fk-alice")


class Account(History):
    """What an account has in its list: the conversation of each message; None if it does not tell."""

    def __init__(self, found: dict[str, str] | None, empty: dict[str, float] | None = None) -> None:
        self.asked: list[tuple[Credential, set[str], float, float]] = []
        self._found = None if found is None else Found(found, empty or {})

    async def received(
        self, credential: Credential, messages: Collection[str], since: float, until: float
    ) -> Found | None:
        self.asked.append((credential, set(messages), since, until))
        return self._found


@asynccontextmanager
async def with_unknown(folder: Path, *entries: Posted) -> AsyncIterator[Ledger]:
    """A ledger in which these entries were left open by an earlier run of the service."""
    store = folder / "ledger.sqlite3"
    async with ledger_over(SqliteStore(store)) as ledger:
        for entry in entries:
            await ledger.post(entry)
    async with ledger_over(SqliteStore(store)) as ledger:
        yield ledger


async def outcomes(ledger: Ledger) -> tuple[int, int, int]:
    """Units, and how many conversations were free and are unknown."""
    now = time.time()
    rows = await ledger.usage(now - DAY, now + DAY)
    return sum(row.units for row in rows), sum(row.free for row in rows), sum(row.unknown for row in rows)


async def test_message_that_arrived_was_spent_and_the_other_was_free(tmp_path: Path) -> None:
    now = time.time()
    old = [posted(at=now - 300, message_id="arrived"), posted(at=now - 200, message_id="lost")]
    recent = posted(at=now - 5, message_id="recent")
    account = Account({"arrived": "conversation"})
    async with with_unknown(tmp_path, *old, recent) as ledger:
        reconciler = Reconciler(ledger, account, listed=True, grace=60)
        await reconciler.reconcile(ALICE, CREDENTIAL)
        ((credential, messages, since, until),) = account.asked
        assert (credential, messages) == (CREDENTIAL, {"arrived", "lost"})
        assert since < now - 300 < now - 200 < until
        assert await outcomes(ledger) == (28, 1, 1)
        await reconciler.reconcile(ALICE, CREDENTIAL)
        assert len(account.asked) == 1, "there is nothing left to ask"


async def test_empty_conversation_of_that_time_counts_for_the_message_that_is_missing(tmp_path: Path) -> None:
    now = time.time()
    lost = posted(at=now - 5000, message_id="lost")
    doubtful = posted(at=now - 300, message_id="doubtful")
    account = Account({}, {"empty": now - 290})
    async with with_unknown(tmp_path, lost, doubtful) as ledger:
        reconciler = Reconciler(ledger, account, listed=True, grace=60)
        await reconciler.reconcile(ALICE, CREDENTIAL)
        assert await outcomes(ledger) == (14, 1, 0)
        await reconciler.reconcile(ALICE, CREDENTIAL)
        assert len(account.asked) == 1, "there is nothing left to ask"


@pytest.mark.parametrize(
    ("message_id", "found"),
    [
        pytest.param("message", None, id="the account does not tell"),
        pytest.param("", {}, id="there is no message to look for"),
    ],
)
async def test_what_cannot_be_told_stays_as_it_is(
    tmp_path: Path, message_id: str, found: dict[str, str] | None
) -> None:
    async with with_unknown(tmp_path, posted(at=time.time() - 300, message_id=message_id)) as ledger:
        await Reconciler(ledger, Account(found), listed=True, grace=60).reconcile(ALICE, CREDENTIAL)
        assert await outcomes(ledger) == (14, 0, 1)


async def test_simulated_account_frees_an_entry_only_if_nothing_was_begun_at_its_time(tmp_path: Path) -> None:
    now = time.time()
    simulator = Simulator("prefix0001")
    await simulator.start()
    http = HttpClient(simulator.url, "prefix0001")
    simulator.state.conversations.create("fk-alice", now - 3000, temporary=False)
    simulator.state.conversations.create("fk-bob", now - 9000, temporary=False)
    doubtful, lost = posted(at=now - 3005, message_id="one"), posted(at=now - 9005, message_id="two")
    try:
        async with with_unknown(tmp_path, doubtful, lost) as ledger:
            await Reconciler(ledger, History(http), listed=True, grace=60).reconcile(ALICE, CREDENTIAL)
            assert await outcomes(ledger) == (14, 1, 0)
    finally:
        http.close()
        await simulator.stop()


async def test_caller_is_looked_at_once_in_a_while(tmp_path: Path) -> None:
    account = Account({})
    async with with_unknown(tmp_path, posted(at=time.time() - 300)) as ledger:
        reconciler = Reconciler(ledger, account, listed=True, grace=60)
        for _ in range(3):
            reconciler.start(ALICE, CREDENTIAL)
        for _ in range(200):
            if await outcomes(ledger) == (0, 1, 0):
                break
            await asyncio.sleep(0.01)
        assert await outcomes(ledger) == (0, 1, 0)
        assert len(account.asked) == 1
        await reconciler.close()


@pytest.mark.parametrize(("key", "listed"), [("fk-alice", False), ("pk-alice", True)])
async def test_nothing_is_asked_where_the_list_cannot_tell(tmp_path: Path, key: str, listed: bool) -> None:
    account = Account({})
    async with with_unknown(tmp_path, posted(at=time.time() - 300)) as ledger:
        reconciler = Reconciler(ledger, account, listed=listed, grace=60)
        reconciler.start(ALICE, Credential(key))
        await asyncio.sleep(0.05)
        assert account.asked == []
        await reconciler.close()
