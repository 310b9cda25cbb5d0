"""Complaints of those who send traces, in the log of the service."""

import logging

import pytest

from tracing.complaints import QUIET_SECONDS, Complaints


def complaint(text: str) -> logging.LogRecord:
    return logging.LogRecord("sender", logging.ERROR, "sender.py", 1, text, (), None)


def test_one_is_written_and_the_next_after_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [1000.0]
    complaints = Complaints(lambda: now[0])
    for text in ("first", "second", "third"):
        complaints.handle(complaint(text))
    now[0] += QUIET_SECONDS
    complaints.handle(complaint("fourth"))
    assert caplog.messages == [
        "traces are not sent: first",
        "traces are not sent (2 more of these since the last line): fourth",
    ]


def test_long_one_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    Complaints().handle(complaint("x" * 10_000))
    assert len(caplog.messages[0]) < 400
