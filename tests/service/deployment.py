"""The whole service in this process: real settings, real sockets, the simulated backend behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from handlers import AppParts
from server import VERSION, Server, serve
from settings import Settings
from simulator import Knobs, Simulator
from simulator.state import ObservedRequest, ObservedStream, State
from tests.raw_client import Answer, Connection, Headers, connect
from tests.scratch import scratch_folder
from upstream import Paces, SocketLimits
from upstream.socket import Pauses, SocketTimes
from wiring import build

KEY = "fk-some-key-of-a-caller"
PREFIX = "prefix0001"
CHAT = "/v1/chat/completions"
SOCKET_LIMITS = SocketLimits(
    times=SocketTimes(reconnect_pauses=(0.0, 0.02, 0.05)), pauses=Pauses(joining=0.05, looks=(0.02, 0.05))
)
"""No long pauses."""
PACES = Paces(
    text=(0.02, 0.05), picture=(0.02, 0.05), research=(0.02, 0.05), hidden=(0.02, 0.05), refused=0.05
)
"""Nor any here."""
JSON_TYPE = {"Content-Type": "application/json"}


def question(text: str = "Hello", **fields: Any) -> dict[str, Any]:
    """A chat request with one user message."""
    return {"model": "gpt-4-s", "messages": [{"role": "user", "content": text}], **fields}


@dataclass(slots=True)
class Deployment:
    """A running service and what is behind it."""

    server: Server
    simulator: Simulator

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def upstream(self) -> State:
        """What the simulated backend has seen."""
        return self.simulator.state

    @property
    def in_flight(self) -> int:
        """Answers that the service is making."""
        return len(self.server.service.running)

    async def settled(self) -> None:
        """Wait until no answer is under way."""
        running = self.server.service.running
        async with asyncio.timeout(30):
            while len(running):
                await running.wait_idle()

    @property
    def posted(self) -> list[ObservedRequest]:
        """The requests with which the backend was asked for conversations, in order."""
        return [seen for seen in self.upstream.requests if seen.path.endswith("/backend-api/conversation")]

    @property
    def last_stream(self) -> ObservedStream:
        return self.simulator.state.streams[-1]

    def connect(self, *, receive_buffer: int = 0) -> AbstractAsyncContextManager[Connection]:
        """A connection to the service."""
        return connect(self.port, receive_buffer=receive_buffer)

    async def ask(
        self, method: str, path: str, headers: Headers | None = None, body: bytes = b"", *, key: str = KEY
    ) -> Answer:
        """One request on a connection of its own; no key is sent if it is empty."""
        given = {"Authorization": f"Bearer {key}"} if key else {}
        async with self.connect() as connection:
            await connection.send(method, path, given | dict(headers or {}), body)
            return await connection.answer(to_head=method == "HEAD")

    async def post(self, body: object, *, path: str = CHAT, key: str = KEY) -> Answer:
        """A POST with a JSON body."""
        return await self.ask("POST", path, JSON_TYPE, json.dumps(body).encode(), key=key)

    async def chat(self, text: str = "Hello", *, key: str = KEY, **fields: Any) -> Answer:
        """One question."""
        return await self.post(question(text, **fields), key=key)

    def requests(self, outcome: str, route: str = "chat") -> float:
        """How many requests ended so, by the metrics."""
        registry = self.server.service.metrics.registry
        return sum(
            sample.value
            for family in registry.collect()
            for sample in family.samples
            if sample.name == "pandora_requests_total"
            and sample.labels["outcome"] == outcome
            and sample.labels["route"] == route
        )

    async def upstream_stalls(self) -> None:
        """Wait until the backend can send no more of the last stream, since nobody takes it."""
        sent = [0]
        while sent[-1] == 0 or len(set(sent[-4:])) > 1 or len(sent) < 5:
            assert len(sent) < 200, "the backend still sends after 20 seconds"
            await asyncio.sleep(0.1)
            sent.append(self.last_stream.bytes if self.upstream.streams else 0)

    async def begin(self, connection: Connection, text: str, **fields: Any) -> None:
        """Send a question that is to be streamed, unless `fields` say otherwise."""
        await self.begin_raw(connection, question(text, **({"stream": True} | fields)))

    async def begin_raw(self, connection: Connection, body: object) -> None:
        """Send a chat request and read nothing."""
        headers = {"Authorization": f"Bearer {KEY}", **JSON_TYPE}
        await connection.send("POST", CHAT, headers, json.dumps(body).encode())


@asynccontextmanager
async def deployed(
    env: Mapping[str, str] | None = None,
    knobs: Knobs | None = None,
    *,
    progress_timeout: float = 600.0,
    socket_limits: SocketLimits = SOCKET_LIMITS,
    exposition_max_age: float = 0.0,
    hidden_after: float = 900.0,
    named_backend: bool = False,
    adapt: Callable[[AppParts], AppParts] = lambda parts: parts,
) -> AsyncIterator[Deployment]:
    """A service over a simulated backend with `knobs`.

    `env` adds settings, BASE_URL included; `adapt` changes what the handlers work with. With `named_backend`
    the address of the backend is the name of this machine, which has to be resolved.
    """
    simulator = Simulator(PREFIX, knobs or Knobs(busy=False, cap=0))
    await simulator.start()
    with scratch_folder() as state:
        settings = {
            "BASE_URL": simulator.url.replace("127.0.0.1", "localhost") if named_backend else simulator.url,
            "PROXY_API_PREFIX": PREFIX,
            "PORT": "0",
            "DRAIN_TIMEOUT": "0",
            "STATE_DIR": state,
            "KEY_CONCURRENCY": "0",
            "CONVERSATION_ROUTE": "older",
            "UPSTREAM_RETRIES": "0",
            "REFUSALS_PER_MINUTE": "0",
            "REFUSED_KEY_SECONDS": "0",
            **(env or {}),
        }
        service = build(
            Settings.from_env(settings),
            VERSION,
            progress_timeout=progress_timeout,
            socket_limits=socket_limits,
            paces=PACES,
            exposition_max_age=exposition_max_age,
            hidden_after=hidden_after,
        )
        server = serve(replace(service, app=adapt(service.app)))
        try:
            yield Deployment(server, simulator)
        finally:
            await server.stop()
            await simulator.stop()
