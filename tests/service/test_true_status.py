"""A failure before the answer has begun gets its true status, streamed or not."""

import pytest

from simulator import Knobs
from simulator.refusals import REFUSALS
from tests.eventually import eventually
from tests.raw_client import Answer
from tests.scripted_server import (
    EVENT_STREAM,
    ScriptedServer,
    chunk,
    fin,
    last_chunk,
    send,
    status,
    without_accounts,
)
from tests.service.deployment import KEY, deployed, question

RETRY = "retry"
"""Nothing is said: the SDKs retry 429 and 5xx."""
NEVER = "never"

REFUSED = {
    "unauthorized": (401, "invalid_api_key", NEVER),
    "token_expired": (401, "invalid_api_key", NEVER),
    "invalid_jwt": (401, "invalid_api_key", NEVER),
    "expired_session_key": (401, "invalid_api_key", NEVER),
    "invalid_api_key": (401, "invalid_api_key", NEVER),
    "account_deactivated": (403, "account_deactivated", RETRY),
    "deactivated_workspace": (403, "deactivated_workspace", RETRY),
    "cloudflare": (503, "upstream_challenge", NEVER),
    "unusual_activity": (503, "upstream_challenge", NEVER),
    "challenge_required": (503, "upstream_challenge", NEVER),
    "conversation_not_found": (404, "conversation_not_found", RETRY),
    "not_found": (502, "upstream_error", NEVER),
    "model_not_found": (404, "model_not_found", RETRY),
    "message_length_exceeds_limit": (400, "context_length_exceeded", RETRY),
    "validation": (400, "invalid_value", RETRY),
    "content_policy": (400, "content_policy_violation", RETRY),
    "model_cap_exceeded": (429, "rate_limit_exceeded", NEVER),
    "one_message": (429, "rate_limit_exceeded", RETRY),
    "too_many_requests": (429, "rate_limit_exceeded", NEVER),
    "something_went_wrong": (429, "rate_limit_exceeded", NEVER),
    "status_500": (502, "upstream_error", NEVER),
    "status_502": (502, "upstream_error", NEVER),
    "status_503": (503, "server_is_overloaded", RETRY),
    "status_418": (502, "upstream_error", NEVER),
    "status_504": (502, "upstream_error", NEVER),
    "status_599": (502, "upstream_error", NEVER),
}
BROKEN = {
    "reset_before_headers": (502, "upstream_error", NEVER),
    "fin_before_headers": (502, "upstream_error", NEVER),
    "json_200": (503, "upstream_challenge", NEVER),
    "html_200": (503, "upstream_challenge", NEVER),
    "reset_after_headers": (502, "upstream_error", NEVER),
    "fin_after_headers": (502, "upstream_error", NEVER),
    "end_after_headers": (502, "upstream_error", NEVER),
    "error_only": (503, "upstream_challenge", NEVER),
    "error_only_open": (503, "upstream_challenge", NEVER),
    "error_object": (503, "upstream_challenge", NEVER),
    "echo_only": (502, "upstream_error", NEVER),
}


def expect(answer: Answer, status: int, code: str | None, retry: str) -> None:
    error = answer.error
    assert (answer.status, error["code"]) == (status, code), error
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers.get("x-should-retry") == (None if retry == RETRY else "false")
    assert "<" not in error["message"], "no page of the backend's is passed on"
    assert KEY not in error["message"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", [*REFUSED, *BROKEN])
async def test_failure_before_the_first_event_gets_its_true_status(fault: str, stream: bool) -> None:
    async with deployed() as service:
        answer = await service.chat(f"Hello [[sim fault={fault}]]", stream=stream)
        expect(answer, *(REFUSED | BROKEN)[fault])
        assert service.upstream.attempts == 1, "nothing is tried again here"
        await eventually(lambda: service.upstream.open_streams == [])
        await eventually(lambda: service.in_flight == 0)


@pytest.mark.parametrize("body", ["html", "empty", "cut", "error"])
@pytest.mark.parametrize("fault", REFUSALS)
async def test_body_of_a_refusal_may_be_anything_and_is_never_passed_on_as_it_is(
    fault: str, body: str
) -> None:
    async with deployed() as service:
        answer = await service.chat(f"Hello [[sim fault={fault} body={body}]]", stream=True)
    assert 400 <= answer.status < 600
    assert answer.status not in (408, 409, 422)
    assert "<" not in answer.error["message"]


async def test_message_cap_tells_when_it_clears_and_that_a_retry_is_in_vain() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=1, cap_window=3600)) as service:
        assert (await service.chat("Hello")).status == 200
        answer = await service.chat("Hello", stream=True)
    expect(answer, 429, "rate_limit_exceeded", NEVER)
    assert 3500 < int(answer.headers["retry-after"]) <= 3600


