"""A turn that is ended from outside, whatever it is doing: the client leaves, or the service drains."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from metrics import Attempt, Outcome
from tests.eventually import eventually
from tests.own_keys import own_slot
from tests.turns.questions import ALICE, GPT, question
from tests.turns.records import CUT, DONE, picture, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import GOOD, Call, ScriptedBackend, refused, sends, sends_and_stalls
from translate import Options
from translate.values import Overloaded
from turns.runner import TurnRunner

DRAINING = Overloaded("The service is restarting.", should_retry=False)

Phase = Callable[[Path], tuple[Rig, TurnRunner, Callable[[], bool]]]
"""Gives the rig, the turn, and what shows that the phase has been reached."""


def while_it_waits_for_a_slot(folder: Path) -> tuple[Rig, TurnRunner, Callable[[], bool]]:
    rig = Rig(ScriptedBackend(GOOD), folder, all_taken=True)
    return rig, rig.turn(), lambda: rig.queue.waiting == 1


def while_it_waits_for_a_description(folder: Path) -> tuple[Rig, TurnRunner, Callable[[], bool]]:
    rig = Rig(ScriptedBackend(GOOD), folder)
    rig.descriptions.gate.clear()
    return rig, rig.turn(request=question(model=GPT)), lambda: len(rig.queue) == 1


def before_the_headers(folder: Path) -> tuple[Rig, TurnRunner, Callable[[], bool]]:
    async def script(call: Call) -> None:
        call.connect()
        await call.stall()

    rig = Rig(ScriptedBackend(script), folder)
    return rig, rig.turn(), lambda: len(rig.backend.calls) == 1


def while_it_streams(folder: Path) -> tuple[Rig, TurnRunner, Callable[[], bool]]:
    rig = Rig(ScriptedBackend(sends_and_stalls(record("Hi", done=False))), folder)
    return rig, rig.turn(), lambda: rig.client.text == "Hi"


def while_a_picture_is_fetched(folder: Path) -> tuple[Rig, TurnRunner, Callable[[], bool]]:
    rig = Rig(ScriptedBackend(sends_and_stalls(picture())), folder)
    rig.files.gate.clear()
    return rig, rig.turn(), lambda: rig.files.asked == ["file-1"]


def while_the_client_does_not_read(folder: Path) -> tuple[Rig, TurnRunner, Callable[[], bool]]:
    rig = Rig(ScriptedBackend(sends_and_stalls(record("Hi", done=False))), folder)
    delivered: list[None] = []
    rig.client.gate.clear()
    rig.client.on_deliver = lambda: delivered.append(None)
    turn = rig.turn()

    def reached() -> bool:
        if delivered:
            asyncio.get_running_loop().call_later(0.05, rig.client.gate.set)  # a write that fails
        return bool(delivered)

    return rig, turn, reached


def in_the_pause_before_a_retry(folder: Path) -> tuple[Rig, TurnRunner, Callable[[], bool]]:
    rig = Rig(ScriptedBackend(refused(503, retry_after="10")), folder, retries=1)
    return rig, rig.turn(), lambda: rig.counted("pandora_retries_total", reason="server_error") == 1


def in_a_follow_up(folder: Path) -> tuple[Rig, TurnRunner, Callable[[], bool]]:
    rig = Rig(ScriptedBackend(sends(CUT), sends_and_stalls()), folder)
    return rig, rig.turn(), lambda: len(rig.backend.calls) == 2


def while_a_file_is_fetched(folder: Path) -> tuple[Rig, TurnRunner, Callable[[], bool]]:
    rig = Rig(ScriptedBackend(sends(record("[data](sandbox:/mnt/data/a.csv)") + DONE)), folder)
    rig.files.gate.clear()
    return rig, rig.turn(), lambda: rig.files.asked == ["/mnt/data/a.csv"]


PHASES: dict[Phase, list[Attempt]] = {
    while_it_waits_for_a_slot: [],
    while_it_waits_for_a_description: [],
    before_the_headers: [Attempt.UNKNOWN],
    while_it_streams: [Attempt.STOPPED],
    while_a_picture_is_fetched: [Attempt.STOPPED],
    while_the_client_does_not_read: [Attempt.STOPPED],
    in_the_pause_before_a_retry: [Attempt.REFUSED],
    in_a_follow_up: [Attempt.OK, Attempt.STOPPED],
    while_a_file_is_fetched: [Attempt.OK],
}
"""What the ledger has of a turn that is ended then."""


@pytest.mark.parametrize("drained", [False, True], ids=["client gone", "draining"])
@pytest.mark.parametrize(("phase", "attempts"), PHASES.items(), ids=[phase.__name__ for phase in PHASES])
async def test_turn_ends_soon_whatever_it_is_doing(
    tmp_path: Path, phase: Phase, attempts: list[Attempt], drained: bool
) -> None:
    rig, turn, reached = phase(tmp_path)
    if rig.all_taken:
        holder = own_slot(rig.queue, ALICE.key)
        await holder.acquire()
    running = asyncio.create_task(turn.run(rig.client))
    await eventually(reached)
    turn.stop(DRAINING if drained else None)
    async with asyncio.timeout(5):
        outcome = await running
    rig.check_clean()
    assert outcome.outcome is (Outcome.UPSTREAM_ERROR if drained else Outcome.CLIENT_GONE)
    assert outcome.bug is None
    if drained:
        assert outcome.error is DRAINING
    assert rig.books.outcomes == attempts
    if rig.all_taken:
        holder.release()
    await eventually_free(rig)


async def eventually_free(rig: Rig) -> None:
    """The account is free again, at the latest when the backend has noticed that it was left."""
    async with asyncio.timeout(5):
        await own_slot(rig.queue, ALICE.key).acquire()


async def test_turn_that_is_ended_before_it_began_does_nothing(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    turn = rig.turn()
    turn.stop()
    outcome = await turn.run(rig.client)
    rig.check_clean()
    assert outcome.outcome is Outcome.CLIENT_GONE
    assert rig.backend.calls == []
    assert rig.books.entries == []


async def test_client_that_leaves_while_the_conversation_is_recorded_has_nothing_posted(
    tmp_path: Path,
) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    turn = rig.turn()
    rig.books.on_post = turn.stop
    outcome = await turn.run(rig.client)
    rig.check_clean()
    assert (outcome.outcome, rig.books.outcomes) == (Outcome.CLIENT_GONE, [Attempt.UNSENT])
    assert outcome.units == 0


async def test_client_that_leaves_when_all_is_said_is_gone_and_its_answer_counted(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    turn = rig.turn()
    rig.books.on_tokens = turn.stop
    outcome = await turn.run(rig.client)
    rig.check_clean()
    assert outcome.outcome is Outcome.CLIENT_GONE
    assert rig.books.outcomes == [Attempt.OK]
    assert rig.books.entries[0].tokens is not None


async def test_client_that_leaves_after_the_drain_began_is_gone(tmp_path: Path) -> None:
    rig, turn, reached = while_it_streams(tmp_path)
    running = asyncio.create_task(turn.run(rig.client))
    await eventually(reached)
    turn.stop(DRAINING)
    turn.stop()
    assert (await running).outcome is Outcome.CLIENT_GONE


async def test_account_is_left_alone_for_a_moment_after_an_answer_was_aborted(tmp_path: Path) -> None:
    rig, turn, reached = while_it_streams(tmp_path)
    running = asyncio.create_task(turn.run(rig.client))
    await eventually(reached)
    turn.stop()
    await running
    assert len(rig.queue) == 1
    await rig.queue.close()
    assert len(rig.queue) == 0


async def test_what_was_held_back_is_delivered_when_the_answer_is_ended(tmp_path: Path) -> None:
    """A fence that was opened is closed, and words that could have been a stop sequence are shown."""
    rig = Rig(ScriptedBackend(sends_and_stalls(record("one two", done=False))), tmp_path)
    turn = rig.turn(request=question(options=Options(stop=("two three",))))
    running = asyncio.create_task(turn.run(rig.client))
    await eventually(lambda: rig.client.text == "one ")
    turn.stop(DRAINING)
    outcome = await running
    assert rig.client.text == "one two"
    assert rig.client.begun[-1] is False, "an error may still get its own status"
    assert outcome.end is not None
