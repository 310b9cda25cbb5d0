"""What cost nothing is tried again, seldom and soon; what may have cost something only where that is set."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from simulator.refusals import ONLY_ONE_MESSAGE
from tests.eventually import eventually
from tests.raw_client import EventStream
from tests.scripted_server import (
    EVENT_STREAM,
    JSON,
    ScriptedServer,
    Verb,
    chunk,
    fin,
    last_chunk,
    rst,
    send,
    stall,
    status,
    without_accounts,
)
from tests.service.deployment import Deployment, deployed

MESSAGE = b'{"id":"a1","author":{"role":"assistant"},"content":{"content_type":"text","parts":["Hi"]},"status":"finished_successfully","end_turn":true,"recipient":"all"}'  # noqa: E501
EVENT = b'data: {"message":%s,"conversation_id":"c1","error":null}\n\n' % MESSAGE
GOOD = [status(200, EVENT_STREAM), chunk(EVENT + b"data: [DONE]\n\n"), last_chunk(), fin()]


def answer(code: int, body: bytes, **headers: str) -> list[Verb]:
    """A whole refusal, as the backend sends it."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return [status(code, {**JSON, **names, "Content-Length": str(len(body))}), send(body), fin()]


OOPS = b'{"detail": "Internal Server Error"}'
BUSY = answer(429, ONLY_ONE_MESSAGE.body)


@asynccontextmanager
async def backed_by(*scripts: Sequence[Verb], **env: str) -> AsyncIterator[tuple[Deployment, ScriptedServer]]:
    """The service over a backend that serves these scripts, connection after connection."""
    async with (
        ScriptedServer(*scripts, aside=without_accounts) as backend,
        deployed({"BASE_URL": backend.url, **env}) as service,
    ):
        yield service, backend


def retried(service: Deployment, reason: str) -> float:
    value = service.server.service.metrics.registry.get_sample_value(
        "pandora_retries_total", {"reason": reason}
    )
    assert value is not None
    return value


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (answer(503, OOPS), "server_error"),
        (answer(503, b"", Retry_After="0"), "server_error"),
        (BUSY, "busy"),
    ],
    ids=["503", "503 with a wait", "busy"],
)
async def test_caller_never_hears_of_a_failure_that_a_retry_heals(
    failure: list[Verb], reason: str, stream: bool
) -> None:
    async with backed_by(failure, GOOD, UPSTREAM_RETRIES="1") as (service, backend):
        seen = await service.chat(stream=stream)
        assert seen.status == 200
        text = seen.stream.text if stream else seen.json["choices"][0]["message"]["content"]
        assert text == "Hi"
        assert len(backend.connections) == 2
        first, second = (connection.request for connection in backend.connections)
        assert first is not None
        assert second is not None
        assert first.body == second.body
        assert retried(service, reason) == 1


@pytest.mark.parametrize("failure", [[rst()], [fin()], answer(502, b"")], ids=["reset", "fin", "502"])
async def test_unclear_failure_may_be_healed_by_a_retry_if_that_is_set(failure: list[Verb]) -> None:
    env = {"UPSTREAM_RETRIES": "1", "RETRY_UNCLEAR": "true"}
    async with backed_by(failure, GOOD, **env) as (service, backend):
        assert (await service.chat()).status == 200
        assert len(backend.connections) == 2


@pytest.mark.parametrize(
    "broken",
    [
        [rst()],
        [fin()],
        [send(b"HTTP/1.1 20"), fin()],
        [send(b"\x00\x01 no HTTP\r\n\r\n"), fin()],
        answer(204, b""),
        answer(502, b"<html>502 Bad Gateway</html>"),
        answer(524, OOPS),
        [status(200, EVENT_STREAM), chunk(b": hello\n\n"), rst()],
        [status(200, EVENT_STREAM), chunk(EVENT[: len(EVENT) // 2]), fin()],
        [status(200, EVENT_STREAM), last_chunk(), fin()],
        answer(504, b""),
        answer(500, b'{"detail": "x", "conversation_id": "c1"}'),
        answer(429, b'{"detail": "Too many requests in 1 hour. Try again later."}'),
        answer(503, b"", Retry_After="3600"),
    ],
    ids=[
        "reset before headers",
        "fin before headers",
        "cut status line",
        "no HTTP",
        "204",
        "502 page",
        "524",
        "reset",
        "fin",
        "empty",
        "gateway timeout",
        "conversation",
        "rate",
        "long wait",
    ],
)
async def test_what_may_have_cost_something_is_sent_once(broken: list[Verb]) -> None:
    async with backed_by(broken, GOOD, UPSTREAM_RETRIES="2") as (service, backend):
        assert (await service.chat()).status >= 400
        assert len(backend.connections) == 1


async def test_client_that_leaves_in_the_pause_ends_the_retries() -> None:
    script = answer(503, b"", Retry_After="10")
    async with (
        backed_by(script, GOOD, UPSTREAM_RETRIES="2") as (service, backend),
        service.connect() as client,
    ):
        await service.begin(client, "Hello")
        await eventually(lambda: retried(service, "server_error") == 1)
        client.close()
        await eventually(lambda: service.in_flight == 0)
        assert len(backend.connections) == 1
        assert service.requests("client_gone") == 1


async def test_stream_that_only_was_kept_alive_may_still_be_healed() -> None:
    env = {"UPSTREAM_RETRIES": "1", "STREAM_HEADERS_AFTER": "0.05", "KEEPALIVE_INTERVAL": "0.05"}
    script = answer(503, b"", Retry_After="3")
    async with backed_by(script, GOOD, **env) as (service, _), service.connect() as client:
        await service.begin(client, "Hello")
        await client.read_head()
        stream = EventStream.of(await client.read_rest())
        assert stream.pings >= 1
        assert stream.text == "Hi"
        assert stream.done


async def test_backend_that_does_not_end_its_body_costs_a_moment_only() -> None:
    open_end = [status(200, EVENT_STREAM), chunk(EVENT + b"data: [DONE]\n\n"), stall()]
    async with backed_by(open_end) as (service, backend):
        async with asyncio.timeout(30):
            assert (await service.chat()).status == 200
        assert await backend.connections[0].gone_within(1)
