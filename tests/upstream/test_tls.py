"""https: the certificate is always checked.

The certificate is the self-signed one that Tornado ships for its own tests, made out to foo.example.com.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import tornado

from tests.scripted_server import ScriptedServer, fin, send, stall
from tests.upstream.rig import ME, PATIENT, PAYLOAD, POSTED, Client, Reader, nothing_left
from upstream import Aborted, ConnectFailed, Exchange, Timeouts

pytestmark = pytest.mark.timeout(seconds=10)

CERTIFICATE = Path(tornado.__file__).with_name("test") / "test.crt"
NAME = "foo.example.com"
WIRE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\ndata: 1\n\n"


@asynccontextmanager
async def tls_server(answer: bytes = WIRE) -> AsyncIterator[int]:
    """Answer each request, and leave closing to the client."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(PAYLOAD)
            writer.write(answer)
            await reader.read()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_suffix(".key"))
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
def _name_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *args, **kw: real("127.0.0.1", *args, **kw))


async def converse(address: str, exchange: Exchange, timeouts: Timeouts = PATIENT) -> bytes:
    reader = Reader()
    async with nothing_left():
        client = Client(address, timeouts)
        try:
            await client.converse(ME, POSTED, reader, exchange)
        finally:
            client.close()
    return reader.content


@pytest.mark.usefixtures("_name_is_local")
async def test_trusted_certificate_with_the_right_name_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with tls_server() as port:
        assert await converse(f"https://{NAME}:{port}", Exchange()) == b"data: 1\n\n"


@pytest.mark.usefixtures("_name_is_local")
async def test_untrusted_certificate_is_refused() -> None:
    exchange = Exchange()
    async with tls_server() as port:
        with pytest.raises(ConnectFailed, match="not trusted"):
            await converse(f"https://{NAME}:{port}", exchange)
    assert not exchange.reached_backend


async def test_certificate_for_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    exchange = Exchange()
    async with tls_server() as port:
        with pytest.raises(ConnectFailed, match="not trusted"):
            await converse(f"https://127.0.0.1:{port}", exchange)
    assert not exchange.reached_backend


async def test_server_that_does_not_speak_tls_is_a_failed_connect() -> None:
    exchange = Exchange()
    async with ScriptedServer(
        [send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), fin()], reads_request=False
    ) as server:
        with pytest.raises(ConnectFailed):
            await converse(f"https://127.0.0.1:{server.port}", exchange)
    assert not exchange.reached_backend


async def test_handshake_that_stalls_times_out_as_a_failed_connect() -> None:
    async with ScriptedServer([stall()], reads_request=False) as server:
        with pytest.raises(ConnectFailed) as caught:
            await converse(f"https://127.0.0.1:{server.port}", Exchange(), Timeouts(connect=0.1))
        assert "within" in str(caught.value)
        assert await server.connections[0].gone_within(1)


async def test_abort_in_the_handshake_closes_the_socket() -> None:
    exchange = Exchange()
    async with ScriptedServer([stall()], reads_request=False) as server:
        task = asyncio.create_task(converse(f"https://127.0.0.1:{server.port}", exchange))
        connection = await server.connected()
        exchange.abort()
        with pytest.raises(Aborted):
            await task
        assert await connection.gone_within(1)


@pytest.mark.usefixtures("_name_is_local")
@pytest.mark.parametrize("turns", range(0, 30, 2))
async def test_abort_at_any_turn_of_a_handshake_leaves_nothing_open(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    exchange = Exchange()
    async with tls_server(answer=b"") as port:
        task = asyncio.create_task(converse(f"https://{NAME}:{port}", exchange))
        for _ in range(turns):
            await asyncio.sleep(0)
        exchange.abort()
        with pytest.raises(Aborted):
            await task
