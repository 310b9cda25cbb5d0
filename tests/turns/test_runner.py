"""One turn with one answer: what is posted, delivered and returned."""

import asyncio
from pathlib import Path

from metrics import Attempt, Outcome
from tests.turns.descriptions import Described
from tests.turns.questions import ALICE, GPT, chat_stream, question
from tests.turns.records import DONE, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import GOOD, Call, ScriptedBackend, sends, sends_and_stalls
from translate import Options
from translate.values import Event, Gizmo, Overloaded, TextDelta
from upstream import ConnectFailed


async def test_answer_is_delivered_and_its_end_returned(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(record("Hi", done=False), record("Hi there"), DONE)), tmp_path)
    outcome = await rig.run()
    assert rig.client.text == "Hi there"
    assert (outcome.outcome, outcome.error, outcome.bug) == (Outcome.OK, None, None)
    assert outcome.end is not None
    assert (outcome.end.reason, outcome.end.answer.text) == ("stop", "Hi there")
    assert outcome.units == 14


async def test_prompt_is_posted_with_the_credential_of_the_slot(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path)
    await rig.run(request=question("How are you?"))
    (call,) = rig.backend.calls
    assert call.credential.secret == ALICE.key
    assert rig.backend.bodies[0]["messages"][0]["content"]["parts"] == ["How are you?"]


async def test_described_gpt_is_what_is_posted_and_recorded(tmp_path: Path) -> None:
    gizmo = Gizmo("g-abc", {"id": "g-abc"})
    rig = Rig(ScriptedBackend(GOOD), tmp_path, descriptions=Described({"g-abc": gizmo}))
    await rig.run(request=question(model=GPT))
    assert rig.books.entries[0].model.gizmo is gizmo
    assert rig.backend.bodies[0]["conversation_mode"]["gizmo_id"] == "g-abc"


async def test_preparation_that_fails_posts_nothing(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path, descriptions=Described(failure=ConnectFailed("refused")))
    outcome = await rig.run(request=question(model=GPT))
    assert isinstance(outcome.error, Overloaded)
    assert rig.backend.calls == []
    assert len(rig.queue) == 0


async def test_stop_sequence_ends_the_answer_and_the_exchange(tmp_path: Path) -> None:
    script = sends_and_stalls(record("one two three", done=False))
    rig = Rig(ScriptedBackend(script), tmp_path)
    outcome = await rig.run(request=question(options=Options(stop=(" three",))))
    assert rig.client.text == "one two"
    assert (outcome.outcome, rig.books.outcomes) == (Outcome.OK, [Attempt.OK])


async def test_backend_that_does_not_end_its_body_is_waited_for_a_moment_only(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends_and_stalls(record("Hi") + DONE)), tmp_path)
    async with asyncio.timeout(5):
        assert (await rig.run()).outcome is Outcome.OK


async def test_bytes_behind_the_end_are_not_read(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(record("Hi") + DONE, record("Hi and more", id="a2") + DONE)), tmp_path)
    await rig.run()
    assert rig.client.text == "Hi"


async def test_answer_begins_with_the_first_message_of_the_backends_own(tmp_path: Path) -> None:
    """Before that the client is told nothing by which a stream would be opened."""
    rig = Rig(ScriptedBackend(sends(b": hello\n\n", record("", done=False), record("Hi") + DONE)), tmp_path)
    await rig.run()
    assert rig.client.begun[:3] == [False, True, True]
    assert rig.client.out[0] == rig.client.out[1] == b""


async def test_failure_is_no_good_beginning_even_with_words_before_it(tmp_path: Path) -> None:
    error = b'data: {"message": null, "error": "Something went wrong"}\n\n'
    rig = Rig(ScriptedBackend(sends(record("Hi", done=False) + error)), tmp_path)
    outcome = await rig.run()
    assert not any(rig.client.begun)
    assert outcome.outcome is Outcome.UPSTREAM_ERROR
    assert rig.books.outcomes == [Attempt.FAILED]


async def test_progress_is_told_for_all_but_pings(tmp_path: Path) -> None:
    told: list[int] = []

    async def script(call: Call) -> None:
        for piece in (
            b"event: ping\ndata: x\n\n",
            record("Hi", done=False),
            b": comment\n\n",
            record("Hi") + DONE,
        ):
            before = len(told)
            call.on_progress = lambda: told.append(1)
            await call.send(piece)
            progressed.append(len(told) > before)

    progressed: list[bool] = []
    await Rig(ScriptedBackend(script), tmp_path).run()
    assert progressed == [False, True, False, True]


async def test_what_is_not_understood_is_counted(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(b"data: nonsense\n\n" + record("Hi") + DONE)), tmp_path)
    await rig.run()
    assert rig.counted("pandora_unknown_events_total", kind="json") == 1


async def test_backend_that_quotes_the_key_is_not_quoted(tmp_path: Path) -> None:
    error = b'data: {"message": null, "conversation_id": "c1", "error": "No such key: fk-alice, sorry."}\n\n'
    outcome = await Rig(ScriptedBackend(sends(error)), tmp_path).run()
    assert outcome.error is not None
    assert outcome.error.message == "The backend reported an error: No such key: ***, sorry."


class BrokenFormat:
    """Raises at text."""

    streams = True
    content_type = "text/event-stream"

    def __init__(self) -> None:
        self.sound = chat_stream()
        self.open, self.idle = self.sound.open, self.sound.idle
        self.fail, self.finish = self.sound.fail, self.sound.finish

    def encode(self, event: Event) -> bytes:
        if isinstance(event, TextDelta):
            raise KeyError("canary")
        return b""


async def test_bug_is_returned_and_everything_is_settled(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path, hide=True)
    outcome = await rig.run(BrokenFormat())
    assert outcome.outcome is Outcome.ERROR
    assert isinstance(outcome.bug, KeyError)
    assert outcome.end is None
    assert outcome.units == 14
    assert rig.books.entries[0].tokens is None
    await rig.aftermath.wait()
    assert rig.files.hidden == ["c1"]
    assert len(rig.queue) == 0
