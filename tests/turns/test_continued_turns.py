"""Turns of several exchanges: answers that are continued, and GPTs that ask whether they may call."""

from pathlib import Path

from metrics import Attempt, Outcome
from tests.turns.books import Books
from tests.turns.records import CUT, DONE, asks_permission, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import GOOD, ScriptedBackend, fails, sends
from upstream import ConnectFailed, ConnectionLost


async def test_cut_answer_is_continued_without_a_seam(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(CUT), sends(record("tence.", id="a2") + DONE)), tmp_path)
    outcome = await rig.run()
    assert rig.client.text == "Half a sentence."
    assert outcome.units == 28
    assert rig.books.outcomes == [Attempt.OK, Attempt.OK]
    assert [entry.message_id != "" for entry in rig.books.entries] == [True, False]
    body = rig.backend.bodies[1]
    assert (body["action"], body["conversation_id"], body["parent_message_id"]) == ("continue", "c1", "a1")
    assert [entry.tokens is None for entry in rig.books.entries] == [True, False]


async def test_answer_that_stays_cut_says_so(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(CUT)), tmp_path, continue_limit=1)
    outcome = await rig.run()
    assert len(rig.backend.calls) == 2
    assert outcome.end is not None
    assert outcome.end.reason == "length"


async def test_follow_up_that_cannot_be_afforded_is_not_made(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(CUT)), tmp_path, books=Books(room=1))
    outcome = await rig.run()
    assert len(rig.backend.calls) == 1
    assert (outcome.outcome, rig.client.text) == (Outcome.OK, "Half a sen")


async def test_follow_up_that_fails_is_a_failed_answer_that_keeps_what_came(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(CUT), fails(ConnectionLost("body", "reset"), b": hi\n\n")), tmp_path)
    outcome = await rig.run()
    assert (outcome.outcome, rig.client.text) == (Outcome.UPSTREAM_ERROR, "Half a sen")
    assert rig.books.outcomes == [Attempt.OK, Attempt.FAILED]
    assert outcome.units == 28


async def test_follow_up_that_was_refused_is_not_to_be_tried_again_with_the_whole_turn(
    tmp_path: Path,
) -> None:
    rig = Rig(ScriptedBackend(sends(CUT), fails(ConnectFailed("refused"))), tmp_path)
    outcome = await rig.run()
    assert rig.books.outcomes == [Attempt.OK, Attempt.UNSENT]
    assert outcome.error is not None
    assert outcome.error.should_retry is False


async def test_gpt_that_asks_is_allowed_where_the_settings_say_so(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(asks_permission() + DONE), GOOD), tmp_path, actions="allow")
    await rig.run()
    assert rig.client.text == "Hi there"
    sent = rig.backend.bodies[1]["messages"][0]
    assert sent["metadata"]["jit_plugin_data"]["from_client"]["user_action"]["data"] == {"type": "allow"}
    assert rig.books.entries[1].message_id == sent["id"]


async def test_gpt_that_may_not_call_leaves_a_note(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(record("Let me ask.", finish="") + asks_permission() + DONE)), tmp_path)
    outcome = await rig.run()
    assert outcome.outcome is Outcome.OK
    note = "[The GPT wants to call api.example.com (getItem) and was not allowed to: see GPT_ACTIONS.]"
    assert rig.client.text == f"Let me ask.\n\n{note}"
