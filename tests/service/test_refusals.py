"""What is refused here: the right status and code, and nothing of it goes upstream."""

import json
from typing import Any

import pytest

from tests.raw_client import Answer
from tests.service.broken_turns import broken_after
from tests.service.deployment import CHAT, JSON_TYPE, KEY, deployed, question

USER = [{"role": "user", "content": "Hi"}]


def expect(answer: Answer, status: int, param: str | None, code: str | None) -> None:
    """A refusal in the envelope, not to be mistaken for anything else."""
    error = answer.error
    assert (answer.status, error["param"], error["code"]) == (status, param, code), error
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert answer.headers["content-type"] == "application/json"


RAW: list[bytes] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe{}",
    b"{'a': 1}",
    b"[" * 100_000,
    b'{"n": NaN}',
]


@pytest.mark.parametrize("body", RAW, ids=lambda body: repr(body[:10]))
async def test_body_that_is_no_json_object_is_a_400(body: bytes) -> None:
    async with deployed() as service:
        expect(await service.ask("POST", CHAT, JSON_TYPE, body), 400, None, None)
        assert len(service.upstream.requests) == 0


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"model": ""}, "model"),
    ({"model": 4}, "model"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Hi"}, "messages"),
    ({"messages": {"role": "user"}}, "messages"),
    ({"messages": ["Hi"]}, "messages.[0]"),
    ({"messages": [*USER, {"role": "robot", "content": "Hi"}]}, "messages.[1].role"),
    ({"messages": [{"content": "Hi"}]}, "messages.[0].role"),
    ({"messages": [{"role": "user", "content": None}]}, "messages.[0].content"),
    ({"messages": [{"role": "user", "content": 7}]}, "messages.[0].content"),
    ({"messages": [{"role": "user", "content": ""}]}, "messages"),
    ({"stream": "yes"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"stream_options": []}, "stream_options"),
    ({"n": 0}, "n"),
    ({"n": 2}, "n"),
    ({"n": 1.5}, "n"),
    ({"n": "1"}, "n"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"top_p": []}, "top_p"),
    ({"max_tokens": "10"}, "max_tokens"),
    ({"stop": 5}, "stop"),
    ({"stop": ["a", 5]}, "stop"),
    ({"response_format": "json"}, "response_format"),
    ({"tools": {}}, "tools"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ({"function_call": {"name": "f"}}, "function_call"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"audio": {"voice": "alloy"}}, "audio"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fields", "param"), BAD_FIELDS, ids=lambda value: json.dumps(value)[:60])
async def test_bad_field_is_a_400_that_names_it(fields: dict[str, Any], param: str, stream: bool) -> None:
    async with deployed() as service:
        answer = await service.post({**question("Hi"), "stream": stream, **fields})
        expect(answer, 400, param, None)
        assert len(service.upstream.requests) == 0


@pytest.mark.parametrize("name", ["gpt-9-x", "GPT-4-S", "没有", "x" * 256, "\ud800", " gpt-4-s"])
async def test_unknown_model_is_a_404_that_names_the_field(name: str) -> None:
    async with deployed() as service:
        answer = await service.post(question("Hi", model=name))
        expect(answer, 404, "model", "model_not_found")
        assert len(answer.body) < 2000
        assert service.upstream.attempts == 0


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", KEY, "Bearer\u00a0x"])
async def test_request_without_a_key_is_a_401(header: str) -> None:
    headers = {**JSON_TYPE, "Authorization": header} if header else JSON_TYPE
    async with deployed() as service:
        body = json.dumps(question("Hi")).encode()
        expect(await service.ask("POST", CHAT, headers, body, key=""), 401, None, None)
        assert len(service.upstream.requests) == 0


@pytest.mark.parametrize("key", ["fk-\xe9\xe8", "fk-one fk-two", "x" * 9000])
async def test_key_that_no_key_looks_like_is_a_401_that_does_not_repeat_it(key: str) -> None:
    async with deployed() as service:
        answer = await service.post(question("Hi"), key=key)
        expect(answer, 401, None, "invalid_api_key")
        assert key not in answer.error["message"]
        assert len(service.upstream.requests) == 0


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_body_of_another_type_is_a_415(kind: str) -> None:
    async with deployed() as service:
        answer = await service.ask("POST", CHAT, {"Content-Type": kind}, b"model=gpt-4-s")
        expect(answer, 415, None, "unsupported_media_type")
        assert len(service.upstream.requests) == 0


@pytest.mark.parametrize(
    "kind", ["", "application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"]
)
async def test_type_that_is_json_or_not_told_is_taken(kind: str) -> None:
    async with deployed() as service:
        body = json.dumps(question("Hi")).encode()
        answer = await service.ask("POST", CHAT, {"Content-Type": kind} if kind else {}, body)
    assert answer.status == 200


PATHS = [
    "/v1",
    "/v1/v1/v1/chat/completions",
    "/v2/chat/completions",
    "/v1/chats/completions",
    "/v1/chat/completions/more",
    "/v1/embeddings",
    "/backend-api/conversation",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_unknown_path_is_a_404_that_names_it(method: str, path: str) -> None:
    async with deployed() as service:
        answer = await service.ask(method, path, JSON_TYPE, b"{}" if method != "GET" else b"", key="")
    expect(answer, 404, None, "unknown_url")
    assert f"{method} {path}" in answer.error["message"]


@pytest.mark.parametrize("path", ["/v1", "/v1/"])
async def test_base_url_in_a_browser_is_a_404_that_tells_what_it_is_for(path: str) -> None:
    async with deployed() as service:
        answer = await service.ask("GET", path)
    expect(answer, 404, None, "unknown_url")
    assert "base URL" in answer.error["message"]


@pytest.mark.parametrize("path", ["/openai/responses", "/v2/chat/completions", "/api/models"])
async def test_path_of_another_base_url_is_a_404_that_points_to_it(path: str) -> None:
    async with deployed() as service:
        answer = await service.ask("POST", path, JSON_TYPE, b"{}")
    expect(answer, 404, None, "unknown_url")
    assert "the API is under /v1" in answer.error["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, {"POST", "OPTIONS"}),
        ("PUT", CHAT, {"POST", "OPTIONS"}),
        ("DELETE", CHAT, {"POST", "OPTIONS"}),
        ("BREW", CHAT, {"POST", "OPTIONS"}),
        ("POST", "/v1/models", {"GET", "HEAD", "OPTIONS"}),
        ("PATCH", "/v1/models/gpt-4-s", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/healthz", {"GET", "HEAD", "OPTIONS"}),
    ],
)
async def test_wrong_method_is_a_405_that_tells_the_right_ones(
    method: str, path: str, allowed: set[str]
) -> None:
    async with deployed() as service:
        answer = await service.ask(method, path, JSON_TYPE, b"{}" if method != "GET" else b"")
    expect(answer, 405, None, "method_not_supported")
    assert set(answer.headers["allow"].split(", ")) == allowed


HUGE = b" " * 3_000_000


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_over_the_limit_is_a_413_even_for_a_client_that_first_sends_all_of_it(
    chunked: bool,
) -> None:
    async with deployed({"MAX_BODY_BYTES": "100000"}) as service:
        headers, body = dict(JSON_TYPE), HUGE
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HUGE), HUGE)
        answer = await service.ask("POST", CHAT, headers, body)
        expect(answer, 413, None, "request_too_large")
        assert "100000" in answer.error["message"]
        assert len(service.upstream.requests) == 0


