"""Exchanges that fail: what is sent again, what is posted once, and what a broken stream is worth."""

from pathlib import Path

import pytest

from metrics import Attempt, Outcome
from tests.turns.records import CUT, DONE, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import GOOD, Call, Script, ScriptedBackend, fails, refused, sends
from translate.values import Usage
from turns.failures import as_api_error
from upstream import (
    ConnectFailed,
    ConnectionLost,
    FirstByteTimeout,
    IdleTimeout,
    ProgressTimeout,
    TotalTimeout,
    UnusableAnswer,
    UpstreamError,
)

OOPS = b'{"detail": "Internal Server Error"}'
HI = record("Hi", done=False)
BUSY = b'{"detail": "Only one message at a time. Please allow any other responses to complete before sending another message, or wait one minute."}'  # noqa: E501

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
