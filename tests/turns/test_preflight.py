"""What a turn tells the backend before it posts: while it waits, once, and never in the way of its end."""

import asyncio
from pathlib import Path

from metrics import Attempt, Outcome
from tests.eventually import eventually
from tests.own_keys import own_slot
from tests.turns.books import Books
from tests.turns.questions import ALICE, GPT_4
from tests.turns.records import CUT, DONE, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import ScriptedBackend, sends
from translate.values import QuotaExceeded

GOOD = sends(record("Hi there") + DONE)


async def token() -> str:
    return "conduit"


async def test_backend_is_told_while_the_request_waits_for_its_slot(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(CUT), GOOD), tmp_path)
    rig.backend.preflight_work = token
    taken = own_slot(rig.queue, ALICE.key)
    await taken.acquire()
    running = asyncio.create_task(rig.turn().run(rig.client))
    await eventually(lambda: rig.queue.waiting == 1)
    ((credential, about),) = rig.backend.preflights
    assert (credential, about["model"]) == (ALICE.own, GPT_4.slug)
    assert not rig.backend.calls
    taken.release()
    await running
    assert len(rig.backend.preflights) == 1
    assert [call.preflight.conduit for call in rig.backend.calls] == ["conduit", "conduit"]


async def test_message_waits_for_a_preflight_that_is_under_way(tmp_path: Path) -> None:
    answered = asyncio.Event()

    async def work() -> str:
        await answered.wait()
        return await token()

    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    rig.backend.preflight_work = work
    running = asyncio.create_task(rig.run())
    await eventually(lambda: bool(rig.backend.preflights))
    await asyncio.sleep(0.01)
    assert not rig.backend.calls
    answered.set()
    await running
    assert [call.preflight.conduit for call in rig.backend.calls] == ["conduit"]


async def test_preflight_that_fails_in_whatever_way_stops_nothing(tmp_path: Path) -> None:
    async def work() -> str:
        raise LookupError("a bug")

    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    rig.backend.preflight_work = work
    assert (await rig.run()).outcome is Outcome.OK
    assert [call.preflight.conduit for call in rig.backend.calls] == [None]


async def test_client_that_leaves_ends_the_preflight(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def work() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return await token()

    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    rig.backend.preflight_work = work
    turn = rig.turn()
    running = asyncio.create_task(turn.run(rig.client))
    await eventually(lambda: bool(rig.backend.preflights))
    await asyncio.sleep(0.01)
    turn.stop()
    assert (await running).outcome is Outcome.CLIENT_GONE
    await asyncio.wait_for(ended.wait(), 1)
    assert not rig.backend.calls


class PreflightGate:
    """A preflight that is answered when `answered` is set."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()

    async def __call__(self) -> str:
        await self.answered.wait()
        return await token()


async def test_message_is_recorded_while_the_preflight_is_under_way(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    gate = rig.backend.preflight_work = PreflightGate()
    running = asyncio.create_task(rig.run())
    await eventually(lambda: rig.books.outcomes == [None])
    assert not rig.backend.calls
    gate.answered.set()
    await running
    assert rig.books.outcomes == [Attempt.OK]
    assert [call.posted.message_id for call in rig.backend.calls] == [rig.books.entries[0].message_id]


async def test_message_waits_until_it_is_recorded_durably(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    gate = rig.backend.preflight_work = PreflightGate()
    rig.books.posting.clear()
    running = asyncio.create_task(rig.run())
    await eventually(lambda: bool(rig.backend.preflights))
    gate.answered.set()
    await asyncio.sleep(0.01)
    assert not rig.backend.calls
    rig.books.posting.set()
    await running
    assert len(rig.backend.calls) == 1


async def test_message_that_was_recorded_and_does_not_go_out_is_free(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    rig.backend.preflight_work = PreflightGate()
    turn = rig.turn()
    running = asyncio.create_task(turn.run(rig.client))
    await eventually(lambda: rig.books.outcomes == [None])
    turn.stop()
    outcome = await running
    assert (outcome.outcome, outcome.units) == (Outcome.CLIENT_GONE, 0)
    assert rig.books.outcomes == [Attempt.UNSENT]
    assert not rig.backend.calls


async def test_message_whose_record_is_under_way_when_the_client_leaves_is_free(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    rig.backend.preflight_work = PreflightGate()
    rig.books.posting.clear()
    turn = rig.turn()
    running = asyncio.create_task(turn.run(rig.client))
    await eventually(lambda: bool(rig.backend.preflights))
    await asyncio.sleep(0.01)
    turn.stop()
    rig.books.posting.set()
    assert (await running).outcome is Outcome.CLIENT_GONE
    assert rig.books.outcomes == [Attempt.UNSENT]
    assert not rig.backend.calls


async def test_limit_that_is_reached_during_the_preflight_lets_nothing_go_out(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path, books=Books(0, QuotaExceeded("used up")))
    gate = rig.backend.preflight_work = PreflightGate()
    running = asyncio.create_task(rig.run())
    await eventually(lambda: bool(rig.backend.preflights))
    gate.answered.set()
    assert isinstance((await running).error, QuotaExceeded)
    assert not rig.backend.calls
