"""A WebSocket against a server of Tornado, and against one that breaks the rules."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPInputError
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from tests.eventually import eventually
from tests.scripted_server import Connection, ScriptedServer, send, stall, status
from tests.transport.test_frames import frame
from tests.upstream.rig import nothing_left
from transport import Connector, NotUpgraded, WebSocketClient
from transport.frames import Opcode

pytestmark = pytest.mark.timeout(seconds=60)


class Echo(WebSocketHandler):
    """Sends back what it gets, and remembers who was there."""

    def initialize(self, seen: "list[Echo]") -> None:
        seen.append(self)
        self.pongs = 0

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return subprotocols[0] if subprotocols else None

    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))

    def on_pong(self, data: bytes) -> None:
        self.pongs += 1


@asynccontextmanager
async def echo_server() -> AsyncIterator[tuple[str, list[Echo]]]:
    seen: list[Echo] = []
    application = Application([(r"/socket", Echo, {"seen": seen})], log_function=lambda handler: None)
    server = HTTPServer(application)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        yield f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/socket?a=b", seen
    finally:
        server.stop()
        for each in seen:
            if each.ws_connection is not None and each.ws_connection.stream is not None:
                each.ws_connection.stream.close()
        await server.close_all_connections()


async def accept(connection: Connection) -> None:
    """Agree to the upgrade as a server does."""
    assert connection.request is not None
    key = connection.request.headers["sec-websocket-key"]
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    agreed = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": base64.b64encode(digest).decode(),
    }
    await status(101, agreed)(connection)


@asynccontextmanager
async def scripted(*verbs: Callable[..., object]) -> AsyncIterator[tuple[WebSocketClient, ScriptedServer]]:
    async with nothing_left(), ScriptedServer([accept, *verbs]) as server:  # type: ignore[list-item]
        socket = await WebSocketClient.open(Connector(), f"ws://127.0.0.1:{server.port}/", "p")
        yield socket, server
        socket.abort()


async def test_messages_go_there_and_back() -> None:
    async with nothing_left(), echo_server() as (url, seen):
        socket = await WebSocketClient.open(Connector(), url, "p.v1")
        for text in ("hello", "", "你好 🔥", "x" * 100_000):
            socket.write(text)
            assert await socket.read() == text
        assert seen[0].selected_subprotocol == "p.v1"
        assert seen[0].get_query_argument("a") == "b"
        socket.abort()


async def test_subprotocol_is_asked_for_only_where_there_is_one() -> None:
    async with nothing_left(), echo_server() as (url, seen):
        socket = await WebSocketClient.open(Connector(), url, "")
        socket.write("hello")
        assert await socket.read() == "hello"
        assert "Sec-WebSocket-Protocol" not in seen[0].request.headers
        socket.abort()


async def test_binary_messages_fragments_and_what_came_with_the_upgrade_are_read() -> None:
    async def agree_and_go_on(connection: Connection) -> None:
        await connection.write(frame(Opcode.BINARY, b"\xff") + frame(Opcode.TEXT, b"a", final=False))
        await connection.write(frame(Opcode.PING, b"?") + frame(Opcode.CONTINUATION, b"b"))

    async with scripted(agree_and_go_on, stall()) as (socket, _):
        assert await socket.read() == b"\xff"
        assert await socket.read() == "ab"


async def test_pings_of_the_server_are_answered() -> None:
    async with nothing_left(), echo_server() as (url, seen):
        socket = await WebSocketClient.open(Connector(), url, "p")
        reading = asyncio.create_task(socket.read())
        seen[0].ping(b"there?")
        await eventually(lambda: seen[0].pongs == 1)
        socket.abort()
        assert await reading is None


@pytest.mark.parametrize("alive", [True, False])
async def test_server_that_answers_no_ping_is_given_up(alive: bool) -> None:
    async with nothing_left():
        if alive:
            async with echo_server() as (url, _):
                socket = await WebSocketClient.open(Connector(), url, "p", ping_seconds=2)
                reading = asyncio.create_task(socket.read())
                await asyncio.sleep(4.5)
                assert not reading.done()
                socket.abort()
                await reading
        else:
            async with ScriptedServer([accept, stall()]) as server:
                url = f"ws://127.0.0.1:{server.port}/"
                socket = await WebSocketClient.open(Connector(), url, "p", ping_seconds=0.1)
                assert await asyncio.wait_for(socket.read(), 20) is None
                assert await server.connections[0].gone_within(5)


@pytest.mark.parametrize(
    "sent",
    [
        frame(Opcode.CLOSE, b"\x03\xe8bye"),
        frame(Opcode.TEXT, b"\xff"),
        frame(3, b""),
        b"",
    ],
    ids=["farewell", "no text", "broken", "end"],
)
async def test_socket_that_ends_or_breaks_gives_none_and_is_closed(sent: bytes) -> None:
    last = [] if not sent else [stall()]
    async with scripted(send(frame(Opcode.TEXT, b"first") + sent), *last) as (socket, server):
        assert await socket.read() == "first"
        assert await asyncio.wait_for(socket.read(), 20) is None
        assert not sent or await server.connections[0].gone_within(5)
        socket.write("nobody reads this")
        assert await socket.read() is None


async def test_messages_wait_until_they_are_read() -> None:
    async def flood(connection: Connection) -> None:
        while not connection.gone:
            await connection.write(frame(Opcode.BINARY, b"x" * 60_000))

    async with scripted(flood) as (socket, server):
        await socket.read()
        sent = -1
        while sent != server.connections[0].bytes_sent:  # until the kernel's buffers are full
            sent = server.connections[0].bytes_sent
            await asyncio.sleep(0.1)
        assert sent < 32 << 20


async def test_refusal_tells_its_status() -> None:
    async with nothing_left(), ScriptedServer([status(403), stall()]) as server:
        with pytest.raises(NotUpgraded) as caught:
            await WebSocketClient.open(Connector(), f"ws://127.0.0.1:{server.port}/", "p")
        assert caught.value.status == 403
        assert await server.connections[0].gone_within(5)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": "wrong"},
    ],
)
async def test_consent_to_something_else_is_refused(headers: dict[str, str]) -> None:
    async with nothing_left(), ScriptedServer([status(101, headers), stall()]) as server:
        with pytest.raises(HTTPInputError):
            await WebSocketClient.open(Connector(), f"ws://127.0.0.1:{server.port}/", "p")


@pytest.mark.parametrize("url", ["http:/x", "ws://", "ws://h:x/", "ws://127.0.0.1:1/a b"])
async def test_unusable_address_is_refused(url: str) -> None:
    with pytest.raises((ValueError, OSError)):
        await WebSocketClient.open(Connector(), url, "p")
