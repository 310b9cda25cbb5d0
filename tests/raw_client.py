"""An HTTP client that hides nothing: one connection, bytes as they come, and answers taken apart."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.eventually import holds_within
from transport.chunked import ChunkedDecoder

Headers = Mapping[str, str]

LINE_BREAKERS = {chr(code) for code in (*range(32), 0x7F, 0x85, 0x2028, 0x2029)} - {"\n"}


@dataclass(frozen=True)
class Answer:
    """One whole answer; header names in lower case."""

    status: int
    header_lines: tuple[tuple[str, str], ...]
    body: bytes

    @cached_property
    def headers(self) -> dict[str, str]:
        return dict(self.header_lines)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """What is under `error` in the envelope, which must be all there is."""
        envelope = self.json
        assert list(envelope) == ["error"]
        assert set(envelope["error"]) == {"message", "type", "param", "code"}
        return dict(envelope["error"])

    @cached_property
    def stream(self) -> "EventStream":
        return EventStream.of(self.body)


@dataclass(frozen=True, slots=True)
class EventStream:
    """A streamed completion, checked for the framing that all clients understand."""

    events: tuple[str, ...]
    """Each event or comment as it stood between blank lines."""
    chunks: tuple[dict[str, Any], ...]
    """The completion chunks; an error event is none."""
    errors: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, body: bytes) -> "EventStream":
        assert body.endswith(b"\n\n"), "the last event is not finished"
        text = body.decode()
        assert LINE_BREAKERS.isdisjoint(text), "some clients would see a line end there"
        events = tuple(text[:-2].split("\n\n"))
        data = []
        for event in events:
            assert event.startswith(("data: ", ": ")), event
            assert "\n" not in event, event
            assert len(event) < 60_000
            if event.startswith("data: ") and event != "data: [DONE]":
                data.append(json.loads(event[6:]))
        return cls(
            events,
            tuple(item for item in data if "error" not in item),
            tuple(item["error"] for item in data if "error" in item),
        )

    @property
    def done(self) -> bool:
        return "data: [DONE]" in self.events

    @property
    def pings(self) -> int:
        return self.events.count(": ping")

    @property
    def deltas(self) -> list[dict[str, Any]]:
        return [chunk["choices"][0]["delta"] for chunk in self.chunks if chunk["choices"]]

    @property
    def text(self) -> str:
        return "".join(delta.get("content", "") for delta in self.deltas)

    @property
    def finish_reasons(self) -> list[str]:
        """Those that are not null."""
        reasons = (chunk["choices"][0]["finish_reason"] for chunk in self.chunks if chunk["choices"])
        return [reason for reason in reasons if reason is not None]


class Connection:
    """One connection to the service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder: ChunkedDecoder | None = None
        self._length: int | None = None
        self._content = b""
        self.status = 0
        self.header_lines: tuple[tuple[str, str], ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.header_lines)

    async def send(self, method: str, path: str, headers: Headers, body: bytes = b"") -> None:
        """Send a request; a body gets its Content-Length unless the headers say how it comes."""
        lines = [f"{method} {path} HTTP/1.1"]
        if "Host" not in headers:
            lines.append("Host: 127.0.0.1")
        if body and "Transfer-Encoding" not in headers and "Content-Length" not in headers:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.send_raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    async def send_raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def read_head(self) -> None:
        """Read up to the body, past any 1xx."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        self.status = int(first.split(" ")[1])
        if self.status < 200:
            return await self.read_head()
        pairs = (line.partition(":") for line in lines)
        self.header_lines = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        chunked = self.headers.get("transfer-encoding") == "chunked"
        self._decoder = ChunkedDecoder() if chunked else None
        self._length = None if chunked else int(self.headers.get("content-length", "0"))
        self._content = b""

    async def read_event(self) -> str:
        """The next event or comment of a stream, without the blank line behind it."""
        while b"\n\n" not in self._content:
            assert await self._more(), "the stream has ended"
        event, _, self._content = self._content.partition(b"\n\n")
        return event.decode()

    async def read_until(self, wanted: str) -> None:
        """Skip events up to one that has `wanted` in it."""
        while wanted not in await self.read_event():
            pass

    async def read_until_content(self) -> None:
        """Read the head of a stream and its first text."""
        await self.read_head()
        await self.read_until('"delta":{"content"')

    @property
    def ended(self) -> bool:
        """Whether all of a chunked body is received."""
        return self._decoder is not None and self._decoder.ended

    async def read_piece(self) -> bytes:
        """What comes next of the body, cut anywhere; empty at its end. Raises EOFError if it is cut."""
        await self._more()
        content, self._content = self._content, b""
        return content

    async def read_rest(self) -> bytes:
        """The rest of the body. Raises EOFError if it is cut."""
        while await self._more():
            pass
        content, self._content = self._content, b""
        return content

    async def answer(self, *, to_head: bool = False) -> Answer:
        """Read one whole answer."""
        await self.read_head()
        return Answer(self.status, self.header_lines, b"" if to_head else await self.read_rest())

    async def closed_within(self, seconds: float) -> bool:
        """Whether the service closes the connection in that time, in which this process could run; what it
        still sends is dropped.
        """
        reading = asyncio.ensure_future(self._read_to_the_end())
        closed = await holds_within(reading.done, seconds)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        return closed

    async def _read_to_the_end(self) -> None:
        with suppress(ConnectionError):
            while await self._reader.read(65536):
                pass

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self._writer.write_eof()

    def close(self, *, reset: bool = False) -> None:
        """Leave, unless the service has closed the connection already."""
        if reset and not self._writer.is_closing():
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        self._writer.close()

    async def _more(self) -> bool:
        """Take some more of the body; False when it is complete."""
        if self._decoder is None:
            assert self._length is not None
            if len(self._content) >= self._length:
                return False
        elif self._decoder.ended:
            return False
        data = await self._reader.read(65536)
        if not data:
            raise EOFError("the body is cut")
        self._content += self._decoder.feed(data) if self._decoder else data
        return True


@asynccontextmanager
async def connect(port: int, *, receive_buffer: int = 0, source: str = "") -> AsyncIterator[Connection]:
    """A connection to 127.0.0.1, closed at the end.

    `receive_buffer`: bytes the client's side holds. `source`: the address that it comes from, in 127.0.0.0/8.
    """
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        if source:
            sock.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    limit = min(receive_buffer or 65536, 65536)
    reader, writer = await asyncio.open_connection(sock=sock, limit=limit)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
