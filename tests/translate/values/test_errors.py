"""What can go wrong: status, type and code of each error, and the headers that clients act on."""

import math
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from translate.values.errors import (
    AccountBusy,
    ApiError,
    BadRequest,
    Forbidden,
    HomeUnavailable,
    InternalError,
    KeyExpired,
    MethodNotAllowed,
    ModelCapped,
    NotAdmitted,
    NotFound,
    Overloaded,
    PlanLimitReached,
    QuotaExceeded,
    RateLimited,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
    UnusableAttachment,
    UpstreamFailed,
    UpstreamTimeout,
    model_not_found,
)

LEAVES: dict[type[ApiError], tuple[int, str, str | None]] = {
    BadRequest: (400, "invalid_request_error", None),
    UnusableAttachment: (400, "invalid_request_error", None),
    Unauthorized: (401, "invalid_request_error", None),
    KeyExpired: (401, "invalid_request_error", None),
    Forbidden: (403, "request_forbidden", None),
    NotFound: (404, "invalid_request_error", None),
    MethodNotAllowed: (405, "invalid_request_error", "method_not_supported"),
    TooLarge: (413, "invalid_request_error", "request_too_large"),
    UnsupportedMediaType: (415, "invalid_request_error", "unsupported_media_type"),
    RateLimited: (429, "rate_limit_error", "rate_limit_exceeded"),
    AccountBusy: (429, "rate_limit_error", "rate_limit_exceeded"),
    ModelCapped: (429, "rate_limit_error", "rate_limit_exceeded"),
    PlanLimitReached: (429, "insufficient_quota", "insufficient_quota"),
    NotAdmitted: (429, "rate_limit_error", "rate_limit_exceeded"),
    QuotaExceeded: (429, "insufficient_quota", "insufficient_quota"),
    InternalError: (500, "server_error", None),
    UpstreamFailed: (502, "server_error", "upstream_error"),
    Overloaded: (503, "service_unavailable_error", "server_is_overloaded"),
    HomeUnavailable: (503, "service_unavailable_error", "account_unavailable"),
    UpstreamTimeout: (504, "server_error", "upstream_timeout"),
}


def leaves(error: type[ApiError]) -> Iterator[type[ApiError]]:
    for child in error.__subclasses__():
        yield child
        yield from leaves(child)


def test_table_holds_every_leaf() -> None:
    assert {leaf for leaf in leaves(ApiError) if leaf.__module__ == "translate.values.errors"} == set(LEAVES)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_leaf_has_its_status_type_and_code(leaf: type[ApiError]) -> None:
    error = leaf("What to do next.")
    assert (error.status, error.type, error.code) == LEAVES[leaf]
    assert error.status not in (408, 409, 422), "clients retry or misread these"
    assert str(error) == error.message == "What to do next."


def test_code_of_one_error_is_not_the_code_of_its_class() -> None:
    assert BadRequest("x", code="context_length_exceeded").code == "context_length_exceeded"
    assert BadRequest("x").code is None


@given(st.floats(0, 1e6))
@example(1.0005)
def test_retry_after_is_a_whole_number_of_at_least_one_and_no_shorter_than_the_wait(seconds: float) -> None:
    after = int(RateLimited("x", retry_after=seconds).headers()["Retry-After"])
    assert after == max(1, math.ceil(seconds))


def test_headers_are_there_only_where_they_apply() -> None:
    assert RateLimited("x").headers() == {}
    assert RateLimited("x", should_retry=True).headers() == {"x-should-retry": "true"}
    assert RateLimited("x", should_retry=False).headers() == {"x-should-retry": "false"}


@pytest.mark.parametrize("refused", [Unauthorized("x"), KeyExpired("x", code="invalid_api_key")])
def test_client_is_told_that_a_key_stays_refused(refused: Unauthorized) -> None:
    """Claude Code asks ten times more otherwise."""
    assert refused.headers() == {"x-should-retry": "false"}


def test_unknown_model_is_worded_as_by_the_official_service() -> None:
    error = model_not_found("gpt-9-x")
    assert (error.param, error.code) == ("model", "model_not_found")
    assert error.message == "The model `gpt-9-x` does not exist or you do not have access to it."


def test_unknown_model_names_some_that_there_are_and_how_others_become_known() -> None:
    few = model_not_found("gpt-9-x", ["gpt-4-s", "fox"]).message
    assert few.endswith(
        " There are: gpt-4-s, fox. The operator can give them further names with MODEL_ALIASES."
    )
    many = model_not_found("x" * 300, [f"model-{number:02}" + "m" * 200 for number in range(30)]).message
    assert "model-07" in many
    assert "model-08" not in many
    assert "and 22 more, which GET /v1/models lists. " in many
    assert len(many) < 800


@given(st.text(st.characters(), max_size=20))
def test_message_can_always_be_encoded(message: str) -> None:
    assert BadRequest(message).message.encode().decode() == str(BadRequest(message))
