"""https: the certificate is always checked."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.scripted_server import ScriptedServer, fin, send, stall
from tests.upstream.rig import CERTIFICATE, NAME, PATIENT, PAYLOAD, PREFIX, Reader, nothing_left, stream
from upstream import Aborted, ConnectFailed, Exchange, HttpClient, Timeouts

pytestmark = pytest.mark.timeout(seconds=60)

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


async def converse(address: str, exchange: Exchange, timeouts: Timeouts = PATIENT) -> bytes:
    reader = Reader()
    async with nothing_left():
        client = HttpClient(address, PREFIX, timeouts)
        try:
            await stream(client, reader, exchange)
        finally:
            client.close()
    return reader.content


@pytest.mark.usefixtures("name_is_local")
async def test_trusted_certificate_with_the_right_name_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with tls_server() as port:
        assert await converse(f"https://{NAME}:{port}", Exchange()) == b"data: 1\n\n"


@pytest.mark.usefixtures("name_is_local")
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


@pytest.mark.usefixtures("name_is_local")
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
