"""What belongs to a turn besides its answer: what is done with a stored one, and its recording."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from accounts import Credential
from metrics import Outcome
from recordings import RecordedTurn, Recorder
from tests.turns.kept_output import KeptOutput
from tests.turns.questions import question
from tests.turns.records import CUT, DONE, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import ScriptedBackend, fails, sends
from translate.values import ApiError, UpstreamFailed
from turns import Answered, TurnRequest
from upstream import ConnectionLost

GOOD = sends(record("Hi there") + DONE)
LOST = ConnectionLost("body", "reset")


def reading(heard: list[Answered], error: ApiError | None = None) -> TurnRequest:
    """A question whose answer is read out."""

    async def afterwards(credential: Credential, answered: Answered) -> None:
        heard.append(answered)
        if error is not None:
            raise error

    asked = question()
    return replace(asked, prompt=replace(asked.prompt, stored=True), afterwards=afterwards)


async def test_whole_answer_is_given_with_the_place_where_it_is_stored(tmp_path: Path) -> None:
    rig, heard = Rig(ScriptedBackend(GOOD), tmp_path), list[Answered]()
    outcome = await rig.run(request=reading(heard))
    assert outcome.outcome is Outcome.OK
    assert [answered.text for answered in heard] == ["Hi there"]
    assert heard[0].conversation_id
    assert heard[0].message_id


async def test_stored_conversation_is_hidden_whatever_the_settings_say(tmp_path: Path) -> None:
    rig, heard = Rig(ScriptedBackend(GOOD), tmp_path, hide=False), list[Answered]()
    await rig.run(request=reading(heard))
    await rig.aftermath.wait()
    assert rig.files.hidden == [heard[0].conversation_id]
    assert rig.backend.bodies[0]["history_and_training_disabled"] is False


async def test_failure_afterwards_fails_the_turn_and_says_that_it_was_spent(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    outcome = await rig.run(request=reading([], UpstreamFailed("No sound.")))
    assert outcome.outcome is Outcome.UPSTREAM_ERROR
    assert outcome.error is not None
    assert outcome.error.should_retry is False
    assert outcome.units > 0


async def test_nothing_is_done_with_an_answer_that_failed(tmp_path: Path) -> None:
    heard: list[Answered] = []
    outcome = await Rig(ScriptedBackend(sends(record("Hi", done=False))), tmp_path).run(
        request=reading(heard)
    )
    assert outcome.outcome is Outcome.UPSTREAM_ERROR
    assert heard == []


async def test_client_that_leaves_ends_what_is_done_afterwards(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def afterwards(credential: Credential, answered: Answered) -> None:
        begun.set()
        await asyncio.Event().wait()

    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    turn = rig.turn(request=replace(question(), afterwards=afterwards))
    running = asyncio.create_task(turn.run(rig.client))
    await begun.wait()
    turn.stop()
    assert (await running).outcome is Outcome.CLIENT_GONE


async def test_turn_that_ends_by_a_bug_of_ours_is_recorded_as_failed(tmp_path: Path) -> None:
    class Broken(KeptOutput):
        async def deliver(self, out: bytes, *, begun: bool) -> None:
            raise KeyError("canary")

    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    rig.recorder = Recorder(tmp_path / "recordings", "failed")
    rig.client = Broken()
    assert (await rig.run()).outcome is Outcome.ERROR
    await rig.recorder.close()
    (kept,) = (tmp_path / "recordings").glob("*")
    assert RecordedTurn.from_file(kept.read_bytes()).reason == "failed"
    assert b"canary" not in kept.read_bytes()


@pytest.mark.parametrize("mode", ["unknown", "failed", "all"])
async def test_each_exchange_is_recorded_and_how_the_turn_ended(mode: str, tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(record("Hi", done=False) + CUT), GOOD), tmp_path)
    rig.recorder = Recorder(tmp_path / "recordings", mode)  # type: ignore[arg-type]
    await rig.run()
    rig.backend = ScriptedBackend(fails(LOST, record("Hi", done=False)))
    await rig.run()
    await rig.recorder.close()
    kept = [RecordedTurn.from_file(path.read_bytes()) for path in (tmp_path / "recordings").glob("*")]
    expected = {"unknown": [], "failed": ["failed"], "all": ["failed", "whole"]}
    assert sorted(turn.reason for turn in kept) == expected[mode]
    assert {turn.reason: len(turn.exchanges) for turn in kept}.get("whole", 2) == 2
