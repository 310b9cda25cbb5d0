"""Failures of the transport as errors for the caller: one row each."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from metrics import Outcome
from translate.values import (
    AccountBusy,
    ApiError,
    BadRequest,
    Forbidden,
    InternalError,
    NotAdmitted,
    Overloaded,
    QuotaExceeded,
    RateLimited,
    Unauthorized,
    UnusableAttachment,
    UpstreamFailed,
    UpstreamTimeout,
)
from turns.failures import GPT_RETRY_SECONDS, announced_wait, as_api_error, outcome_of
from upstream import (
    Aborted,
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
from upstream.gpts import GptUnavailable
from upstream.gpts.errors import FailureKind, FetchFailure


def refused(status: int, body: bytes, wait: str = "") -> ResponseRefused:
    return ResponseRefused(status, "application/json", {"retry-after": wait} if wait else {}, body)


ROWS: dict[str, tuple[UpstreamError, type[ApiError], str | None, bool | None, float | None]] = {
    "no connection": (ConnectFailed("refused"), Overloaded, "upstream_unreachable", None, 2),
    "no first byte": (FirstByteTimeout(1), UpstreamTimeout, "upstream_timeout", False, None),
    "silence": (IdleTimeout(1), UpstreamTimeout, "upstream_timeout", False, None),
    "no progress": (ProgressTimeout(1), UpstreamTimeout, "upstream_timeout", False, None),
    "too long": (TotalTimeout(1), UpstreamTimeout, "upstream_timeout", False, None),
    "reset before headers": (
        ConnectionLost("before_headers", "reset"), UpstreamFailed, "upstream_error", None, None
    ),
    "reset in the body": (ConnectionLost("body", "reset"), UpstreamFailed, "upstream_error", False, None),
    "unusable": (UnusableAnswer("address"), UpstreamFailed, "upstream_error", False, None),
    "aborted": (Aborted(), UpstreamFailed, "upstream_error", False, None),
    "bad key": (refused(401, b'{"detail": "x"}'), Unauthorized, "invalid_api_key", False, None),
    "too many": (
        refused(429, b'{"detail": "Too many requests."}', "7"), RateLimited, "rate_limit_exceeded", None, 7
    ),
    "GPT later": (
        GptUnavailable(FetchFailure("an outage")), Overloaded, "gpt_unavailable", None, GPT_RETRY_SECONDS
    ),
    "GPT never": (
        GptUnavailable(FetchFailure("it left", FailureKind.GONE)), Overloaded, "gpt_unavailable", False, None
    ),
}  # fmt: skip


@pytest.mark.parametrize(("failure", "kind", "code", "should_retry", "wait"), ROWS.values(), ids=ROWS)
def test_failure_as_an_error(
    failure: UpstreamError,
    kind: type[ApiError],
    code: str | None,
    should_retry: bool | None,
    wait: float | None,
) -> None:
    error = as_api_error(failure)
    assert type(error) is kind
    assert (error.code, error.should_retry, error.retry_after) == (code, should_retry, wait)


def test_reason_why_a_gpt_is_not_available_is_told() -> None:
    error = as_api_error(GptUnavailable(FetchFailure("it is private", FailureKind.PERMANENT)))
    assert error.message == "The GPT is not available: it is private."


@pytest.mark.parametrize(
    ("announced", "seconds"),
    [("7", 7.0), ("0", 0.0), ("", None), ("soon", None), ("-1", None), ("٣", None), ("9" * 8, None)],
)
def test_wait_is_a_plain_number_of_seconds(announced: str, seconds: float | None) -> None:
    assert announced_wait(refused(503, b"", announced)) == seconds


NOW = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("Wed, 21 Oct 2026 07:28:40 GMT", 40.0),
        ("Wednesday, 21-Oct-26 08:28:00 GMT", 3600.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", None),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_date_until_which_to_wait_counts_from_the_date_of_the_answer(
    until: str, seconds: float | None
) -> None:
    refusal = ResponseRefused(503, "", {"retry-after": until, "date": NOW}, b"")
    assert announced_wait(refusal) == seconds


def test_date_until_which_to_wait_counts_from_now_if_the_answer_has_none() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    wait = announced_wait(ResponseRefused(503, "", {"retry-after": later}, b""))
    assert wait is not None
    assert 60 < wait <= 100


def test_only_refusals_announce_a_wait() -> None:
    assert announced_wait(ConnectFailed("refused")) is None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotAdmitted("x"), Outcome.REJECTED),
        (QuotaExceeded("x"), Outcome.REJECTED),
        (InternalError("x"), Outcome.ERROR),
        (UpstreamTimeout("x"), Outcome.UPSTREAM_TIMEOUT),
        (UpstreamFailed("x"), Outcome.UPSTREAM_ERROR),
        (Overloaded("x"), Outcome.UPSTREAM_ERROR),
        (Unauthorized("x"), Outcome.UPSTREAM_REFUSED),
        (Forbidden("x"), Outcome.UPSTREAM_REFUSED),
        (RateLimited("x"), Outcome.UPSTREAM_REFUSED),
        (AccountBusy("x"), Outcome.UPSTREAM_REFUSED),
        (BadRequest("x"), Outcome.UPSTREAM_REFUSED),
        (UnusableAttachment("x"), Outcome.INVALID),
    ],
)
def test_error_is_counted_under_one_outcome(error: ApiError, outcome: Outcome) -> None:
    assert outcome_of(error) is outcome
