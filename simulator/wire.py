"""The connection to the client, with all that it can be made to do."""

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from typing import Protocol, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import RequestHandler

_TURN = 64  # writes before others have theirs


class Wire(Protocol):
    """Carries the bytes of one event stream. Raises ConnectionError once the client is gone.

    ``survives``: the stream outlives the connection, which may come back.
    """

    survives: bool

    async def send(self, data: bytes) -> None:
        """Take bytes; waits until the network took them, which is the backpressure."""
        ...

    async def flush(self) -> None:
        """Nothing that was sent stays behind."""
        ...

    def split(self, size: int) -> None:
        """From now on at most ``size`` bytes per network write; 0 for no limit."""
        ...

    async def end(self) -> None:
        """The body is over."""
        ...

    def cut(self, *, reset: bool) -> None:
        """Drop the connection: RST, or FIN without the end of the body."""
        ...


def connection_stream(handler: RequestHandler) -> IOStream:
    """The socket of a request."""
    return cast(HTTP1Connection, handler.request.connection).stream


def drop(stream: IOStream, *, reset: bool) -> None:
    """Close a connection at once, with RST if asked."""
    if reset and not stream.closed():
        linger = struct.pack("ii", 1, 0)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    stream.close()


class SplittingWire(ABC):
    """Cuts what is sent into network writes of ``size`` bytes; 0: one write per call."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept = bytearray()
        self._writes = 0

    def split(self, size: int) -> None:
        """See `Wire`."""
        self._size = size

    async def send(self, data: bytes) -> None:
        """See `Wire`."""
        if not self._size:
            await self._one_write(data)
            return
        self._kept += data
        start = 0
        while len(self._kept) - start >= self._size:
            await self._one_write(bytes(self._kept[start : start + self._size]))
            start += self._size
        del self._kept[:start]

    async def flush(self) -> None:
        """See `Wire`."""
        if self._kept:
            rest = bytes(self._kept)
            self._kept.clear()
            await self._one_write(rest)

    async def _one_write(self, data: bytes) -> None:
        await self._write(data)
        self._writes += 1
        if self._writes % _TURN == 0:
            # A client that reads as fast as we write must not keep the event loop from all others.
            await asyncio.sleep(0)

    @abstractmethod
    async def _write(self, data: bytes) -> None:
        """One network write."""


class HttpWire(SplittingWire):
    """A chunked HTTP body."""

    survives = False

    def __init__(self, handler: RequestHandler, size: int) -> None:
        super().__init__(size)
        self._handler = handler
        self._stream = connection_stream(handler)

    async def open(self, content_type: str) -> None:
        """Send the headers of a 200."""
        self._stream.set_nodelay(True)
        self._handler.set_header("Content-Type", content_type)
        self._handler.set_header("Cache-Control", "no-cache")
        await self._write(b"")

    async def end(self) -> None:
        """The handler ends the body when it returns."""

    def cut(self, *, reset: bool) -> None:
        """See `Wire`."""
        drop(self._stream, reset=reset)

    async def _write(self, data: bytes) -> None:
        try:
            if data:
                self._handler.write(data)
            await self._handler.flush()
        except StreamClosedError:
            raise ConnectionError("the client is gone") from None
