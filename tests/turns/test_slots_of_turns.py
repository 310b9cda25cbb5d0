"""When a turn has its slot: what it waits for, and what ends it before anything is posted."""

import asyncio
from pathlib import Path

from metrics import Outcome
from tests.eventually import eventually
from tests.own_keys import own_slot
from tests.turns.books import Books
from tests.turns.questions import ALICE
from tests.turns.records import DONE, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import GOOD, Call, ScriptedBackend, fails
from translate.values import NotAdmitted, QuotaExceeded, Usage
from upstream import ConnectFailed


async def test_slot_is_free_when_the_turn_is_over(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    await rig.run()
    assert len(rig.queue) == 0


async def test_second_turn_of_the_account_waits_for_the_first(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def slow(call: Call) -> None:
        await go_on.wait()
        await call.send(record("first") + DONE)

    rig = Rig(ScriptedBackend(slow, GOOD), tmp_path)
    first = asyncio.create_task(rig.turn().run(rig.client))
    await eventually(lambda: len(rig.backend.calls) == 1)
    other = Rig(rig.backend, tmp_path)
    other.pool = rig.pool
    second = asyncio.create_task(other.turn().run(other.client))
    await eventually(lambda: rig.queue.waiting == 1)
    assert len(rig.backend.calls) == 1
    go_on.set()
    await asyncio.gather(first, second)
    assert (rig.client.text, other.client.text) == ("first", "Hi there")


async def test_waits_for_the_slot_and_for_the_backend_are_told_apart(tmp_path: Path) -> None:
    pause = 0.05

    async def slow(call: Call) -> None:
        await asyncio.sleep(pause)
        await GOOD(call)

    rig = Rig(ScriptedBackend(fails(ConnectFailed("refused")), slow), tmp_path, retries=1)
    taken = own_slot(rig.queue, ALICE.key)
    await taken.acquire()
    running = asyncio.create_task(rig.run())
    await eventually(lambda: rig.queue.waiting == 1)
    await asyncio.sleep(pause)
    taken.release()
    waits = (await running).waits
    assert waits.slot >= pause
    assert waits.backend >= pause, "the second attempt, and the pause before it"
    assert len(rig.backend.calls) == 2


async def test_request_that_finds_no_room_in_the_queue_posts_nothing(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path, queue_length=0)
    taken = own_slot(rig.queue, ALICE.key)
    await taken.acquire()
    outcome = await rig.run()
    assert outcome.outcome is Outcome.REJECTED
    assert isinstance(outcome.error, NotAdmitted)
    assert outcome.end is None
    assert outcome.usage == Usage(0, 0)
    assert rig.backend.calls == []
    assert rig.backend.preflights == []
    assert rig.books.entries == []


async def test_limit_that_is_reached_while_it_waited_is_told_and_nothing_is_posted(tmp_path: Path) -> None:
    refusal = QuotaExceeded("The quota is used up.")
    rig = Rig(ScriptedBackend(GOOD), tmp_path, books=Books(0, refusal))
    outcome = await rig.run()
    assert (outcome.outcome, outcome.error) == (Outcome.REJECTED, refusal)
    assert rig.backend.calls == []
    assert len(rig.queue) == 0
