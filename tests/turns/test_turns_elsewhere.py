"""Turns whose answer goes on elsewhere than in the response to what was posted."""

from pathlib import Path

from metrics import Attempt, Outcome
from tests.turns.records import DONE, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import Call, ScriptedBackend, fails, sends
from upstream import ConnectionLost

HANDOFF = b'data: {"type": "stream_handoff", "conversation_id": "c1", "turn_exchange_id": "te1"}\n\n'
HALF = sends(record("Half", done=False) + HANDOFF + DONE)


async def test_turn_that_goes_on_elsewhere_is_one_attempt_and_one_charge(tmp_path: Path) -> None:
    streams = [record("Half and", done=False) + HANDOFF + DONE, record("Half and half") + DONE]
    rig = Rig(ScriptedBackend(HALF, elsewhere=streams), tmp_path)
    outcome = await rig.run()
    assert (rig.client.text, outcome.outcome) == ("Half and half", Outcome.OK)
    assert (rig.books.outcomes, len(rig.backend.calls), outcome.units) == ([Attempt.OK], 1, 14)


async def test_stream_that_breaks_is_followed_where_its_backend_said_how(tmp_path: Path) -> None:
    token = b'data: {"type": "resume_conversation_token", "token": "t", "conversation_id": "c1"}\n\n'
    broken = fails(ConnectionLost("body", "reset"), token + record("Half", done=False))
    rig = Rig(ScriptedBackend(broken, elsewhere=[record("Half and half") + DONE]), tmp_path)
    outcome = await rig.run()
    assert (rig.client.text, outcome.outcome) == ("Half and half", Outcome.OK)
    assert rig.books.outcomes == [Attempt.OK]


async def test_turn_that_cannot_be_followed_is_spent_and_not_repeated(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(HALF), tmp_path)
    rig.backend.failure = ConnectionLost("body", "no way leads there")
    outcome = await rig.run()
    assert outcome.error is not None
    assert outcome.error.should_retry is False
    assert "spent" in outcome.error.message
    assert (rig.books.outcomes, len(rig.backend.calls)) == ([Attempt.FAILED], 1)


async def test_turn_that_is_not_waited_for_ends_with_what_came_and_a_note(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(HALF), tmp_path)
    outcome = await rig.run()
    assert outcome.outcome is Outcome.OK
    assert rig.client.text == "Half\n\n[The backend is still at work on this, in its conversation c1.]"


async def test_client_that_left_when_its_stream_was_handed_off_has_the_turn_stopped(tmp_path: Path) -> None:
    async def script(call: Call) -> None:
        await HALF(call)
        turn.stop()

    rig = Rig(ScriptedBackend(script), tmp_path)
    turn = rig.turn()
    outcome = await turn.run(rig.client)
    assert outcome.outcome is Outcome.CLIENT_GONE
    assert [left.conversation_id for left in rig.backend.stopped] == ["c1"]
    assert len(rig.books.outcomes) == 1
