"""Wires: what carries the bytes of a stream to the client, HTTP here, WebSocket in `websocket`."""

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from typing import Protocol, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import RequestHandler

WRITES_PER_YIELD = 64
"""After so many writes other tasks have their turn."""
TRICKLE_SECONDS = 0.05
"""The time between two bytes of a `TrickleWire`."""


class Wire(Protocol):
    """Carries the bytes of one event stream.

    `survives_disconnect`: the stream goes on without its connection, to which the client may come back.
    """

    survives_disconnect: bool

    async def send(self, data: bytes) -> None:
        """Send bytes and wait until the network takes them. Raises ConnectionError if the client is gone."""
        ...

    async def flush(self) -> None:
        """Send what is kept back for a full write. Raises ConnectionError if the client is gone."""
        ...

    def limit_writes(self, size: int) -> None:
        """From now on `size` bytes per network write; 0 for one write per `send`."""
        ...

    async def end_body(self) -> None:
        """End the body properly."""
        ...

    def drop(self, *, reset: bool) -> None:
        """Close the connection before the end of the body, with RST or with FIN."""
        ...


def connection_stream(handler: RequestHandler) -> IOStream:
    """The stream of the connection on which a request came."""
    return cast(HTTP1Connection, handler.request.connection).stream


def drop_connection(stream: IOStream, *, reset: bool) -> None:
    """Close a connection at once, with RST or with FIN."""
    if reset and not stream.closed():
        linger = struct.pack("ii", 1, 0)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    stream.close()


class SplittingWire(ABC):
    """A wire that sends in network writes of `size` bytes; 0: one write per `send`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._buffer = bytearray()
        self._writes = 0

    def limit_writes(self, size: int) -> None:
        """See `Wire`."""
        self._size = size

    async def send(self, data: bytes) -> None:
        """See `Wire`."""
        if not self._size:
            await self._one_write(data)
            return
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= self._size:
            await self._one_write(bytes(self._buffer[start : start + self._size]))
            start += self._size
        del self._buffer[:start]

    async def flush(self) -> None:
        """See `Wire`."""
        if self._buffer:
            rest = bytes(self._buffer)
            self._buffer.clear()
            await self._one_write(rest)

    async def _one_write(self, data: bytes) -> None:
        await self._write(data)
        self._writes += 1
        if self._writes % WRITES_PER_YIELD == 0:
            # A client that reads as fast as this writes would otherwise occupy the event loop.
            await asyncio.sleep(0)

    @abstractmethod
    async def _write(self, data: bytes) -> None:
        """One network write. Raises ConnectionError if the client is gone."""


class HttpWire(SplittingWire):
    """A chunked HTTP body; `size` as in `SplittingWire`."""

    survives_disconnect = False

    def __init__(self, handler: RequestHandler, size: int) -> None:
        super().__init__(size)
        self._handler = handler
        self._stream = connection_stream(handler)

    async def open(self, content_type: str) -> None:
        """Send the headers of a 200. Raises ConnectionError if the client is gone."""
        self._stream.set_nodelay(True)
        self._handler.set_header("Content-Type", content_type)
        self._handler.set_header("Cache-Control", "no-cache")
        await self._write(b"")

    async def end_body(self) -> None:
        """Nothing to do: the body ends when the handler returns."""

    def drop(self, *, reset: bool) -> None:
        """See `Wire`."""
        drop_connection(self._stream, reset=reset)

    async def _write(self, data: bytes) -> None:
        try:
            if data:
                self._handler.write(data)
            await self._handler.flush()
        except StreamClosedError:
            raise ConnectionError("the client is gone") from None


class TrickleWire:
    """A wire that sends one byte at a time, `TRICKLE_SECONDS` apart, on another wire."""

    def __init__(self, wire: Wire) -> None:
        wire.limit_writes(1)
        self._wire = wire
        self.survives_disconnect = wire.survives_disconnect
        self.flush = wire.flush
        self.end_body = wire.end_body
        self.limit_writes = wire.limit_writes
        self.drop = wire.drop

    async def send(self, data: bytes) -> None:
        """See `Wire`."""
        for index in range(len(data)):
            await asyncio.sleep(TRICKLE_SECONDS)
            await self._wire.send(data[index : index + 1])
