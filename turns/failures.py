"""Failures of an exchange with the backend, as errors for our caller."""

import time
from email.utils import parsedate_to_datetime

from metrics import Outcome
from translate.backend import error_from_response
from translate.values import (
    ApiError,
    InternalError,
    NotAdmitted,
    Overloaded,
    QuotaExceeded,
    UnusableAttachment,
    UpstreamFailed,
    UpstreamTimeout,
)
from upstream import (
    ConnectFailed,
    ConnectionLost,
    FirstByteTimeout,
    IdleTimeout,
    ProgressTimeout,
    ResponseRefused,
    TotalTimeout,
    UpstreamError,
)
from upstream.gpts import GptUnavailable

TIMEOUTS = (FirstByteTimeout, IdleTimeout, ProgressTimeout, TotalTimeout)
GPT_RETRY_SECONDS = 5.0
"""When to try again while the description of a GPT has not come yet; that costs no quota."""


def as_api_error(error: UpstreamError) -> ApiError:
    """The error for the caller, with `x-should-retry: false` where to try again at once would be in vain.

    What an attempt may have cost is another matter: see `turns.verdict`.
    """
    if isinstance(error, ConnectFailed):
        return Overloaded("The backend cannot be reached.", code="upstream_unreachable", retry_after=2)
    if isinstance(error, ResponseRefused):
        return error_from_response(error.status, error.body, announced_wait(error), error.content_type)
    if isinstance(error, GptUnavailable):
        message = f"The GPT is not available: {error.reason}."
        if error.permanent:
            return Overloaded(message, code="gpt_unavailable", should_retry=False)
        return Overloaded(message, code="gpt_unavailable", retry_after=GPT_RETRY_SECONDS)
    if isinstance(error, FirstByteTimeout):
        return UpstreamTimeout("The backend did not begin to answer in time.", should_retry=False)
    if isinstance(error, IdleTimeout):
        return UpstreamTimeout("The backend fell silent in mid-answer.", should_retry=False)
    if isinstance(error, ProgressTimeout):
        return UpstreamTimeout("The backend kept the answer open but sent nothing new.", should_retry=False)
    if isinstance(error, TotalTimeout):
        return UpstreamTimeout("The answer took longer than is allowed.", should_retry=False)
    if isinstance(error, ConnectionLost) and error.phase == "before_headers":
        return UpstreamFailed("The backend closed the connection without an answer.")
    return UpstreamFailed("The upstream connection was lost.", should_retry=False)


def announced_wait(error: UpstreamError) -> float | None:
    """The wait that the `Retry-After` of a refusal asks for, in seconds; None if it has none.

    It is a number of seconds, or a date: then it counts from the `Date` of the answer, else from now.
    """
    headers = error.headers if isinstance(error, ResponseRefused) else {}
    wait = headers.get("retry-after", "")
    if wait.isascii() and wait.isdigit():
        return float(wait) if len(wait) < 8 else None
    until = _http_date(wait)
    if until is None:
        return None
    seconds = until - (_http_date(headers.get("date", "")) or time.time())
    return max(0.0, seconds) if seconds < 10_000_000 else None


def _http_date(text: str) -> float | None:
    """The Unix seconds of a date as HTTP writes it; None if it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def outcome_of(error: ApiError) -> Outcome:
    """The outcome under which a failed exchange is counted."""
    if isinstance(error, UnusableAttachment):
        return Outcome.INVALID
    if isinstance(error, NotAdmitted | QuotaExceeded):
        return Outcome.REJECTED
    if isinstance(error, InternalError):
        return Outcome.ERROR
    if isinstance(error, UpstreamTimeout):
        return Outcome.UPSTREAM_TIMEOUT
    return Outcome.UPSTREAM_REFUSED if error.status < 500 else Outcome.UPSTREAM_ERROR
