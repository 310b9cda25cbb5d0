"""200 clients that ask and never read: a bounded part of each answer is taken, and memory stays flat.

STALL_SECONDS=60 makes it a longer run; its figures are printed with `pytest -s`.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.usage import resident_bytes
from tests.eventually import eventually, go_on
from tests.processes import PLAIN, ask, listening_port, running
from tests.scripted_server import EVENT_STREAM, ScriptedServer, chunk, send, stall, status, without_accounts
from tests.stalled_readers import growing_answer, stalled_reader

READERS = 200
SECONDS = float(os.environ.get("STALL_SECONDS", "6"))
MAX_GROWTH_BYTES = 28 * 1024 * 1024 + READERS * 96 * 1024
"""Of the service: the vocabulary, and for each reader 32 KiB as for any open stream and 64 KiB more."""


async def still(count: Callable[[], int], seconds: float) -> bool:
    """Whether a number that grows stands still for two seconds, within that time."""
    until, before = time.monotonic() + seconds, -1
    while (now := count()) != before:
        if time.monotonic() > until:
            return False
        before = now
        await go_on(2)
    return True


async def test_readers_that_stall_stop_their_upstreams_and_do_not_fill_the_memory() -> None:
    answer = growing_answer()
    settings = {"PORT": "0", "KEEPALIVE_INTERVAL": "1", "CONVERSATION_ROUTE": "older", **PLAIN}
    script = [status(200, EVENT_STREAM), send(answer), chunk(b": over\n\n"), stall()]
    async with ScriptedServer(script, aside=without_accounts) as backend:
        with ExitStack() as stack:
            service = stack.enter_context(running(["server.py"], {"BASE_URL": backend.url} | settings))
            port = await asyncio.to_thread(listening_port, service)
            await asyncio.to_thread(ask, port, "GET", "/healthz")
            before = resident_bytes(service.pid)
            clients = [stack.enter_context(stalled_reader(port)) for _ in range(READERS)]
            began = time.monotonic()
            await backend.connected(READERS)

            def sent() -> int:
                return sum(connection.bytes_sent for connection in backend.connections)

            assert await still(sent, 30), "the upstreams go on"
            stalled, taken = resident_bytes(service.pid), sent()
            await asyncio.sleep(max(0.0, SECONDS - (time.monotonic() - began)))
            after = resident_bytes(service.pid)
            mib = [size >> 20 for size in (before, stalled, after, taken, READERS * len(answer))]
            print(
                "\n{} stalled readers for {:.0f} s: resident memory {} MiB before, {} when stalled,"
                " {} at the end; taken from upstream {} of {} MiB".format(
                    READERS, time.monotonic() - began, *mib
                )
            )
            assert after - before < MAX_GROWTH_BYTES
            assert after - stalled < MAX_GROWTH_BYTES / 2, "memory goes on growing"
            assert sent() == taken, "the upstreams go on"
            assert max(connection.bytes_sent for connection in backend.connections) < len(answer) * 0.9
            assert (await asyncio.to_thread(ask, port, "GET", "/readyz")).json["in_flight"] == READERS
            for client in clients:
                client.close()
            for connection in backend.connections:
                assert await connection.gone_within(10)
            await eventually(lambda: service.output.count("outcome=client_gone") == READERS)
            assert (await asyncio.to_thread(ask, port, "GET", "/readyz")).json["in_flight"] == 0
