"""One turn: what is posted, delivered, recorded and returned, however it ends, and whenever it is ended."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from accounts import Credential
from metrics import Attempt, Outcome
from tests.eventually import eventually
from tests.own_keys import own_slot
from tests.turns.rig import (
    ALICE,
    BASE,
    CUT,
    DONE,
    GPT_4,
    Books,
    Call,
    Described,
    Rig,
    Script,
    ScriptedBackend,
    StoredFiles,
    asks_permission,
    chat_stream,
    completion,
    fails,
    picture,
    question,
    record,
    sends,
    sends_and_stalls,
    whole_chat,
)
from translate import Options
from translate.values import (
    BackendLimits,
    Event,
    Gizmo,
    Model,
    ModelLimit,
    NotAdmitted,
    Overloaded,
    QuotaExceeded,
    TextDelta,
    Usage,
)
from turns.encodings import CL100K
from turns.failures import as_api_error
from turns.runner import TurnRunner
from turns.token_counter import SHORT_TEXT
from turns.tokens import load_vocabulary
from upstream import (
    ConnectFailed,
    ConnectionLost,
    FirstByteTimeout,
    IdleTimeout,
    ProgressTimeout,
    ResponseRefused,
    TotalTimeout,
    UnusableAnswer,
    UpstreamError,
)
from upstream.files import SandboxGone

OOPS = b'{"detail": "Internal Server Error"}'
GOOD = sends(record("Hi there") + DONE)
HI = record("Hi", done=False)
GPT = Model("helper", "gpt-4-gizmo", 14, gizmo_id="g-abc")
DRAINING = Overloaded("The service is restarting.", should_retry=False)
BUSY = b'{"detail": "Only one message at a time. Please allow any other responses to complete before sending another message, or wait one minute."}'  # noqa: E501


def refused(status: int, body: bytes = b"{}", **headers: str) -> Script:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return fails(ResponseRefused(status, "application/json", named, body), status=status)


# One answer.


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


async def test_conversation_is_recorded_before_it_is_posted_and_settled_after(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(), tmp_path)
    during: list[Attempt | None] = []

    async def script(call: Call) -> None:
        during.extend(rig.books.outcomes)
        await call.send(record("Hi") + DONE)

    rig.backend = ScriptedBackend(script)
    await rig.run()
    assert during == [None]
    (entry,) = rig.books.entries
    assert (entry.outcome, entry.served, entry.conversation_id) == (Attempt.OK, "gpt-4", "c1")
    assert entry.model is GPT_4
    assert entry.message_id == rig.backend.bodies[0]["messages"][-1]["id"]
    assert rig.books.charges[0].answering


@pytest.mark.parametrize("stream", [record("Hi") + DONE, b""], ids=["whole", "lost"])
async def test_turn_is_over_only_when_its_end_is_durable(tmp_path: Path, stream: bytes) -> None:
    rig = Rig(ScriptedBackend(sends(stream)), tmp_path)
    rig.books.stored.clear()
    turn = asyncio.create_task(rig.run())
    await eventually(lambda: None not in rig.books.outcomes and bool(rig.books.entries))
    await asyncio.sleep(0.02)
    assert not turn.done()
    rig.books.stored.set()
    await turn


@pytest.mark.parametrize("length", [5, SHORT_TEXT + 1])
async def test_tokens_are_told_recorded_and_counted(tmp_path: Path, length: int) -> None:
    text = "word " * length
    rig, format = Rig(ScriptedBackend(sends(record(text) + DONE)), tmp_path), whole_chat()
    outcome = await rig.run(format)
    usage = outcome.usage
    count_tokens = load_vocabulary(CL100K).count_tokens
    assert usage == Usage(7 + count_tokens(["Hello"]), count_tokens([text]))
    assert rig.books.entries[0].tokens == (usage.prompt_tokens, usage.completion_tokens)
    assert completion(format, outcome)["usage"]["completion_tokens"] == usage.completion_tokens
    assert rig.counted("pandora_tokens_total", model="gpt-4-s", direction="prompt") == usage.prompt_tokens
    assert [credential.secret for credential in rig.books.reconciled] == [ALICE.key]


async def test_answer_without_a_conversation_counts_for_one_token_and_in_no_book(tmp_path: Path) -> None:
    rig, format = Rig(ScriptedBackend(sends(record("Hi", conversation_id="") + DONE)), tmp_path), whole_chat()
    outcome = await rig.run(format)
    assert completion(format, outcome)["usage"]["total_tokens"] == 2
    assert outcome.usage == Usage(1, 1), "it was paid for"
    assert rig.books.entries[0].tokens is None
    assert rig.books.reconciled == []


async def test_what_is_not_understood_is_counted(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(b"data: nonsense\n\n" + record("Hi") + DONE)), tmp_path)
    await rig.run()
    assert rig.counted("pandora_unknown_events_total", kind="json") == 1


def typed(kind: str, **fields: object) -> bytes:
    """A record that is no message."""
    return b"data: " + json.dumps({"type": kind, **fields}).encode() + b"\n\n"


async def test_limits_that_a_stream_tells_are_kept_for_its_account(tmp_path: Path) -> None:
    told = typed("conversation_detail_metadata", model_limits=[{"model_slug": "gpt-4"}])
    rig = Rig(ScriptedBackend(sends(told + record("Hi") + DONE)), tmp_path)
    await rig.run()
    assert rig.limits.told == [(Credential(ALICE.key), BackendLimits((ModelLimit("gpt-4", "", 0.0),)))]
    assert rig.limits.ended == [Credential(ALICE.key)]


async def test_turn_that_the_backend_did_not_answer_asks_for_no_limits(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(fails(ConnectFailed("refused"))), tmp_path)
    await rig.run()
    assert (rig.limits.told, rig.limits.ended) == ([], [])


@pytest.mark.parametrize(
    ("model", "slug", "told", "substituted"),
    [
        (GPT_4, "gpt-4", "", 0),
        (GPT_4, "gpt-4o-mini", "gpt-4o-mini", 1),
        (Model("auto", "auto", 14), "gpt-4o-mini", "", 0),
        (GPT, "gpt-4", "", 0),
    ],
)
async def test_model_that_answered_in_place_of_another_is_told_and_counted(
    tmp_path: Path, model: Model, slug: str, told: str, substituted: int
) -> None:
    rig = Rig(
        ScriptedBackend(sends(record("Hi", metadata={"model_slug": slug}) + DONE)),
        tmp_path,
        descriptions=Described({"g-abc": Gizmo("g-abc", {})}),
    )
    turn = rig.turn(request=question(model=model))
    outcome = await turn.run(rig.client)
    assert (outcome.answered_by, turn.answered_by) == (told, told)
    label = model.name if model is GPT_4 else "other"
    assert rig.counted("pandora_model_substituted_total", model=label) == substituted


async def test_ledger_gets_the_model_that_really_answered(tmp_path: Path) -> None:
    about = {"model_slug": "gpt-4", "resolved_model_slug": "gpt-4o-mini"}
    rig = Rig(ScriptedBackend(sends(record("Hi", metadata=about) + DONE)), tmp_path)
    await rig.run()
    assert [entry.served for entry in rig.books.entries] == ["gpt-4o-mini"]


async def test_model_that_answered_in_place_of_another_is_counted_once_a_turn(tmp_path: Path) -> None:
    about = {"model_slug": "gpt-4o-mini"}
    cut_short = about | {"finish_details": {"type": "max_tokens"}}
    cut = record("Half a sen", finish="max_tokens", metadata=cut_short) + DONE
    rest = record("tence.", id="a2", metadata=about) + DONE
    rig = Rig(ScriptedBackend(sends(cut), sends(rest)), tmp_path, continue_limit=1)
    await rig.run()
    assert len(rig.backend.calls) == 2
    assert rig.counted("pandora_model_substituted_total", model=GPT_4.name) == 1


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


# The slot.


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


async def test_preparation_that_fails_posts_nothing(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path, descriptions=Described(failure=ConnectFailed("refused")))
    outcome = await rig.run(request=question(model=GPT))
    assert isinstance(outcome.error, Overloaded)
    assert rig.backend.calls == []
    assert len(rig.queue) == 0


async def test_described_gpt_is_what_is_posted_and_recorded(tmp_path: Path) -> None:
    gizmo = Gizmo("g-abc", {"id": "g-abc"})
    rig = Rig(ScriptedBackend(GOOD), tmp_path, descriptions=Described({"g-abc": gizmo}))
    await rig.run(request=question(model=GPT))
    assert rig.books.entries[0].model.gizmo is gizmo
    assert rig.backend.bodies[0]["conversation_mode"]["gizmo_id"] == "g-abc"


# Follow-ups.


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


# Retries.

FREE: dict[str, tuple[Script, str, Attempt]] = {
    "connect": (fails(ConnectFailed("refused")), "connect", Attempt.UNSENT),
    "server error": (refused(503, OOPS), "server_error", Attempt.REFUSED),
    "busy": (refused(429, BUSY, retry_after="0"), "busy", Attempt.REFUSED),
}


async def lost(call: Call) -> None:
    call.connect()
    raise ConnectionLost("before_headers", "reset")


@pytest.mark.parametrize(("script", "reason", "attempt"), FREE.values(), ids=FREE)
async def test_free_failure_is_met_with_another_attempt(
    tmp_path: Path, script: Script, reason: str, attempt: Attempt
) -> None:
    rig = Rig(ScriptedBackend(script, GOOD), tmp_path, retries=1)
    outcome = await rig.run()
    assert (outcome.outcome, rig.client.text) == (Outcome.OK, "Hi there")
    assert rig.books.outcomes == [attempt, Attempt.OK]
    assert outcome.units == 14
    assert rig.counted("pandora_retries_total", reason=reason) == 1
    assert rig.backend.bodies[0] == rig.backend.bodies[1]


@pytest.mark.parametrize(
    ("script", "reason"), [(lost, "reset"), (refused(502, b""), "server_error")], ids=["reset", "502"]
)
async def test_unclear_failure_is_met_with_another_attempt_only_if_that_is_set_and_both_count(
    tmp_path: Path, script: Script, reason: str
) -> None:
    rig = Rig(ScriptedBackend(script, GOOD), tmp_path, retries=1)
    outcome = await rig.run()
    assert (rig.books.outcomes, outcome.units) == ([Attempt.UNKNOWN], 14)
    rig = Rig(ScriptedBackend(script, GOOD), tmp_path, retries=1, retry_unclear=True)
    outcome = await rig.run()
    assert rig.books.outcomes == [Attempt.UNKNOWN, Attempt.OK]
    assert outcome.units == 28, "nobody knows whether the backend took it"
    assert rig.counted("pandora_retries_total", reason=reason) == 1


@pytest.mark.parametrize(("script", "up"), [(lost, 0), (refused(503, OOPS), 1)], ids=["no answer", "refusal"])
async def test_backend_that_does_not_answer_counts_as_down(tmp_path: Path, script: Script, up: int) -> None:
    rig = Rig(ScriptedBackend(script), tmp_path)
    await rig.run()
    assert rig.counted("pandora_upstream_up") == up


async def test_last_failure_is_told_when_the_retries_are_used_up(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(refused(503, OOPS)), tmp_path, retries=1)
    outcome = await rig.run()
    assert outcome.outcome is Outcome.UPSTREAM_ERROR
    assert outcome.error is not None
    assert outcome.error.should_retry is False, "the client's SDK is not to try it all again"
    assert rig.books.outcomes == [Attempt.REFUSED, Attempt.REFUSED]
    assert outcome.units == 0
    assert outcome.usage == Usage(0, 0)


NOT_FREE: dict[str, tuple[Script, Attempt, Outcome]] = {
    "reset in the body": (
        fails(ConnectionLost("body", "reset"), b": hi\n\n"), Attempt.FAILED, Outcome.UPSTREAM_ERROR
    ),
    "reset in the text": (
        fails(ConnectionLost("body", "reset"), HI), Attempt.FAILED, Outcome.UPSTREAM_ERROR
    ),
    "no first byte": (fails(FirstByteTimeout(1)), Attempt.UNSENT, Outcome.UPSTREAM_TIMEOUT),
    "no progress": (
        fails(ProgressTimeout(1), record("Hi", done=False)), Attempt.FAILED, Outcome.UPSTREAM_TIMEOUT
    ),
    "reset before any answer": (lost, Attempt.UNKNOWN, Outcome.UPSTREAM_ERROR),
    "204": (refused(204, b""), Attempt.UNKNOWN, Outcome.UPSTREAM_ERROR),
    "504": (refused(504, OOPS), Attempt.UNKNOWN, Outcome.UPSTREAM_ERROR),
    "200 with a conversation": (
        refused(200, b'{"conversation_id": "c1"}'), Attempt.FAILED, Outcome.UPSTREAM_ERROR
    ),
    "end of the body": (sends(record("Hi", done=False)), Attempt.FAILED, Outcome.UPSTREAM_ERROR),
    "nothing": (sends(b""), Attempt.FAILED, Outcome.UPSTREAM_ERROR),
    "bad key": (refused(401, b'{"detail": "Unauthorized"}'), Attempt.REFUSED, Outcome.UPSTREAM_REFUSED),
}  # fmt: skip


@pytest.mark.parametrize(("script", "attempt", "kind"), NOT_FREE.values(), ids=NOT_FREE)
async def test_what_may_have_cost_something_is_posted_once(
    tmp_path: Path, script: Script, attempt: Attempt, kind: Outcome
) -> None:
    rig = Rig(ScriptedBackend(script, GOOD), tmp_path, retries=3)
    outcome = await rig.run()
    assert len(rig.backend.calls) == 1
    assert (rig.books.outcomes, outcome.outcome) == ([attempt], kind)
    assert outcome.error is not None
    spent = attempt in (Attempt.FAILED, Attempt.UNKNOWN)
    assert outcome.units == (14 if spent else 0)
    assert outcome.error.should_retry is False or not spent


BREAKS: dict[str, UpstreamError] = {
    "reset": ConnectionLost("body", "reset"),
    "silence": IdleTimeout(1),
    "pings only": ProgressTimeout(1),
    "too long": TotalTimeout(1),
    "damaged coding": UnusableAnswer("content"),
}


@pytest.mark.parametrize("error", BREAKS.values(), ids=BREAKS)
async def test_complete_answer_is_whole_and_any_other_failed_however_the_stream_breaks(
    tmp_path: Path, error: UpstreamError
) -> None:
    for pieces in ([record("Hi there")], [HI, record("Hi there") + b"data: {"], [HI + DONE]):
        rig = Rig(ScriptedBackend(fails(error, *pieces)), tmp_path)
        outcome = await rig.run()
        assert (outcome.outcome, rig.books.outcomes) == (Outcome.OK, [Attempt.OK])
    for pieces in ([], [HI], [HI, record("Hi there")[:-20]]):
        rig = Rig(ScriptedBackend(fails(error, b": hi\n\n", *pieces)), tmp_path)
        outcome = await rig.run()
        assert rig.books.outcomes == [Attempt.FAILED]
        assert outcome.error is not None
        assert outcome.error.message == as_api_error(error).message


async def test_follow_up_that_was_refused_is_not_to_be_tried_again_with_the_whole_turn(
    tmp_path: Path,
) -> None:
    rig = Rig(ScriptedBackend(sends(CUT), fails(ConnectFailed("refused"))), tmp_path)
    outcome = await rig.run()
    assert rig.books.outcomes == [Attempt.OK, Attempt.UNSENT]
    assert outcome.error is not None
    assert outcome.error.should_retry is False


async def test_backend_that_quotes_the_key_is_not_quoted(tmp_path: Path) -> None:
    error = b'data: {"message": null, "conversation_id": "c1", "error": "No such key: fk-alice, sorry."}\n\n'
    outcome = await Rig(ScriptedBackend(sends(error)), tmp_path).run()
    assert outcome.error is not None
    assert outcome.error.message == "The backend reported an error: No such key: ***, sorry."


async def test_server_error_is_final_once_a_conversation_has_begun(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(CUT), refused(500), GOOD), tmp_path, retries=3)
    outcome = await rig.run()
    assert len(rig.backend.calls) == 2
    assert outcome.outcome is Outcome.UPSTREAM_ERROR


async def test_busy_account_is_asked_again_also_for_a_follow_up(tmp_path: Path) -> None:
    """The backend may need some time to notice that its last answer is over."""
    scripts = sends(CUT), refused(429, BUSY, retry_after="0"), sends(record("tence.", id="a2") + DONE)
    rig = Rig(ScriptedBackend(*scripts), tmp_path, retries=1)
    await rig.run()
    assert rig.client.text == "Half a sentence."


async def test_cap_that_the_backend_reports_is_recorded(tmp_path: Path) -> None:
    cap = b'{"detail": {"message": "cap", "code": "model_cap_exceeded", "clears_in": 90}}'
    rig = Rig(ScriptedBackend(refused(429, cap)), tmp_path)
    await rig.run()
    assert rig.books.entries[0].capped_for == 90


# Ended from outside. Each phase: the rig, and what shows that the phase has been reached.

Phase = Callable[[Path], tuple[Rig, TurnRunner, Callable[[], bool]]]


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


# Bugs.


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


# Pictures, files, and what is left on the account.


async def test_pictures_are_fetched_kept_and_counted(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(picture() + record("There.") + DONE)), tmp_path)
    rig.files.files["file-1"] = b"\x89PNG\r\n\x1a\n"
    outcome = await rig.run()
    assert outcome.pictures == 1
    assert rig.client.text.startswith(f"![a cat]({BASE}/images/")
    assert rig.client.text.endswith(")\n\nThere.")
    assert rig.counted("pandora_images_total", outcome="served") == 1


async def test_picture_that_cannot_be_had_is_told_in_its_place(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(picture() + record("There.") + DONE)), tmp_path)
    outcome = await rig.run()
    assert rig.client.text == "[an image could not be fetched]\n\nThere."
    assert (outcome.outcome, outcome.pictures) == (Outcome.OK, 0)
    assert rig.counted("pandora_images_total", outcome="failed") == 1


async def test_text_before_a_picture_does_not_wait_for_it(tmp_path: Path) -> None:
    first = record("Look:", id="a0", finish="")
    rig = Rig(ScriptedBackend(sends(first + picture() + record("There.") + DONE)), tmp_path)
    rig.files.gate.clear()
    running = asyncio.create_task(rig.turn().run(rig.client))
    await eventually(lambda: rig.files.asked == ["file-1"])
    assert rig.client.text == "Look:\n\n"
    assert rig.books.charges[0].answering
    rig.files.gate.set()
    await running


async def test_backend_answers_from_the_moment_it_draws(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(picture() + DONE)), tmp_path)
    rig.files.gate.clear()
    running = asyncio.create_task(rig.turn().run(rig.client))
    await eventually(lambda: rig.files.asked == ["file-1"])
    assert rig.books.charges[0].answering, "the fetch is no part of the time to the first token"
    rig.files.gate.set()
    await running


async def test_files_that_are_gone_leave_notes_behind_those_of_the_turn(tmp_path: Path) -> None:
    text = "[data](sandbox:/mnt/data/a.csv)"
    script = sends(record(text, finish="") + asks_permission(login=True) + DONE)
    rig = Rig(ScriptedBackend(script), tmp_path, files=StoredFiles(failure=SandboxGone()), hide=True)
    await rig.run()
    *_, login, gone = rig.client.text.split("\n\n")
    assert login.startswith("[The GPT wants you to log in")
    assert gone == "[The file a.csv is gone: the sandbox has expired.]"


async def test_links_to_files_of_a_failed_answer_are_given_up(tmp_path: Path) -> None:
    text = "[data](sandbox:/mnt/data/a.csv) and"
    rig = Rig(
        ScriptedBackend(sends(record(text, done=False))),
        tmp_path,
        files=StoredFiles({"/mnt/data/a.csv": b"1"}),
    )
    outcome = await rig.run()
    assert outcome.outcome is Outcome.UPSTREAM_ERROR
    assert rig.files.asked == []


@pytest.mark.parametrize("hide", [True, False])
async def test_conversation_is_hidden_after_the_answer_if_the_settings_say_so(
    tmp_path: Path, hide: bool
) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path, hide=hide)
    await rig.run()
    await rig.aftermath.wait()
    assert rig.files.hidden == (["c1"] if hide else [])


async def test_nothing_is_hidden_where_nothing_began(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(refused(500)), tmp_path, hide=True)
    await rig.run()
    await rig.aftermath.wait()
    assert rig.files.hidden == []


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
