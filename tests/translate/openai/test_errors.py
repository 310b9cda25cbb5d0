"""OpenAI's envelope of errors, and what the official SDK makes of each error."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from translate.openai.errors import envelope
from translate.values.errors import (
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

RAISED: dict[type[ApiError], type[openai.APIStatusError]] = {
    BadRequest: openai.BadRequestError,
    Unauthorized: openai.AuthenticationError,
    Forbidden: openai.PermissionDeniedError,
    NotFound: openai.NotFoundError,
    MethodNotAllowed: openai.APIStatusError,
    TooLarge: openai.APIStatusError,
    UnsupportedMediaType: openai.APIStatusError,
    RateLimited: openai.RateLimitError,
    QuotaExceeded: openai.RateLimitError,
    InternalError: openai.InternalServerError,
    UpstreamFailed: openai.InternalServerError,
    Overloaded: openai.InternalServerError,
    UpstreamTimeout: openai.InternalServerError,
}
"""One error of each status and type, and what the SDK raises for it."""


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


class Failing(RequestHandler):
    """Answers each POST with the error that the path names."""

    requests = 0

    def post(self, name: str) -> None:
        Failing.requests += 1
        error = next(kind for kind in RAISED if kind.__name__ == name)("What to do next.", should_retry=False)
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


async def test_official_sdk_raises_the_right_class_for_every_error_and_does_not_retry() -> None:
    Failing.requests = 0
    async with failing_server() as base_url, openai.AsyncOpenAI(api_key="k", base_url=base_url) as client:
        for kind, raised in RAISED.items():
            at = client.with_options(base_url=f"{base_url}/{kind.__name__}")
            with pytest.raises(openai.APIStatusError) as caught:
                await at.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
            error = caught.value
            assert error.__class__ is raised
            assert (error.status_code, error.type, error.code) == (kind.status, kind.type, kind.code)
            assert "What to do next." in error.message
    assert Failing.requests == len(RAISED)
