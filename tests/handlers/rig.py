"""Handlers behind the front door, without the rest of the service."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tornado.web
from tornado.iostream import IOStream

from access import AccessLimits, Admin, Doorkeeper
from activity import Activity
from catalogue import CallerModels
from front import ConnectionTimes, FrontDoor, Listeners
from handlers.answer import AnswerHandler, AnswerParts
from handlers.base import ApiHandler, Common
from handlers.client_connection import ClientConnection, StreamTiming
from handlers.client_states import ClientState
from handlers.emulation import Emulation
from logs import RecentFailures
from metrics import Metrics, Outcome
from runtime import BackgroundTasks, ByteBudget
from tests.own_keys import OwnKeys
from tests.plenty import plenty
from tests.pool.world import World, pool_over
from tests.raw_client import Connection, connect
from tests.turns.books import Books
from tests.turns.rig import Rig as TurnRig
from tests.turns.scripted_backend import ScriptedBackend
from translate.openai import JsonBody
from translate.values import AnswerEnd, ApiError, Catalogue, Event, Usage
from turns import Client, RunningAnswers, TurnFactory, TurnOutcome

CALM = StreamTiming(headers_after=60, keepalive_interval=60, write_timeout=60)
"""Nothing happens by itself."""


NO_LIMITS = AccessLimits(refused_seconds=0, refusals_per_minute=0, trusted_proxies=())
"""Everybody is let in."""
TOKENS = Usage(10, 20)


class TinyText:
    """The text of an answer."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.escaped = text.encode()


class TinyFormat:
    """Everything in angle brackets."""

    content_type = "text/tiny"

    def __init__(self, *, streams: bool = True) -> None:
        self.streams = streams

    def open(self) -> bytes:
        return b"<open>"

    def encode(self, event: Event) -> bytes:
        raise AssertionError("turns encode")

    def idle(self, *, visible: bool) -> bytes:
        return b"<visible>" if visible else b"<idle>"

    def fail(self, error: ApiError) -> bytes:
        return f"<failed: {error.message}>".encode()

    def finish(self, end: AnswerEnd) -> bytes:
        return f"<finished: {end.answer.text}>".encode()


def ended(
    outcome: Outcome = Outcome.OK,
    *,
    error: ApiError | None = None,
    bug: Exception | None = None,
    units: int = 14,
    usage: Usage = TOKENS,
) -> TurnOutcome:
    """The outcome of a turn."""
    end = AnswerEnd("stop", usage, TinyText("all"))
    return TurnOutcome(outcome, error, None if bug else end, bug, units, usage, 0)


class ScriptedRunner:
    """A turn that plays `script`, which delivers and returns the outcome. What it is told is kept."""

    def __init__(self, script: "Script") -> None:
        self._script = script
        self.has_text = False
        self.answered_by = ""
        self.stopped: list[ApiError | None] = []
        self.is_stopped = asyncio.Event()

    def stop(self, error: ApiError | None = None) -> None:
        self.stopped.append(error)
        self.is_stopped.set()

    async def run(self, client: Client) -> TurnOutcome:
        outcome = await self._script(self, client)
        await client.quiet()
        return outcome


Script = Callable[[ScriptedRunner, Client], Awaitable[TurnOutcome]]


class TinyHandler(AnswerHandler[JsonBody]):
    """Answers with what a runner makes."""

    route = "chat"

    def initialize(self, rig: "Rig") -> None:
        self.rig = rig
        self.parts = rig.parts
        rig.handlers.append(self)

    def new_body(self) -> JsonBody:
        return JsonBody()

    def error_body(self, error: ApiError) -> bytes:
        return f"<refused: {error.message}>".encode()

    async def post(self) -> None:
        self.whole_body()
        await self.rig.before_answer()
        self.model_name = "gpt-4-s"
        await self.respond(self.rig.runner, self.rig.format)


class ConnectionHandler(ApiHandler):
    """Gives its connection to the test, and lives as long as the test wants."""

    route = "chat"

    def initialize(self, rig: "Rig") -> None:
        self.rig = rig

    async def get(self) -> None:
        connection = ClientConnection(self, self.rig.format, self.rig.timing, self.rig.left.append)
        connection.start()
        self.rig.connections.append(connection)
        self.rig.sockets.append(self.socket())
        await self.rig.over.wait()
        connection.close()


async def _nothing() -> None:
    """Nothing happens before the answer."""