async def test_busy_account_asks_for_a_short_wait() -> None:
    async with deployed(knobs=Knobs(busy=True, cap=0)) as service, service.connect() as client:
        await service.begin(client, "Tell me about rain [[sim tokens=2000 pace=5]]")
        await client.read_head()
        answer = await service.chat("Hello")
    expect(answer, 429, "rate_limit_exceeded", RETRY)
    assert answer.headers["retry-after"] == "5"


async def test_backend_that_cannot_be_reached_is_a_503_with_a_short_wait() -> None:
    async with deployed({"BASE_URL": "http://127.0.0.1:1"}) as service:
        for stream in (False, True):
            answer = await service.chat("Hello", stream=stream)
            expect(answer, 503, "upstream_unreachable", RETRY)
            assert answer.headers["retry-after"] == "2"


async def test_wrong_prefix_says_which_settings_to_check() -> None:
    async with deployed({"PROXY_API_PREFIX": "another-prefix"}) as service:
        answer = await service.chat("Hello", stream=True)
    expect(answer, 502, "upstream_error", NEVER)
    assert "PROXY_API_PREFIX" in answer.error["message"]
    assert "another-prefix" not in answer.body.decode()


@pytest.mark.parametrize("fault", ["stall_before_headers", "stall_after_headers"])
async def test_silent_backend_is_a_504_and_its_connection_is_closed(fault: str) -> None:
    patience = {"FIRST_BYTE_TIMEOUT": "2", "IDLE_TIMEOUT": "2", "STREAM_HEADERS_AFTER": "0.1"}
    async with deployed(patience) as service:
        answer = await service.chat(f"Hello [[sim fault={fault}]]")
        expect(answer, 504, "upstream_timeout", NEVER)
        await eventually(lambda: [stream.outcome for stream in service.upstream.streams] == ["client_closed"])
        assert service.requests("upstream_timeout") == 1


async def test_whole_answer_has_a_time_limit_if_one_is_set() -> None:
    limits = {"TOTAL_TIMEOUT": "0.3", "FIRST_BYTE_TIMEOUT": "0.3", "STREAM_HEADERS_AFTER": "0.1"}
    async with deployed(limits) as service:
        answer = await service.chat("Hello [[sim tokens=500 pace=100]]")
        expect(answer, 504, "upstream_timeout", NEVER)


async def test_wait_that_the_backend_asks_for_is_passed_on() -> None:
    refusal = [
        status(503, {"Content-Type": "application/json", "Retry-After": "17", "Content-Length": "2"}),
        send(b"{}"),
    ]
    async with (
        ScriptedServer(refusal, aside=without_accounts) as backend,
        deployed({"BASE_URL": backend.url}) as service,
    ):
        answer = await service.chat("Hello", stream=True)
    expect(answer, 503, "server_is_overloaded", RETRY)
    assert answer.headers["retry-after"] == "17"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "nonsense", [b"\x00\x01\x02", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\n" * 9000]
)
async def test_backend_that_speaks_no_http_is_a_502(nonsense: bytes, stream: bool) -> None:
    async with (
        ScriptedServer([send(nonsense), fin()], aside=without_accounts) as backend,
        deployed({"BASE_URL": backend.url}) as service,
    ):
        answer = await service.chat("Hello", stream=stream)
    assert answer.status == 502
    assert answer.error["code"] == "upstream_error"


@pytest.mark.parametrize(
    "events", [b"", b": hi\n\n", b"event: ping\ndata: 1\n\n", b"data: [DONE]\n\n", b"data: {}\n\n"]
)
async def test_stream_of_nothing_is_a_502_and_no_empty_answer(events: bytes) -> None:
    script = [status(200, EVENT_STREAM), *([chunk(events)] if events else []), last_chunk()]
    async with (
        ScriptedServer(script, aside=without_accounts) as backend,
        deployed({"BASE_URL": backend.url}) as service,
    ):
        for stream in (False, True):
            answer = await service.post(question("Hello", stream=stream))
            assert answer.status == 502
            assert answer.error["code"] == "upstream_error"


async def test_redirect_of_the_backend_is_not_followed() -> None:
    elsewhere = [status(302, {"Location": "http://127.0.0.1:1/steal", "Content-Length": "0"})]
    async with (
        ScriptedServer(elsewhere, aside=without_accounts) as backend,
        deployed({"BASE_URL": backend.url}) as service,
    ):
        answer = await service.chat("Hello", stream=True)
        assert len(backend.connections) == 1
    expect(answer, 502, "upstream_error", NEVER)
