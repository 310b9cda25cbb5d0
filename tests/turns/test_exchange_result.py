"""What the facts of an exchange mean, for the ledger, the metrics and the caller."""

import pytest

from metrics import Attempt
from translate.values import ApiError, RateLimited, UpstreamFailed, UpstreamTimeout
from turns.exchange_result import attempt_end, exchange_result
from upstream import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    FirstByteTimeout,
    IdleTimeout,
    ProgressTimeout,
    ResponseRefused,
    UpstreamError,
)

TIMEOUT = UpstreamTimeout("The backend kept the answer open but sent nothing new.")
CAP = b'{"detail": {"message": "Too many messages.", "code": "model_cap_exceeded", "clears_in": 5400}}'
BROKEN = UpstreamFailed("The backend ended the turn without an answer.", should_retry=False)


def exchange(
    status: int | None = 200, content_type: str = "text/event-stream", *, connected: bool = True
) -> Exchange:
    ended = Exchange()
    facts = ended.begin()
    facts.connected = connected
    facts.status = status
    facts.content_type = None if status is None else content_type
    facts.streaming = status == 200 and content_type == "text/event-stream"
    return ended


def aborted() -> Exchange:
    ended = Exchange()
    facts = ended.begin()
    facts.connected, facts.status, facts.content_type = True, 200, "text/event-stream"
    facts.streaming = facts.aborted = True
    return ended


def refused(status: int, body: bytes = b"") -> ResponseRefused:
    return ResponseRefused(status, "application/json", {}, body)


@pytest.mark.parametrize(
    ("ended", "failure", "done", "error", "attempt"),
    [
        (exchange(), None, True, None, Attempt.OK),
        (exchange(), IdleTimeout(1), True, None, Attempt.OK),
        (aborted(), Aborted(), True, None, Attempt.OK),
        (aborted(), Aborted(), False, None, Attempt.STOPPED),
        (exchange(), ProgressTimeout(600), True, TIMEOUT, Attempt.FAILED),
        (exchange(), ConnectionLost("body", "reset"), False, None, Attempt.FAILED),
        (exchange(), None, False, None, Attempt.FAILED),
        (exchange(), None, True, BROKEN, Attempt.FAILED),
        (aborted(), Aborted(), True, BROKEN, Attempt.FAILED),
        (exchange(503), refused(503, b'{"detail": "x"}'), False, None, Attempt.REFUSED),
        (exchange(500), refused(500), False, None, Attempt.UNKNOWN),
        (exchange(200, "application/json"), refused(200), False, None, Attempt.UNKNOWN),
        (exchange(200, "text/html"), refused(200), False, None, Attempt.UNKNOWN),
        (exchange(None), FirstByteTimeout(1), False, None, Attempt.UNKNOWN),
        (exchange(None), ConnectionLost("before_headers", "reset"), False, None, Attempt.UNKNOWN),
        (exchange(None, connected=False), ConnectFailed("refused"), False, None, Attempt.UNSENT),
    ],
)
def test_attempt_is_told_by_how_far_the_exchange_came(
    ended: Exchange, failure: UpstreamError | None, done: bool, error: ApiError | None, attempt: Attempt
) -> None:
    result = exchange_result(ended, failure, done=done, error=error)
    assert result.attempt is attempt
    assert (result.error is None) == (attempt is Attempt.OK)
    assert result.failure is (None if done else failure)
    assert error is None or result.error is error
    assert result.unreachable == (ended.status is None)
    by_time = isinstance(failure, IdleTimeout | ProgressTimeout | FirstByteTimeout)
    assert result.abandoned == (ended.aborted or by_time)
    assert result.capped_for is None


def test_cap_that_the_backend_reports_is_taken_from_its_refusal() -> None:
    result = exchange_result(exchange(429), refused(429, CAP), done=False, error=None)
    assert result.capped_for == 5400
    assert isinstance(result.error, RateLimited)


def test_cap_may_also_be_told_in_the_stream() -> None:
    error = RateLimited("The message cap is reached.", retry_after=60, should_retry=False)
    result = exchange_result(exchange(), None, done=True, error=error)
    assert (result.attempt, result.capped_for) == (Attempt.FAILED, 60)


def test_trace_is_told_the_verdict_and_what_the_ledger_has() -> None:
    failing = exchange(503, "application/json")
    result = exchange_result(failing, refused(503), done=False, error=None)
    end = attempt_end(failing, result, answered_by="gpt-4")
    assert (end.verdict, end.outcome, end.status) == ("maybe", "unknown", 503)
    assert (end.error, end.failed, end.answered_by) == ("server_is_overloaded", True, "gpt-4")


def test_whole_answer_is_traced_without_an_error() -> None:
    whole = exchange()
    end = attempt_end(whole, exchange_result(whole, None, done=True, error=None), answered_by="")
    assert (end.outcome, end.error, end.failed) == ("ok", "", False)


def test_what_was_ended_here_is_traced_as_no_failure() -> None:
    ended = aborted()
    end = attempt_end(ended, exchange_result(ended, Aborted(), done=False, error=None), answered_by="")
    assert (end.outcome, end.failed) == ("stopped", False)