@dataclass(slots=True)
class Rig:
    """What the handlers work with, and what they have done."""

    timing: StreamTiming = CALM
    format: TinyFormat = field(default_factory=TinyFormat)
    write_timeout: float = 60
    limit: int = 10
    max_body_bytes: int = 1000
    large_bodies: asyncio.Lock = field(default_factory=asyncio.Lock)
    metrics: Metrics = field(default_factory=lambda: Metrics(("chat", "unknown"), ["gpt-4-s"]))
    failures: RecentFailures = field(default_factory=RecentFailures)
    activity: Activity = field(default_factory=Activity)
    before_answer: Callable[[], Any] = _nothing
    handlers: list[TinyHandler] = field(default_factory=list)
    connections: list[ClientConnection] = field(default_factory=list)
    sockets: list[IOStream | None] = field(default_factory=list)
    left: list[ClientState] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    runner: ScriptedRunner = field(init=False)
    bodies: ByteBudget = field(default_factory=lambda: ByteBudget(4_000_000))
    room: ByteBudget = field(default_factory=plenty)
    running: RunningAnswers = field(init=False)
    port: int = 0

    def __post_init__(self) -> None:
        self.running = RunningAnswers(self.metrics, self.limit, BackgroundTasks())

    @property
    def parts(self) -> AnswerParts:
        """What handlers of answers work with; there are no models, and nothing to make turns of."""
        turns = TurnFactory(TurnRig(ScriptedBackend(), Path()).parts, continue_limit=0, actions="ask")
        return AnswerParts(
            CallerModels(Catalogue([], {}, []), None, self.metrics, OwnKeys()),
            turns,
            self.running,
            self.timing,
            Emulation(enabled=True),
            None,
        )

    @property
    def states(self) -> list[ClientState]:
        """Where each connection stands."""
        return [connection.state for connection in self.connections]

    def plays(self, script: Script) -> None:
        """What the next turn does."""
        self.runner = ScriptedRunner(script)

    def counted(self, name: str, **labels: str) -> float:
        """A value of the metrics."""
        value = self.metrics.registry.get_sample_value(name, labels)
        assert value is not None, "no such metric"
        return value

    def requests(self, outcome: Outcome) -> float:
        return self.counted("pandora_requests_total", route="chat", model="gpt-4-s", outcome=outcome)

    def disconnects(self, phase: str) -> float:
        return self.counted("pandora_client_disconnects_total", phase=phase)

    @asynccontextmanager
    async def client(self, *, receive_buffer: int = 0) -> AsyncIterator[Connection]:
        """A client that has asked `TinyHandler` for an answer."""
        async with connect(self.port, receive_buffer=receive_buffer) as client:
            await client.send("POST", "/answer", {"Authorization": "Bearer fk-alice"}, b"{}")
            yield client

    @asynccontextmanager
    async def connected(self, *, receive_buffer: int = 0) -> AsyncIterator[Connection]:
        """A client of `ConnectionHandler`."""
        async with connect(self.port, receive_buffer=receive_buffer) as client:
            await client.send("GET", "/connection", {})
            yield client


@asynccontextmanager
async def serving(
    rig: Rig, *routes: tuple[str, type[ApiHandler]], times: ConnectionTimes | None = None
) -> AsyncIterator[Rig]:
    """A server with `/answer` and `/connection`, and these routes."""
    common = Common(
        metrics=rig.metrics,
        charges=Books(),
        pool=pool_over(World(())),
        doorkeeper=Doorkeeper(
            NO_LIMITS, rig.metrics, lambda caller: True, Admin("admin", trusts_machine=False)
        ),
        failures=rig.failures,
        activity=rig.activity,
        cors_origin="*",
        public_base="",
        write_timeout=rig.write_timeout,
        max_body_bytes=rig.max_body_bytes,
        bodies=rig.bodies,
        room=rig.room,
        large_bodies=rig.large_bodies,
    )
    own: list[Any] = [
        ("/answer", TinyHandler, {"rig": rig}),
        ("/connection", ConnectionHandler, {"rig": rig}),
    ]
    app = tornado.web.Application([*own, *routes], common=common, log_function=lambda handler: None)
    listeners = Listeners.open("127.0.0.1", 0, reuse_port=False, environ={})
    for listener in listeners.sockets:  # its connections inherit this: the kernel holds next to nothing
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    door = FrontDoor(app, listeners, rig.metrics, 100, times or ConnectionTimes())
    rig.port = door.port
    try:
        yield rig
    finally:
        rig.over.set()
        await door.stop_listening()
        await door.close()
