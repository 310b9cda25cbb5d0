"""Our errors: their shape, their headers, and what the official SDK makes of each."""

import json
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import openai
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from translate.openai.errors import envelope
from translate.values.errors import (
    AccountBusy,
    ApiError,
    BadRequest,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotAdmitted,
    NotFound,
    Overloaded,
    QuotaExceeded,
    RateLimited,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
    UpstreamFailed,
    UpstreamTimeout,
    model_not_found,
)

LEAVES: dict[type[ApiError], tuple[int, str, str | None, type[openai.APIStatusError]]] = {
    BadRequest: (400, "invalid_request_error", None, openai.BadRequestError),
    Unauthorized: (401, "invalid_request_error", None, openai.AuthenticationError),
    Forbidden: (403, "request_forbidden", None, openai.PermissionDeniedError),
    NotFound: (404, "invalid_request_error", None, openai.NotFoundError),
    MethodNotAllowed: (405, "invalid_request_error", "method_not_supported", openai.APIStatusError),
    TooLarge: (413, "invalid_request_error", "request_too_large", openai.APIStatusError),
    UnsupportedMediaType: (415, "invalid_request_error", "unsupported_media_type", openai.APIStatusError),
    RateLimited: (429, "rate_limit_error", "rate_limit_exceeded", openai.RateLimitError),
    AccountBusy: (429, "rate_limit_error", "rate_limit_exceeded", openai.RateLimitError),
    NotAdmitted: (429, "rate_limit_error", "rate_limit_exceeded", openai.RateLimitError),
    QuotaExceeded: (429, "insufficient_quota", "insufficient_quota", openai.RateLimitError),
    InternalError: (500, "server_error", None, openai.InternalServerError),
    UpstreamFailed: (502, "server_error", "upstream_error", openai.InternalServerError),
    Overloaded: (503, "service_unavailable_error", "server_is_overloaded", openai.InternalServerError),
    UpstreamTimeout: (504, "server_error", "upstream_timeout", openai.InternalServerError),
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
    assert (error.status, error.type, error.code) == LEAVES[leaf][:3]
    assert error.status not in (408, 409, 422), "clients retry or misread these"
    assert str(error) == error.message == "What to do next."


def test_code_of_one_error_is_not_the_code_of_its_class() -> None:
    assert BadRequest("x", code="context_length_exceeded").code == "context_length_exceeded"
    assert BadRequest("x").code is None


@given(message=st.text(), param=st.none() | st.text(), code=st.none() | st.text())
def test_envelope_has_four_keys_in_ascii_whatever_they_hold(
    message: str, param: str | None, code: str | None
) -> None:
    body = envelope(BadRequest(message, param=param, code=code))
    assert body.isascii()
    assert b"\n" not in body
    assert json.loads(body) == {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }


@given(st.floats(0, 1e6))
@example(1.0005)
def test_retry_after_is_a_whole_number_of_at_least_one_and_no_shorter_than_the_wait(seconds: float) -> None:
    after = int(RateLimited("x", retry_after=seconds).headers()["Retry-After"])
    assert after == max(1, math.ceil(seconds))


def test_headers_are_there_only_where_they_apply() -> None:
    assert RateLimited("x").headers() == {}
    assert RateLimited("x", should_retry=True).headers() == {"x-should-retry": "true"}
    assert RateLimited("x", should_retry=False).headers() == {"x-should-retry": "false"}


def test_unknown_model_is_worded_as_by_the_official_service() -> None:
    error = model_not_found("gpt-9-x")
    assert json.loads(envelope(error)) == {
        "error": {
            "message": "The model `gpt-9-x` does not exist or you do not have access to it.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    }


class Failing(RequestHandler):
    """Answers each POST with the error that the path names."""

    requests = 0

    def post(self, name: str) -> None:
        Failing.requests += 1
        error = next(leaf for leaf in LEAVES if leaf.__name__ == name)("What to do next.", should_retry=False)
        self.set_status(error.status)
        self.set_header("Content-Type", "application/json")
        for header, value in error.headers().items():
            self.set_header(header, value)
        self.finish(envelope(error))


@asynccontextmanager
async def failing_server() -> AsyncIterator[str]:
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(r"/(\w+)/chat/completions", Failing)]))
    server.add_sockets(sockets)
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.stop()
        await server.close_all_connections()


async def test_official_sdk_raises_the_right_class_for_every_leaf_and_does_not_retry() -> None:
    Failing.requests = 0
    async with failing_server() as base_url, openai.AsyncOpenAI(api_key="k", base_url=base_url) as client:
        for leaf, (status, type, code, raised) in LEAVES.items():
            at = client.with_options(base_url=f"{base_url}/{leaf.__name__}")
            with pytest.raises(openai.APIStatusError) as caught:
                await at.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
            error = caught.value
            assert error.__class__ is raised
            assert (error.status_code, error.type, error.code) == (status, type, code)
            assert "What to do next." in error.message
    assert Failing.requests == len(LEAVES)
