"""A client wired to a simulated backend that answers over WebSockets, and what one conversation gives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from accounts import Credential
from simulator import Knobs, Simulator
from tests.simulator.client import KEY, PREFIX, payload, running
from tests.translate.reading import answer
from tests.upstream.rig import PATIENT, Client, nothing_left
from translate.backend import PostedConversation
from upstream import Exchange, Timeouts
from upstream.socket import Pauses, SocketLimits, SocketTimes

QUICK = SocketLimits(
    times=SocketTimes(reconnect_pauses=(0.0, 0.02, 0.05)), pauses=Pauses(joining=0.05, looks=(0.02, 0.05))
)
"""Nobody has time to wait."""
OVER_SOCKET = Knobs(transport="ws", busy=False, cap=0)


@dataclass
class Talk:
    """One conversation: what came, and what it says to the user."""

    client: Client
    text: str
    key: str = KEY
    fields: dict[str, Any] = field(default_factory=dict)
    exchange: Exchange = field(default_factory=Exchange)
    pieces: list[bytes] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    reads: Callable[[], Awaitable[None]] | None = None
    """Awaited with each piece, as a client that takes its time."""

    def __post_init__(self) -> None:
        body = payload(self.text, **self.fields)
        self.posted = PostedConversation(lambda _: dict(body), body["parent_message_id"])

    async def run(self) -> "Talk":
        await self.client.converse(Credential(self.key), self.posted, self._on_data, self.exchange)
        return self

    def start(self) -> "asyncio.Task[Talk]":
        return asyncio.create_task(self.run())

    async def _on_data(self, data: bytes) -> None:
        self.pieces.append(data)
        self.started.set()
        if self.reads is not None:
            await self.reads()

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def said(self) -> str:
        """The whole answer; fails if there is none."""
        read = answer(self.content, sent=())
        assert read.error is None, read.error
        return read.text


@dataclass
class World:
    """A client and its backend."""

    client: Client
    simulator: Simulator

    @property
    def sockets(self) -> int:
        """How many were opened so far."""
        return self.simulator.state.sockets_opened

    def talk(self, text: str, key: str = KEY, **fields: Any) -> Talk:
        return Talk(self.client, text, key, fields)

    async def say(self, text: str, key: str = KEY, **fields: Any) -> Talk:
        return await self.talk(text, key, **fields).run()

    async def learn(self, key: str = KEY) -> None:
        """Have one conversation, after which the account is known to answer over its socket."""
        assert (await self.say("say exactly: ready", key)).said == "ready"

    def seen(self, path: str, key: str = KEY) -> list[Any]:
        """Bodies of the requests to that path."""
        return [
            request.body
            for request in self.simulator.state.requests
            if request.path.endswith(path) and request.headers.get("Authorization") == f"Bearer {key}"
        ]


@asynccontextmanager
async def world(
    knobs: Knobs = OVER_SOCKET, timeouts: Timeouts = PATIENT, limits: SocketLimits = QUICK
) -> AsyncIterator[World]:
    """Yield both; afterwards, no fd and no task may be left."""
    async with nothing_left(), running(knobs) as simulator:
        client = Client(simulator.url, timeouts, prefix=PREFIX, socket_limits=limits)
        yield World(client, simulator)
        client.close()
