"""Small JSON calls."""

import asyncio
import json

import pytest

from accounts import Credential
from tests.scripted_server import JSON, Verb, flood, rst, send, stall, status
from tests.upstream.rig import KEY, ME, PREFIX, SECRET_TEXT, nothing_left, refusing_address, rig
from upstream import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    HttpClient,
    ResponseRefused,
    TotalTimeout,
)
from upstream.http import CallLimits, JsonAnswer

pytestmark = pytest.mark.timeout(seconds=60)

PATH = "/backend-api/conversation/c1"


def answer(code: int, body: bytes) -> list[Verb]:
    return [status(code, {**JSON, "Content-Length": str(len(body))}), send(body)]


async def test_call_sends_json_and_returns_the_answer() -> None:
    async with rig(answer(200, b'{"success":true}')) as world:
        result = await world.client.call("PATCH", PATH, ME, {"is_visible": False, "title": "你"})
        request = world.server.connections[0].request
    assert result == JsonAnswer(200, "application/json", {}, b'{"success":true}')
    assert request is not None
    assert (request.method, request.path) == ("PATCH", f"/{PREFIX}{PATH}")
    assert json.loads(request.body) == {"is_visible": False, "title": "你"}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept"] == "application/json"
    assert request.headers["content-type"] == "application/json"


async def test_get_has_no_body_and_keeps_its_query() -> None:
    async with rig(answer(200, b"{}")) as world:
        await world.client.call("GET", "/backend-api/models?history_and_training_disabled=false", ME)
        request = world.server.connections[0].request
    assert request is not None
    assert request.path.endswith("/models?history_and_training_disabled=false")
    assert request.body == b""
    assert "content-type" not in request.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_call_without_a_body_sends_an_empty_one(method: str) -> None:
    async with rig(answer(200, b"{}")) as world:
        await world.client.call(method, PATH, ME)
        request = world.server.connections[0].request
    assert request is not None
    assert request.headers["content-length"] == "0"


@pytest.mark.parametrize("code", [201, 302, 404, 429, 500])
async def test_any_status_is_returned(code: int) -> None:
    async with rig(answer(code, b'{"detail":"x"}')) as world:
        result = await world.client.call("GET", PATH, ME)
    assert (result.status, result.body) == (code, b'{"detail":"x"}')


async def test_headers_worth_keeping_are_kept() -> None:
    async with rig([status(429, {**JSON, "Retry-After": "3", "X-Other": "1"})]) as world:
        result = await world.client.call("GET", PATH, ME)
    assert result.headers == {"retry-after": "3"}


async def test_refusal_quotes_neither_the_key_nor_what_the_extra_headers_hold() -> None:
    said = f"{KEY} canary-token ab".encode()
    async with rig(answer(403, said)) as world:
        extra = {"X-Token": "canary-token", "X-Short": "ab", "X-None": ""}
        result = await world.client.call("GET", PATH, ME, extra_headers=extra)
    assert result.refusal().body == b"*** *** ab"


async def test_megabytes_of_json_are_taken_whole() -> None:
    body = json.dumps({"text": "x" * 3_000_000}).encode()
    async with rig(answer(200, body)) as world:
        result = await world.client.call("GET", PATH, ME)
    assert result.body == body


async def test_endless_answer_is_refused_and_cut_off() -> None:
    async with rig([status(200, JSON), flood(SECRET_TEXT.encode() * 1000)]) as world:
        with pytest.raises(ResponseRefused) as caught:
            await world.client.call("GET", PATH, ME)
        assert await world.server.connections[0].gone_within(1)
    assert len(caught.value.body) == 64 * 1024


@pytest.mark.parametrize("excess", [0, 1])
async def test_limit_of_an_answer_is_exact(excess: int) -> None:
    body = b"x" * (1000 + excess)
    async with rig(answer(200, body), call_limits=CallLimits(body_bytes=1000)) as world:
        if excess:
            with pytest.raises(ResponseRefused):
                await world.client.call("GET", PATH, ME)
        else:
            assert (await world.client.call("GET", PATH, ME)).body == body


