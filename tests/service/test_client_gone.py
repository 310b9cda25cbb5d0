"""A client that leaves stops the backend within a second, whatever the answer is doing: quota is dear."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from typing import Any

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.scripted_server import ScriptedServer, stall, without_accounts
from tests.service.deployment import CHAT, JSON_TYPE, KEY, deployed, question
from tests.service.test_audio import FORM, FORM_TYPE, TRANSCRIPTIONS
from tests.service.test_images import GENERATIONS

STATES = {
    "before_headers": "Hello [[sim fault=stall_before_headers]]",
    "before_first_event": "Hello [[sim first_delay=60]]",
    "streaming": "Tell me about rain [[sim tokens=2000 pace=100]]",
    "silent": "Tell me about rain [[sim tokens=20 silence=60]]",
    "stalled": "Tell me about rain [[sim tokens=20 fault=only_pings_mid ping=0.2]]",
}


@pytest.mark.parametrize("way", ["close", "reset", "half_close"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("state", STATES)
async def test_client_that_leaves_closes_the_upstream(state: str, stream: bool, way: str) -> None:
    async with deployed() as service, service.connect() as client:
        await service.begin(client, STATES[state], stream=stream)
        records = 0 if state.startswith("before") else 5
        await eventually(
            lambda: bool(service.upstream.open_streams) and service.last_stream.records >= records
        )
        if state == "silent":
            await asyncio.sleep(0.1)
        assert service.in_flight == 1
        if way == "half_close":
            client.half_close()
        else:
            client.close(reset=way == "reset")
        await eventually(lambda: service.last_stream.outcome == "client_closed")
        await eventually(lambda: service.in_flight == 0)
        await eventually(lambda: service.requests("client_gone") == 1)
        assert service.upstream.attempts == 1


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_client_that_leaves_without_having_read_closes_the_upstream(way: str) -> None:
    async with (
        deployed({"KEEPALIVE_INTERVAL": "0.2"}) as service,
        service.connect(receive_buffer=4096) as client,
    ):
        await service.begin(client, "Tell me about rain [[sim tokens=20000]]")
        await service.upstream_stalls()
        client.close(reset=way == "reset")
        await eventually(lambda: service.last_stream.outcome == "client_closed")
        await eventually(lambda: service.requests("client_gone") == 1)
        assert service.in_flight == 0


async def test_client_that_leaves_while_the_backend_takes_the_request_closes_that_connection() -> None:
    async with (
        ScriptedServer([stall()], aside=without_accounts) as backend,
        deployed({"BASE_URL": backend.url}) as service,
        service.connect() as client,
    ):
        await service.begin(client, "Hello")
        connection = await backend.connected()
        client.close()
        assert await connection.gone_within(1)


ASKED_AND_LEFT = {
    "whole": ("chat", CHAT, JSON_TYPE, json.dumps(question()).encode()),
    "stream": ("chat", CHAT, JSON_TYPE, json.dumps(question(stream=True)).encode()),
    "picture": ("images", GENERATIONS, JSON_TYPE, b'{"prompt": "a fox"}'),
    "recording": ("transcriptions", TRANSCRIPTIONS, FORM_TYPE, FORM),
}


@pytest.mark.parametrize("kind", ASKED_AND_LEFT)
async def test_nothing_is_posted_for_a_client_whose_end_comes_with_its_request(kind: str) -> None:
    """As a service sees it whose event loop was held up meanwhile."""
    route, path, type, body = ASKED_AND_LEFT[kind]
    async with deployed({"AUDIO": "true"}) as service:
        async with service.connect() as client:
            await client.send("POST", path, {"Authorization": f"Bearer {KEY}"} | type, body)
            client.close()
            time.sleep(0.1)  # noqa: ASYNC251 - both are here before the service looks
        await eventually(lambda: service.requests("client_gone", route) == 1)
        assert service.in_flight == 0
        asked = [seen for seen in service.upstream.requests if seen.method == "POST"]
        assert asked == []


@pytest.mark.parametrize("path", [CHAT, "/v1/images/generations", "/v1/models", "/nowhere"])
@pytest.mark.parametrize("sent", ["headers", "part of the body"])
async def test_client_that_leaves_in_mid_upload_frees_its_request(sent: str, path: str) -> None:
    def handled() -> int:
        coroutines = (task.get_coro() for task in asyncio.all_tasks())
        return sum(getattr(coroutine, "__qualname__", "").endswith("._execute") for coroutine in coroutines)

    async with deployed() as service, service.connect() as client:
        headers = {"Authorization": f"Bearer {KEY}", **JSON_TYPE, "Content-Length": "1000"}
        await client.send("POST", path, headers, b"" if sent == "headers" else b'{"model"')
        await eventually(lambda: handled() == 1)
        client.close()
        await eventually(lambda: handled() == 0)
        assert len(service.upstream.requests) == 0


@pytest.mark.parametrize("knob", ["header_delay=60", "tool_delay=60"])
async def test_client_that_leaves_while_its_picture_is_drawn_closes_the_upstream(knob: str) -> None:
    async with deployed() as service, service.connect() as client:
        body = json.dumps({"prompt": f"A red cat [[sim {knob}]]"}).encode()
        headers = {"Authorization": f"Bearer {KEY}", **JSON_TYPE}
        await client.send("POST", "/v1/images/generations", headers, body)
        await eventually(lambda: bool(service.upstream.open_streams))
        await asyncio.sleep(0.1)
        client.close()
        await eventually(lambda: service.last_stream.outcome == "client_closed")
        await eventually(lambda: service.requests("client_gone", "images") == 1)
        assert service.in_flight == 0


TOO_MUCH = ["nothing", "line_end", "request"]
"""What a client has sent behind its request. Tornado alone does not see the end behind unread bytes."""
WAITS: dict[str, tuple[str, dict[str, Any]]] = {
    "queued": ("Hello", {}),
    "before_first_event": ("Hello [[sim first_delay=60]]", {}),
    "whole": ("Hello [[sim silence=60]]", {"stream": False}),
    "streaming": ("Tell me about rain [[sim tokens=600 pace=10]]", {}),
    "silent": ("Tell me about rain [[sim tokens=20 silence=60]]", {}),
}


@pytest.mark.parametrize("waits", WAITS)
@pytest.mark.parametrize("too_much", TOO_MUCH)
async def test_many_clients_that_leave_are_noticed_whatever_they_have_sent(too_much: str, waits: str) -> None:
    """32 clients, half of which reset the connection. Nothing is posted for those who have left."""
    env = {"KEY_CONCURRENCY": "1" if waits == "queued" else "0"}
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(deployed(env))
        first = await stack.enter_async_context(service.connect())
        if waits == "queued":
            await service.begin(first, "Hello [[sim silence=60]]")
            await eventually(lambda: bool(service.upstream.open_streams))
        text, fields = WAITS[waits]
        clients = [await stack.enter_async_context(service.connect()) for _ in range(32)]
        for client in clients:
            await service.begin(client, text, **fields)
            if too_much == "line_end":
                await client.send_raw(b"\r\n")
            elif too_much == "request":
                await service.begin(client, "A second question", **fields)
        posted = 1 if waits == "queued" else 32
        await eventually(lambda: service.in_flight == 32 + (waits == "queued"))
        await eventually(lambda: service.upstream.attempts == posted)
        for number, client in enumerate(clients):
            client.close(reset=number % 2 == 1)
        await eventually(lambda: service.requests("client_gone") == 32)
        first.close()
        await eventually(lambda: service.in_flight == 0)
        await eventually(lambda: not service.upstream.open_streams)
        assert service.upstream.attempts == posted


@pytest.mark.parametrize("too_much", TOO_MUCH)
async def test_client_that_reads_nothing_and_leaves_is_noticed_whatever_it_has_sent(too_much: str) -> None:
    async with deployed() as service, service.connect(receive_buffer=4096) as client:
        await service.begin(client, "Tell me about rain [[sim tokens=20000]]")
        if too_much == "line_end":
            await client.send_raw(b"\r\n")
        elif too_much == "request":
            await service.begin(client, "A second question")
        await service.upstream_stalls()
        client.close()
        await eventually(lambda: service.requests("client_gone") == 1)
        await eventually(lambda: service.last_stream.outcome == "client_closed")
        assert service.upstream.attempts == 1


async def test_requests_sent_at_once_on_one_connection_are_answered_in_order() -> None:
    async with deployed() as service, service.connect() as client:
        for number in range(3):
            await service.begin(client, f"Say exactly: {number}", stream=number != 1)
        answers = [await client.answer() for _ in range(3)]
    assert answers[0].stream.text == "0"
    assert answers[1].json["choices"][0]["message"]["content"] == "1"
    assert answers[2].stream.text == "2"


async def test_many_clients_that_leave_at_the_same_time_leave_nothing_behind() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, pace=50)) as service:
        tasks = len(asyncio.all_tasks())

        async def visit(number: int) -> None:
            async with service.connect() as client:
                await service.begin(client, "Tell me about rain", stream=number % 3 != 0)
                if number % 2:
                    await client.read_head() if number % 3 else await asyncio.sleep(0.1)

        await asyncio.gather(*(visit(number) for number in range(60)))
        await eventually(lambda: service.in_flight == 0)
        await eventually(lambda: not service.upstream.open_streams)
        await eventually(
            lambda: len(asyncio.all_tasks()) <= tasks, 60
        )  # idle connections are kept for a while
        assert len(service.server.service.running) == 0
