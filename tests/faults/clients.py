"""What the client does, from asking and reading to leaving in every phase."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from tests.eventually import eventually, go_on, promptly
from tests.faults.cells import Shape
from tests.raw_client import Answer, Connection
from tests.service.deployment import CHAT, JSON_TYPE, KEY, question
from transport import KeepRules

if TYPE_CHECKING:
    from tests.faults.stage import Stage

Behaviour = Callable[["Stage", Connection], Awaitable[Answer | None]]
Way = Literal["close", "reset", "half-close"]
IMAGES = "/v1/images/generations"
PATIENCE = 30.0
"""Seconds in which every script comes to its mark, however busy the machine is."""
NOTICED_WITHIN = 1.0
"""Seconds, as promised. Those in which this process gets no time, on a busy machine, do not count."""
RESTS = KeepRules().settling + 0.1
"""Seconds after which a connection of the backend serves again."""


def request_bytes(shape: Shape) -> bytes:
    """The request of this shape, as it goes over the wire."""
    if shape.images:
        path, body = IMAGES, json.dumps({"model": "dall-e-3", "prompt": "A cat"}).encode()
    else:
        path, body = CHAT, json.dumps(question(stream=shape.stream)).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {KEY}"]
    lines += [f"{name}: {value}" for name, value in JSON_TYPE.items()]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def asks(stage: "Stage", client: Connection) -> Answer | None:
    """Ask, and read everything."""
    await client.send_raw(request_bytes(stage.cell.shape))
    return await _read(stage, client)


async def asks_twice(stage: "Stage", client: Connection) -> Answer | None:
    """Ask again on the same connection."""
    await asks(stage, client)
    return await asks(stage, client)


async def asks_again(stage: "Stage", client: Connection) -> Answer | None:
    """Ask again when the backend's connection is kept, and the script has come to its mark."""
    await asks(stage, client)
    await eventually(lambda: stage.service.in_flight == 0, PATIENCE)
    await asyncio.sleep(RESTS)
    play = stage.backend.play
    play.seen.clear()
    play.rested.set()
    await _wait(play.reached)
    return await asks(stage, client)


async def sends_its_body_late(stage: "Stage", client: Connection) -> Answer | None:
    """Send the head of a request, and the rest when the script has come to its mark."""
    head, _, body = request_bytes(stage.cell.shape).partition(b"\r\n\r\n")
    await client.send_raw(head + b"\r\n\r\n")
    await _wait(stage.backend.play.reached)
    await client.send_raw(body)
    return await _read(stage, client)


async def asks_twice_at_once(stage: "Stage", client: Connection) -> Answer | None:
    """Send a second request without waiting for the first answer."""
    await client.send_raw(2 * request_bytes(stage.cell.shape))
    await _read(stage, client)
    return await _read(stage, client)


async def adds_a_line_end(stage: "Stage", client: Connection) -> Answer | None:
    """Send an empty line after the body, as some old clients do."""
    await client.send_raw(request_bytes(stage.cell.shape) + b"\r\n")
    return await _read(stage, client)


async def sends_byte_by_byte(stage: "Stage", client: Connection) -> Answer | None:
    """Send the request in small pieces."""
    request = request_bytes(stage.cell.shape)
    for at in range(0, len(request), 3):
        await client.send_raw(request[at : at + 3])
        await asyncio.sleep(0)
    return await _read(stage, client)


async def reads_late(stage: "Stage", client: Connection) -> Answer | None:
    """Read nothing for a while."""
    await client.send_raw(request_bytes(stage.cell.shape))
    await asyncio.sleep(0.5)
    return await _read(stage, client)


def leaves(way: Way, *, after: bytes = b"") -> Behaviour:
    """Ask, and leave when the script comes to its mark. `after` are bytes sent behind the request."""

    async def behaviour(stage: "Stage", client: Connection) -> Answer | None:
        await client.send_raw(request_bytes(stage.cell.shape) + after)
        if stage.cell.fault.begun and stage.cell.shape.stream:
            await client.read_until_content()
            stage.backend.play.seen.set()
        await _wait(stage.backend.play.reached)
        await _leave(client, way)
        await promptly(stage.backend.left, NOTICED_WITHIN)
        return None

    return behaviour


def leaves_in_the_body(way: Way) -> Behaviour:
    """Leave when half of the request is sent."""

    async def behaviour(stage: "Stage", client: Connection) -> Answer | None:
        request = request_bytes(stage.cell.shape)
        await client.send_raw(request[:-20])
        await go_on(0.1)
        await _leave(client, way)
        return None

    return behaviour


def leaves_the_queue(way: Way, *, after: bytes = b"") -> Behaviour:
    """Leave while another request has the only slot of the key; then that one leaves too."""

    async def behaviour(stage: "Stage", client: Connection) -> Answer | None:
        async with stage.service.connect() as first:
            await first.send_raw(request_bytes(stage.cell.shape))
            await _wait(stage.backend.play.reached)
            await client.send_raw(request_bytes(stage.cell.shape) + after)
            await eventually(lambda: stage.waiting == 1, PATIENCE)
            await _leave(client, way)
            await promptly(lambda: stage.waiting == 0, NOTICED_WITHIN)
        return None

    return behaviour


async def sees_the_service_stop(stage: "Stage", client: Connection) -> Answer | None:
    """Ask; the service ends its answers, as it does on SIGTERM, when the script comes to its mark."""
    await client.send_raw(request_bytes(stage.cell.shape))
    reading = asyncio.create_task(_read(stage, client))
    await _wait(stage.backend.play.reached)
    await stage.service.server.service.running.drain(0)
    return await reading


async def _read(stage: "Stage", client: Connection) -> Answer:
    """The whole answer; the backend's script is told when there is some text of a stream."""
    await client.read_head()
    body = b""
    if "event-stream" in client.headers.get("content-type", ""):
        while not (stage.backend.play.seen.is_set() or client.ended):
            body += await client.read_piece()
            if b'"delta":{"content"' in body:
                stage.backend.play.seen.set()
    return Answer(client.status, client.header_lines, body + await client.read_rest())


async def _wait(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()


async def _leave(client: Connection, way: Way) -> None:
    if way == "half-close":
        client.half_close()
        with suppress(OSError, EOFError):
            await client.closed_within(PATIENCE)
    else:
        client.close(reset=way == "reset")
