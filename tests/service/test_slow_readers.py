"""A client that stops reading stops its upstream, costs little memory, and is cut off in the end."""

import asyncio
import json

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.service.deployment import deployed

FLOOD = "Tell me about rain [[sim tokens=20000]]"


async def test_client_that_stops_reading_stops_the_upstream() -> None:
    async with deployed() as service, service.connect(receive_buffer=4096) as client:
        await service.begin(client, FLOOD)
        await client.read_head()
        await service.upstream_stalls()
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
        whole = (await service.chat(asked)).json
    *chunks, done = [line[6:] for line in rest.split("\n") if line.startswith("data: ")]
    assert done == "[DONE]"
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
    assert whole["usage"]["completion_tokens"] > 2000
    assert "".join(delta.get("content", "") for delta in deltas) == whole["choices"][0]["message"]["content"]


async def test_other_clients_are_served_while_one_does_not_read() -> None:
    async with deployed() as service, service.connect(receive_buffer=4096) as client:
        await service.begin(client, FLOOD)
        await service.upstream_stalls()
        assert (await service.chat("Hello", stream=True)).stream.done


async def test_client_that_does_not_read_for_too_long_is_cut_off() -> None:
    async with (
        deployed({"WRITE_TIMEOUT": "0.5", "KEEPALIVE_INTERVAL": "0.2"}) as service,
        service.connect(receive_buffer=4096) as client,
    ):
        await service.begin(client, FLOOD)
        await eventually(lambda: service.requests("client_gone") == 1)
        await eventually(lambda: service.last_stream.outcome == "client_closed")
        assert await client.closed_within(4), "the client's connection is closed too"


async def test_client_that_reads_slowly_is_not_cut_off() -> None:
    async with (
        deployed({"WRITE_TIMEOUT": "0.5", "KEEPALIVE_INTERVAL": "0.1"}) as service,
        service.connect() as client,
    ):
        await service.begin(client, "Repeat after me: one two three [[sim silence=1.5]]")
        await asyncio.sleep(1)
        assert (await client.answer()).stream.done


X = "x" * 1_000_000
"""More than the buffers of both ends hold."""


async def test_limit_holds_for_a_whole_answer_too() -> None:
    async with (
        deployed({"WRITE_TIMEOUT": "0.3", "TEXT_FILE_BYTES": "0"}, Knobs(step=len(X), cap=0)) as service,
        service.connect(receive_buffer=4096) as client,
    ):
        await service.begin(client, f"Repeat after me: {X}", stream=False)
        await eventually(lambda: service.requests("ok") == 1)
        assert service.in_flight == 0
        await asyncio.sleep(0.6)  # on the same loop as the limit, which therefore comes first
        with pytest.raises((EOFError, ConnectionResetError)):
            await client.answer()
