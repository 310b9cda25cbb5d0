"""Stands between the service and a Redis, and counts what goes through: commands, round trips and bytes."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields
from typing import Final

READ_BYTES: Final = 1 << 20
_NUMBER: Final = re.compile(rb"[*$](\d+)\r\n")


@dataclass(slots=True)
class Traffic:
    """What has gone through since the beginning, from all connections."""

    commands: int = 0
    """A script is one."""
    round_trips: int = 0
    """Commands that were sent without waiting for the answers between them are one."""
    sent: int = 0
    received: int = 0
    """Bytes to and from the Redis."""

    def since(self, before: "Traffic") -> "Traffic":
        """What has gone through after `before`, an earlier copy."""
        return Traffic(*(getattr(self, each.name) - getattr(before, each.name) for each in fields(Traffic)))


class Commands:
    """Counts the commands in a stream of them: arrays of strings, of which each says its length."""

    def __init__(self) -> None:
        self._left = b""
        self._skip = 0

    def take(self, data: bytes) -> int:
        """How many commands begin in the next bytes."""
        count, data = 0, self._left + data
        self._left = b""
        while True:
            skipped = min(self._skip, len(data))
            data, self._skip = data[skipped:], self._skip - skipped
            if not data:
                return count
            if (number := _NUMBER.match(data)) is None:
                self._left = data
                return count
            if data[:1] == b"*":
                count += 1
            else:
                self._skip = int(number[1]) + len("\r\n")
            data = data[number.end() :]


@asynccontextmanager
async def counting_proxy(port: int) -> AsyncIterator[tuple[int, Traffic]]:
    """While it listens: its port, and what has gone to the server at `port` through it."""
    traffic = Traffic()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", port)
        commands, waits = Commands(), [True]

        def sent(data: bytes) -> None:
            traffic.round_trips += waits[0]
            waits[0] = False
            traffic.commands += commands.take(data)
            traffic.sent += len(data)

        def received(data: bytes) -> None:
            waits[0] = True
            traffic.received += len(data)

        await asyncio.gather(_copy(reader, there[1], sent), _copy(there[0], writer, received))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], traffic
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Callable[[bytes], None]
) -> None:
    try:
        with suppress(OSError):
            while data := await reader.read(READ_BYTES):
                note(data)
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