async def test_body_at_the_limit_is_read() -> None:
    async with deployed({"MAX_BODY_BYTES": "100000"}) as service:
        body = json.dumps(question("Hi")).encode().ljust(100_000)
        assert (await service.ask("POST", CHAT, JSON_TYPE, body)).status == 200
        assert (await service.ask("POST", CHAT, JSON_TYPE, body + b" ")).status == 413


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (CHAT, {}, 401),
        (CHAT, {"Authorization": f"Bearer {KEY}", "Content-Type": "text/plain"}, 415),
        ("/nowhere", {}, 404),
        ("/v1/models", {}, 405),
    ],
)
async def test_refusal_of_a_large_request_reaches_a_client_that_first_sends_all_of_it(
    path: str, headers: dict[str, str], status: int
) -> None:
    async with deployed() as service, service.connect() as client:
        await client.send("POST", path, headers, HUGE)
        assert (await client.answer()).status == status
        await client.send("GET", "/healthz", {})
        assert (await client.answer()).status == 200, "the connection is as good as before"


async def test_bug_of_ours_is_a_500_in_json_that_tells_nothing(loud_log: pytest.LogCaptureFixture) -> None:
    async with deployed(adapt=broken_after(0)) as service:
        answer = await service.chat("Hello")
        assert service.requests("error") == 1
    assert answer.status == 500
    assert answer.error["type"] == "server_error"
    assert answer.headers["x-should-retry"] == "false"
    assert "canary" not in answer.body.decode()
    request_id = answer.headers["x-request-id"]
    assert request_id in answer.error["message"]
    assert any(request_id in record.getMessage() and record.exc_info for record in loud_log.records)