async def test_endless_error_is_returned_bounded() -> None:
    async with rig([status(500, JSON), flood(b"x" * 1000)]) as world:
        result = await world.client.call("GET", PATH, ME)
    assert (result.status, len(result.body)) == (500, 64 * 1024)


async def test_broken_error_is_returned_with_what_came() -> None:
    async with rig([status(403, {**JSON, "Content-Length": "99"}), send(b'{"det'), rst()]) as world:
        result = await world.client.call("GET", PATH, ME)
    assert result.status == 403


async def test_broken_success_is_a_lost_connection() -> None:
    async with rig([status(200, {**JSON, "Content-Length": "99"}), send(b'{"suc')]) as world:
        with pytest.raises(ConnectionLost) as caught:
            await world.client.call("GET", PATH, ME)
    assert caught.value.phase == "body"


async def test_unreachable_backend_is_a_failed_connect() -> None:
    async with nothing_left():
        client = HttpClient(refusing_address(), PREFIX)
        with pytest.raises(ConnectFailed):
            await client.call("GET", PATH, ME)
        client.close()


async def test_call_has_a_short_total_limit_of_its_own() -> None:
    async with rig([status(200, JSON), stall()], call_limits=CallLimits(seconds=0.1)) as world:
        with pytest.raises(TotalTimeout):
            await world.client.call("GET", PATH, ME)
        for connection in world.server.connections:  # none, if the machine was so busy
            assert await connection.gone_within(1)


async def test_call_can_be_aborted() -> None:
    exchange = Exchange()
    async with rig([stall()]) as world:
        task = asyncio.create_task(world.client.call("GET", PATH, ME, exchange=exchange))
        connection = await world.connected()
        exchange.abort()
        with pytest.raises(Aborted):
            await task
        assert await connection.gone_within(1)


async def test_calls_have_slots_of_their_own_beside_conversations() -> None:
    exchange = Exchange()
    async with rig([stall()], answer(200, b"{}"), max_clients=1) as world:
        task = world.start(exchange=exchange)
        await world.connected()
        assert (await world.client.call("GET", PATH, ME)).status == 200
        exchange.abort()
        with pytest.raises(Aborted):
            await task


async def test_account_of_a_credential_is_quoted_from_no_answer() -> None:
    async with rig(answer(403, b'{"detail": "canary-account is not yours"}')) as world:
        refused = await world.client.call("GET", PATH, Credential(KEY, "canary-account"))
    assert b"canary-account" not in refused.refusal().body


async def test_answers_together_wait_for_room_and_all_come_whole() -> None:
    """Six answers of 1000 bytes where there is room for two: each call has its own in the end."""
    body = b"x" * 1000
    limits = CallLimits(body_bytes=1000, all_bytes=2000)
    async with rig(*[answer(200, body)] * 6, call_limits=limits, max_clients=6) as world:
        answers = await asyncio.gather(*(world.client.call("GET", PATH, ME) for _ in range(6)))
    assert [each.body for each in answers] == [body] * 6


async def test_answer_that_gets_no_room_ends_in_the_time_of_a_call_and_takes_none() -> None:
    """The first answer stalls with all the room there is beside that of the eldest."""
    large = b"x" * 900
    stalled = [status(200, {**JSON, "Content-Length": "1000"}), send(large), stall()]
    limits = CallLimits(seconds=3, body_bytes=1000, all_bytes=1000)
    async with rig(stalled, stalled, stalled, answer(200, large), call_limits=limits) as world:
        calls = [asyncio.create_task(world.client.call("GET", PATH, ME)) for _ in range(3)]
        assert [type(each) for each in await asyncio.gather(*calls, return_exceptions=True)] == [
            TotalTimeout
        ] * 3
        assert (await world.client.call("GET", PATH, ME)).body == large


async def test_answer_known_to_be_short_is_cut_off_earlier() -> None:
    async with rig([status(200, JSON), flood(b"x" * 1000)]) as world:
        with pytest.raises(ResponseRefused):
            await world.client.call("GET", PATH, ME, limit=2000)
        assert await world.server.connections[0].gone_within(1)
    assert world.server.connections[0].request is not None
