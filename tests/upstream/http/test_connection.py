"""What `upstream.http.connection` relies on beyond Tornado's and asyncio's public interfaces.

That the names do what is needed shows in the tests of each state; here an upgrade that drops or changes
one fails by name.
"""

import asyncio
import gc
import inspect
import weakref
from collections.abc import Sequence
from contextlib import suppress

import pytest
from tornado.http1connection import HTTP1Connection
from tornado.simple_httpclient import SimpleAsyncHTTPClient, _HTTPConnection

from tests.scripted_server import ScriptedServer, Verb, rst
from tests.upstream.rig import ANSWER, PATIENT, Reader, rig
from upstream import Exchange, UpstreamError
from upstream.http.connection import (
    AbortableClient,
    AbortableConnection,
    BulkReadingConnection,
    UpstreamRequest,
)
from upstream.http.receiver import ResponseReceiver


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (SimpleAsyncHTTPClient, "_connection_class", ["self"]),
        (SimpleAsyncHTTPClient, "fetch_impl", ["self", "request", "callback"]),
        (SimpleAsyncHTTPClient, "_on_timeout", ["self", "key", "info"]),
        (_HTTPConnection, "run", ["self"]),
        (_HTTPConnection, "_handle_exception", ["self", "typ", "value", "tb"]),
        (_HTTPConnection, "_create_connection", ["self", "stream"]),
        (_HTTPConnection, "headers_received", ["self", "first_line", "headers"]),
        (_HTTPConnection, "data_received", ["self", "chunk"]),
        (_HTTPConnection, "finish", ["self"]),
        (_HTTPConnection, "on_connection_close", ["self"]),
        (HTTP1Connection, "_read_chunked_body", ["self", "delegate"]),
    ],
)
def test_private_method_is_still_there(owner: type, name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


@pytest.mark.parametrize(
    ("ours", "base"),
    [
        (AbortableClient, SimpleAsyncHTTPClient),
        (AbortableConnection, _HTTPConnection),
        (BulkReadingConnection, HTTP1Connection),
    ],
)
def test_methods_meant_as_overrides_override_something(ours: type, base: type) -> None:
    own_helpers = {"_abort", "_stop_connecting"}
    methods = {name for name, value in vars(ours).items() if inspect.isfunction(value)}
    assert {name for name in methods - own_helpers if not hasattr(base, name)} == set()


async def test_waiting_task_names_what_it_waits_for() -> None:
    future = asyncio.get_running_loop().create_future()

    async def wait() -> None:
        await future

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    assert task._fut_waiter is future  # type: ignore[attr-defined]
    future.set_result(None)
    await task


async def test_client_has_tornados_queue_and_is_shared_with_nobody() -> None:
    first, second = AbortableClient(max_clients=3), AbortableClient(max_clients=4)
    assert first is not second
    assert (first.max_clients, len(first.queue)) == (3, 0)
    first.close()
    second.close()


async def test_nothing_of_a_request_stays_in_the_client() -> None:
    client = AbortableClient(max_clients=1)
    async with ScriptedServer(ANSWER) as server:
        receiver = ResponseReceiver(Exchange().begin(), PATIENT, Reader())
        await client.fetch(UpstreamRequest(receiver, server.url, "POST", body=b""), raise_error=False)
        receiver.ended()
    assert not client.active
    assert not client.waiting
    assert not client.queue
    client.close()


@pytest.mark.parametrize("script", [ANSWER, [rst()]], ids=["success", "failure"])
async def test_reader_is_let_go_once_its_exchange_is_over(script: Sequence[Verb]) -> None:
    reader = Reader()
    remembered = weakref.ref(reader)
    async with rig(script) as world:
        with suppress(UpstreamError):
            await world.stream(reader)
        del reader
        await asyncio.sleep(0.01)
        gc.collect()
        assert remembered() is None
