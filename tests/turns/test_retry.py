"""What cost nothing is tried again, seldom and soon; what may have cost something only where that is set."""

import pytest

from simulator.refusals import CLOUDFLARE_PAGE, ONLY_ONE_MESSAGE
from turns.retry import BUDGET_SECONDS, Retries, Retry, curable
from turns.verdict import Verdict
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


def refused(
    code: int, body: bytes, *, retry_after: str = "", content_type: str = "application/json"
) -> ResponseRefused:
    headers = {"retry-after": retry_after} if retry_after else {}
    return ResponseRefused(code, content_type, headers, body)


CURABLE: dict[str, tuple[UpstreamError, str]] = {
    "refused connection": (ConnectFailed("refused"), "connect"),
    "reset before headers": (ConnectionLost("before_headers", "reset"), "reset"),
    "503": (refused(503, b'{"detail": "oops"}'), "server_error"),
    "502 in HTML": (refused(502, b"<html>", content_type="text/html"), "server_error"),
    "empty 503": (refused(503, b""), "server_error"),
    "busy": (refused(429, ONLY_ONE_MESSAGE.body), "busy"),
    "busy with status 200": (refused(200, ONLY_ONE_MESSAGE.body), "busy"),
}
INCURABLE: dict[str, UpstreamError] = {
    "reset in the body": ConnectionLost("body", "reset"),
    "no first byte": FirstByteTimeout(120),
    "silence": IdleTimeout(120),
    "no progress": ProgressTimeout(600),
    "too long": TotalTimeout(600),
    "504": refused(504, b""),
    "524": refused(524, b""),
    "challenge": refused(503, CLOUDFLARE_PAGE.encode(), content_type="text/html"),
    "bad key": refused(401, b'{"detail": "Unauthorized"}'),
    "cap": refused(429, b'{"detail": {"message": "cap", "code": "model_cap_exceeded", "clears_in": 1}}'),
    "too many requests": refused(429, b'{"detail": "Too many requests in 1 hour. Try again later."}'),
    "422": refused(422, b'{"detail": []}'),
}


@pytest.mark.parametrize(("error", "reason"), CURABLE.values(), ids=CURABLE)
def test_failure_that_another_attempt_may_cure(error: UpstreamError, reason: str) -> None:
    assert curable(error) == reason


@pytest.mark.parametrize("error", INCURABLE.values(), ids=INCURABLE)
def test_failure_that_would_come_again_or_came_late_is_final(error: UpstreamError) -> None:
    assert curable(error) is None
    assert Retries(3, Clock(), lambda: 0.5, unclear=True).after(Verdict.REFUSED, error) is None


@pytest.mark.parametrize(
    ("unclear", "repeated"),
    [
        (False, {Verdict.UNSENT, Verdict.REFUSED}),
        (True, {Verdict.UNSENT, Verdict.REFUSED, Verdict.MAYBE}),
    ],
)
def test_verdict_says_what_is_repeated_and_accepted_never_is(unclear: bool, repeated: set[Verdict]) -> None:
    lost = ConnectionLost("before_headers", "reset")
    tried = {
        verdict
        for verdict in Verdict
        if Retries(1, Clock(), lambda: 0.5, unclear=unclear).after(verdict, lost) == Retry("reset", 0.5)
    }
    assert tried == repeated


class Clock:
    """Time that stands still unless told otherwise."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def pause(retries: Retries, error: UpstreamError) -> float | None:
    retry = retries.after(Verdict.REFUSED, error)
    return None if retry is None else retry.pause


def test_pauses_have_full_jitter_and_grow_and_end_at_the_limit() -> None:
    retries = Retries(3, Clock(), lambda: 0.5)
    failure = ConnectFailed("refused")
    assert [pause(retries, failure) for _ in range(5)] == [0.5, 1.0, 2.0, None, None]
    assert retries.made == 3
    assert pause(Retries(3, Clock(), lambda: 0.0), failure) == 0.0
    assert pause(Retries(0, Clock(), lambda: 0.5), failure) is None


def test_late_failure_is_not_met_with_another_attempt() -> None:
    clock = Clock()
    retries = Retries(3, clock, lambda: 0.5)
    clock.now = BUDGET_SECONDS
    assert pause(retries, ConnectFailed("refused")) is None


def test_announced_wait_is_kept_if_it_is_short_and_else_final() -> None:
    retries = Retries(3, Clock(), lambda: 0.5)
    assert pause(retries, refused(503, b"", retry_after="4")) == 4.0
    assert pause(retries, refused(503, b"", retry_after="3600")) is None
    assert pause(retries, refused(503, b"", retry_after="soon")) == 1.0
