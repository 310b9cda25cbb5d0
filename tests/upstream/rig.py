"""A client wired to a scripted server, and a check that nothing is left over afterwards."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import tornado

from accounts import Credential
from tests.eventually import eventually_none
from tests.scripted_server import EVENT_STREAM, Connection, ScriptedServer, Verb, chunk, last_chunk, status
from translate.backend import PostedConversation
from upstream import ConversationClient, Exchange, HttpClient, Timeouts
from upstream.http import CallLimits, JsonAnswer, OnData
from upstream.socket import AccountSockets, SocketLimits

KEY = "fk-canary-key"
ME = Credential(KEY)
PREFIX = "canaryprefix1"
CERTIFICATE = Path(tornado.__file__).with_name("test") / "test.crt"
"""The self-signed one that Tornado ships for its own tests, made out to `NAME`."""
NAME = "foo.example.com"
STREAM_PATH = "/backend-api/conversation"
SECRET_TEXT = "canary-answer"
PAYLOAD = b'{"messages":["canary-prompt"]}'
POSTED = PostedConversation(lambda _: {"messages": ["canary-prompt"]}, "")

DEFAULT_CALL_LIMITS = CallLimits()
DEFAULT_SOCKET_LIMITS = SocketLimits()
PATIENT = Timeouts(connect=30, first_byte=30, idle=30, total=0)
ANSWER: Sequence[Verb] = (status(200, EVENT_STREAM), chunk(b"data: hello\n\n"), last_chunk())


class Reader:
    """An `on_data` that remembers what came."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.started = asyncio.Event()

    async def __call__(self, data: bytes) -> None:
        self.pieces.append(data)
        self.started.set()

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)


class StuckReader(Reader):
    """A reader that takes one piece and is not ready for another until `released`."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()
        self.cancelled = False

    async def __call__(self, data: bytes) -> None:
        await super().__call__(data)
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


class Client:
    """The clients of one backend, and the sockets of its accounts."""

    def __init__(
        self,
        url: str,
        timeouts: Timeouts = PATIENT,
        *,
        prefix: str = PREFIX,
        socket_limits: SocketLimits = DEFAULT_SOCKET_LIMITS,
    ) -> None:
        self.http = HttpClient(url, prefix, timeouts)
        self.sockets = AccountSockets(self.http, socket_limits)
        self._conversations = ConversationClient(self.http, self.sockets)
        self.converse = self._conversations.converse

    def close(self) -> None:
        self._conversations.close()
        self.http.close()


async def stream(
    client: HttpClient, on_data: OnData, exchange: Exchange, body: bytes = PAYLOAD
) -> JsonAnswer | None:
    """Post something whose answer is a stream."""
    return await client.stream(STREAM_PATH, ME, body, on_data, exchange.begin())


@dataclass
class Rig:
    """One client and its server."""

    client: HttpClient
    server: ScriptedServer

    async def stream(
        self, reader: OnData | None = None, exchange: Exchange | None = None
    ) -> JsonAnswer | None:
        return await stream(self.client, reader or Reader(), exchange or Exchange())

    def start(
        self, reader: Reader | None = None, exchange: Exchange | None = None
    ) -> "asyncio.Task[JsonAnswer | None]":
        return asyncio.create_task(self.stream(reader, exchange))

    async def connected(self, count: int = 1) -> Connection:
        return await self.server.connected(count)


@asynccontextmanager
async def rig(
    *scripts: Sequence[Verb],
    timeouts: Timeouts = PATIENT,
    max_clients: int = 4,
    reads_request: bool = True,
    call_limits: CallLimits = DEFAULT_CALL_LIMITS,
) -> AsyncIterator[Rig]:
    """Yield a client wired to a server with these scripts; afterwards, no fd and no task may be left."""
    async with nothing_left(), ScriptedServer(*scripts, reads_request=reads_request) as server:
        client = HttpClient(server.url, PREFIX, timeouts, max_clients=max_clients, call_limits=call_limits)
        yield Rig(client, server)
        client.close()


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail if file descriptors or tasks made inside stay there."""
    descriptors, tasks = open_descriptors(), asyncio.all_tasks()
    yield
    await eventually_none(lambda: (open_descriptors() - descriptors) | (asyncio.all_tasks() - tasks))


def open_descriptors() -> set[str]:
    """The numbers of this process's open files, where the system tells them."""
    listing = "/proc/self/fd"
    if not os.path.isdir(listing):
        return set()
    # The listing itself is a descriptor, gone by the time its number is looked at.
    return {number for number in os.listdir(listing) if os.path.exists(f"{listing}/{number}")}


@contextmanager
def unanswering_address() -> Iterator[str]:
    """The URL of a listener whose backlog is full: connecting to it neither succeeds nor fails."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def refusing_address() -> str:
    """The URL of a port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"
