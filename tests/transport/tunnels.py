"""Proxies on this machine that lead to one server."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.eventually import eventually

CREDENTIALS = "me:canary%40pass"
AUTHORIZATION = b"Proxy-Authorization: Basic bWU6Y2FuYXJ5QHBhc3M="


class Tunnels:
    """An HTTP proxy that connects, or a SOCKS5 proxy with user and password; always to one server."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.heads: list[bytes] = []
        self.wanted: list[tuple[str, int]] = []
        self.password = b"canary@pass"
        self.writers: list[asyncio.StreamWriter] = []
        self.answer = b"HTTP/1.1 200 Connection established\r\n\r\n"

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            if b" 200 " in self.answer:
                await self._join(reader, writer)
        writer.close()

    async def socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            _, methods = await reader.readexactly(2)
            await reader.readexactly(methods)
            writer.write(b"\x05\x02")
            _, length = await reader.readexactly(2)
            await reader.readexactly(length)
            [length] = await reader.readexactly(1)
            good = await reader.readexactly(length) == self.password
            writer.write(b"\x01\x00" if good else b"\x01\x01")
            _, _, _, kind = await reader.readexactly(4)
            size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
            raw = await reader.readexactly(size)
            host = raw.decode() if kind == 3 else socket.inet_ntop(socket.AF_INET, raw)
            [port] = struct.unpack("!H", await reader.readexactly(2))
            self.wanted.append((host, port))
            writer.write(b"\x05\x00\x00\x01\0\0\0\0\0\0")
            await self._join(reader, writer)
        writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, out = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers.append(out)

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
            sink.close()

        await asyncio.gather(pass_on(reader, out), pass_on(there, writer))


@asynccontextmanager
async def tunnels(
    target: int, kind: str = "http", tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Tunnels, int]]:
    """A proxy of this kind to the server at the port `target`, and its own port."""
    made, serving = Tunnels(target), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal serving
        serving += 1
        await (made.socks if kind == "socks5" else made.http)(reader, writer)
        serving -= 1

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield made, listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for writer in made.writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in made.writers), return_exceptions=True)
        await eventually(lambda: not serving)
