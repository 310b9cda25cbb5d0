"""A client that stops reading stops its upstream, costs little memory, and is cut off in the end."""

import asyncio
import socket
from typing import Any

import pytest

from simulator import Knobs
from tests.service.deployment import Deployment, deployed, eventually
from tests.service.test_client_gone import stopped_sending

FLOOD = "Tell me about rain [[sim tokens=20000]]"


async def test_client_that_stops_reading_stops_the_upstream() -> None:
    async with deployed() as service, service.connect(receive_buffer=4096) as client:
        await service.begin(client, FLOOD)
        await client.read_head()
        assert await stopped_sending(lambda: service.last_stream.bytes)
        assert service.last_stream.is_open
        # Each record makes a chunk of some 200 bytes: what has passed is what the sockets hold.
        assert service.last_stream.records < 20_000 * 0.9


async def test_client_that_reads_on_after_a_pause_gets_everything() -> None:
    asked = "Tell me about rain [[sim tokens=3000]]"
    async with deployed() as service, service.connect(receive_buffer=4096) as client:
        await service.begin(client, asked)
        await client.read_head()
        await asyncio.sleep(0.5)
        rest = (await client.read_rest()).decode()
        whole = await service.chat(asked)
    assert rest.endswith("data: [DONE]\n\n")
    assert whole.json["usage"]["completion_tokens"] > 2000
    assert rest.count("data: ") > 2000


async def test_other_clients_are_served_while_one_does_not_read() -> None:
    async with deployed() as service, service.connect(receive_buffer=4096) as client:
        await service.begin(client, FLOOD)
        assert await stopped_sending(lambda: service.last_stream.bytes)
        assert (await service.chat("Hello", stream=True)).stream.done


async def test_client_that_does_not_read_for_too_long_is_cut_off() -> None:
    async with (
        deployed({"WRITE_TIMEOUT": "0.5", "KEEPALIVE_INTERVAL": "0.2"}) as service,
        service.connect(receive_buffer=4096) as client,
    ):
        await service.begin(client, FLOOD)
        assert await eventually(lambda: service.requests("client_gone") == 1, 4)
        assert service.last_stream.outcome == "client_closed"
        assert await client.closed_within(4), "the client's connection is closed too"


async def test_client_that_reads_slowly_is_not_cut_off() -> None:
    async with (
        deployed({"WRITE_TIMEOUT": "0.5", "KEEPALIVE_INTERVAL": "0.1"}) as service,
        service.connect() as client,
    ):
        await service.begin(client, "Repeat after me: one two three [[sim silence=1.5]]")
        await asyncio.sleep(1)
        assert (await client.answer()).stream.done


def shrink_send_buffers(service: Deployment) -> None:
    """Let the kernel hold next to nothing on the service's side; new connections inherit it."""
    http: Any = service.server.http
    for listener in http._sockets.values():
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


X = "x" * 100_000


@pytest.mark.parametrize("stream", [True, False])
async def test_limit_holds_for_the_last_words_too(stream: bool) -> None:
    async with deployed(
        {"WRITE_TIMEOUT": "0.3", "KEEPALIVE_INTERVAL": "0.1"}, Knobs(step=100_000, cap=0)
    ) as service:
        shrink_send_buffers(service)
        async with service.connect(receive_buffer=4096) as client:
            # The text may be the start of the stop sequence up to its end, so all of it comes last.
            await service.begin(client, f"Repeat after me: {X}", stop=X + "y", stream=stream)
            assert await eventually(lambda: service.upstream.accepted == 1)
            await asyncio.sleep(0.8)
            assert service.in_flight == 0
            with pytest.raises((EOFError, ConnectionResetError)):
                await client.answer()
