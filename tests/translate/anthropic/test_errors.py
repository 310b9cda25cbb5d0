"""Errors in Anthropic's words: statuses, types, and what the message has to say."""

import json

import pytest

from translate.anthropic import Envelope, error_status
from translate.values import (
    ApiError,
    BadRequest,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    QuotaExceeded,
    RateLimited,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
    UpstreamFailed,
    UpstreamTimeout,
)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BadRequest("x"), 400, "invalid_request_error"),
        (Unauthorized("x"), 401, "authentication_error"),
        (Forbidden("x"), 403, "permission_error"),
        (NotFound("x"), 404, "not_found_error"),
        (MethodNotAllowed("x"), 405, "invalid_request_error"),
        (TooLarge("x"), 413, "request_too_large"),
        (UnsupportedMediaType("x"), 415, "invalid_request_error"),
        (RateLimited("x"), 429, "rate_limit_error"),
        (QuotaExceeded("x"), 429, "rate_limit_error"),
        (InternalError("x"), 500, "api_error"),
        (UpstreamFailed("x"), 502, "api_error"),
        (Overloaded("x"), 529, "overloaded_error"),
        (Overloaded("x", should_retry=True), 529, "overloaded_error"),
        (Overloaded("x", should_retry=False), 503, "api_error"),
        (UpstreamTimeout("x"), 504, "timeout_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ApiError) else str(value),
)
def test_error_has_its_status_and_type(error: ApiError, status: int, kind: str) -> None:
    assert error_status(error) == status
    assert json.loads(Envelope("req_1").write(error)) == {
        "type": "error",
        "error": {"type": kind, "message": "x"},
        "request_id": "req_1",
    }


def said(error: ApiError, *, tokens: int = 0, most: int = 0) -> str:
    message: str = json.loads(Envelope("req_1", tokens, most).write(error))["error"]["message"]
    return message


def test_message_names_the_field_at_fault_once() -> None:
    assert said(BadRequest("must be text.", param="tools.0")) == "tools.0: must be text."
    assert said(BadRequest("tools.0: must be text.", param="tools.0")) == "tools.0: must be text."


def test_overflow_is_told_in_the_words_that_clients_look_for() -> None:
    error = BadRequest("Shorten the messages.", param="messages", code="context_length_exceeded")
    assert said(error) == "prompt is too long: Shorten the messages."
    assert said(error, tokens=900, most=1000) == "prompt is too long: Shorten the messages."
    assert said(error, tokens=210000, most=200000) == "prompt is too long: 210000 tokens > 200000 maximum"


def test_thread_that_is_not_kept_is_told_as_sdks_look_for_it() -> None:
    body = json.loads(Envelope("req_1").write(NotFound("No such thread.", code="thread_not_found")))
    assert body["error"]["details"] == {"error_code": "thread_not_found"}


def test_envelope_is_ascii() -> None:
    body = Envelope("req_1").write(BadRequest("Schön \u2028 \N{FOX FACE}"))
    assert body.isascii()
    assert json.loads(body)["error"]["message"] == "Schön \u2028 \N{FOX FACE}"
