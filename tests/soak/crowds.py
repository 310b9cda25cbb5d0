"""Crowds that hold a limit of the service each, all at once: who comes, and what they do until they leave."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager, suppress

from tests.raw_client import connect
from tests.service.deployment import CHAT
from tests.soak.world import MIB, World, address, request
from tests.stalled_readers import stalled_reader

Crowd = Callable[[World], AbstractAsyncContextManager[None]]
"""Is there while it is used, and has left afterwards."""

UPLOADS = 40
READERS = 500
SILENT = 1000
OVERSIZED = 32 * MIB
COME_WITHIN = 60.0
"""Seconds in which all readers have their answers begun, however busy the machine is."""
FIRST_READER, FIRST_SILENT, FIRST_UPLOAD = 1000, 3000, 6000
"""Numbers of clients; each has an address of its own."""


def tiny_things() -> bytes:
    """A body as large as is allowed, of millions of empty lists."""
    head, tail = b'{"model": "gpt-4-s", "messages": [', b"[]]}"
    return head + b"[]," * ((OVERSIZED - len(head) - len(tail)) // 3) + tail


@asynccontextmanager
async def oversized_body(world: World) -> AsyncIterator[None]:
    """One request with a body of tiny things; whatever the answer is, there is one."""
    async with world.connect(1) as client:
        await client.send_raw(request("POST", CHAT, "fk-oversized", tiny_things()))
        answer = await client.answer()
        assert answer.status in (400, 413, 503), answer.status
        yield


@asynccontextmanager
async def abandoned_uploads(world: World) -> AsyncIterator[None]:
    """Clients that send nearly all of a large body, stop, and leave."""
    part = request("POST", CHAT, "fk-upload", b"x" * (31 * MIB), 32 * MIB)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(connect(world.port, source=address(FIRST_UPLOAD + number)))
            for number in range(UPLOADS)
        ]

        async def upload(number: int) -> None:
            with suppress(OSError, TimeoutError):  # the service may refuse to take it, or to read on
                async with asyncio.timeout(10):
                    await clients[number].send_raw(part)

        await asyncio.gather(*map(upload, range(UPLOADS)))
        yield
        for client in clients:
            client.close(reset=True)


@asynccontextmanager
async def stalled_readers(world: World) -> AsyncIterator[None]:
    """Clients that ask for a long stream and do not read it."""
    with ExitStack() as stack:
        for number in range(READERS):
            who = address(FIRST_READER + number)
            stack.enter_context(stalled_reader(world.port, f"fk-reader-{number}", who))
            if number % 20 == 19:
                await asyncio.sleep(0.02)
        async with asyncio.timeout(COME_WITHIN):
            while await _in_flight(world) < READERS:
                pass
        yield


async def _in_flight(world: World) -> int:
    """How many answers are being made, a moment from now."""
    await asyncio.sleep(0.1)
    return int((await world.ask("/readyz")).json["in_flight"])


@asynccontextmanager
async def silent_connections(world: World) -> AsyncIterator[None]:
    """Clients that say nothing."""
    async with AsyncExitStack() as stack:
        for number in range(SILENT):
            with suppress(OSError):
                await stack.enter_async_context(connect(world.port, source=address(FIRST_SILENT + number)))
        yield


@asynccontextmanager
async def everybody(world: World) -> AsyncIterator[None]:
    """All of them together."""
    async with AsyncExitStack() as stack:
        for crowd in reversed(EACH):
            await stack.enter_async_context(crowd(world))
        yield


EACH: tuple[Crowd, ...] = (oversized_body, abandoned_uploads, stalled_readers, silent_connections)
