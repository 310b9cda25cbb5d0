"""A server that answers one request after the other on a connection, as its answers say."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.upstream.rig import CERTIFICATE

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(eq=False)
class Peer:
    """One connection: the request lines and bodies that came, and the writer to break it with."""

    writer: asyncio.StreamWriter
    requests: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class KeepingServer:
    """`answer` gives the bytes for a request, or None to close instead; it may look at the peer."""

    answer: Callable[[Peer], bytes | None] = lambda _: OK
    peers: list[Peer] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def requests(self) -> list[int]:
        """How many came on each connection."""
        return [len(peer.requests) for peer in self.peers]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(writer)
        self.peers.append(peer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                body = await reader.readexactly(int(length or b"0"))
                peer.requests.append(head + body)
                if (answer := self.answer(peer)) is None:
                    break
                writer.write(answer)
        peer.closed.set()
        writer.close()


def server_context() -> ssl.SSLContext:
    """That of a server called `NAME`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_suffix(".key"))
    return context


@asynccontextmanager
async def keeping_server(
    answer: Callable[[Peer], bytes | None] = lambda _: OK, tls: ssl.SSLContext | None = None
) -> AsyncIterator[KeepingServer]:
    """Serve on 127.0.0.1."""
    server = KeepingServer(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for peer in server.peers:
            peer.writer.close()
        closing = (peer.writer.wait_closed() for peer in server.peers)
        await asyncio.gather(*closing, return_exceptions=True)
