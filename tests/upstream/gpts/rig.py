"""A backend that describes GPTs as the test wants it, and descriptions whose time stands still."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from accounts import Credential
from runtime import BackgroundTasks
from tests.upstream.rig import nothing_left
from translate.values import Gizmo
from upstream import HttpClient
from upstream.gpts import GptDescriptions, GptDescriptionStore
from upstream.gpts.descriptions import MAX_UNLISTED

KEY = "fk-canary-of-the-service"
CALLER = "fk-canary-of-a-caller"
OTHER_CALLER = "fk-canary-of-another"
WORDS = "canary words of the backend"
SECRETS = (KEY, CALLER, OTHER_CALLER, WORDS)
PREFIX = "prefix0001"
ID = "g-AbC123xyZ"
SLUG = "g-AbC123xyZ-my-helper"
OTHER_ID = "g-Other4567"

Behaviour = Callable[["GizmoHandler"], Awaitable[None]]


def described(gizmo_id: str = ID, description: str = "Helps") -> dict[str, Any]:
    """What the backend says about a GPT, shortened."""
    about = {"id": gizmo_id, "short_url": f"{gizmo_id}-my-helper", "display": {"description": description}}
    return {"gizmo": about, "tools": [{"id": "gzm_cnf_1", "type": "browser"}], "files": []}


class GizmoHandler(RequestHandler):
    """GET gizmos/{id}."""

    def initialize(self, backend: "Backend") -> None:
        self.backend = backend
        self.gone = asyncio.Event()

    def on_connection_close(self) -> None:
        self.gone.set()

    async def get(self, asked: str) -> None:
        key = self.request.headers["Authorization"].removeprefix("Bearer ")
        self.asked, self.key = asked, key
        self.backend.asked.append((asked, key))
        await self.backend.behaviours.get(asked, self.backend.behaviour)(self)


def says(status: int, body: object, content_type: str = "application/json") -> Behaviour:
    """Answer with this."""

    async def behave(handler: GizmoHandler) -> None:
        handler.set_status(status)
        handler.set_header("Content-Type", content_type)
        handler.finish(body if isinstance(body, str | bytes) else json.dumps(body))

    return behave


async def describes(handler: GizmoHandler) -> None:
    """Answer with the description of what was asked for."""
    short = "-".join(handler.asked.split("-")[:2])
    await says(200, described(short))(handler)


async def cuts(handler: GizmoHandler) -> None:
    """Close the connection without an answer."""
    handler.detach().close()


def waits_for(event: asyncio.Event, then: Behaviour = describes) -> Behaviour:
    """Answer when the test says so, unless the client has left by then."""

    async def behave(handler: GizmoHandler) -> None:
        # A client that leaves while its request is still being read is not reported as gone.
        ends = (event, handler.gone, handler.backend.stopped)
        waiting = [asyncio.ensure_future(end.wait()) for end in ends]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if event.is_set():
            await then(handler)

    return behave


def takes_only(key: str) -> Behaviour:
    """Describe to one key, and refuse all others."""

    async def behave(handler: GizmoHandler) -> None:
        refusal = says(401, {"detail": {"message": WORDS, "code": "token_expired"}})
        await (describes if handler.key == key else refusal)(handler)

    return behave


UNKNOWN = says(404, {"detail": "Gizmo not found"})
NO_ACCESS = says(403, {"detail": WORDS})
BROKEN = says(500, {"detail": WORDS})


@dataclass(slots=True)
class Backend:
    """`behaviours` are by id as asked for, `behaviour` is for all others."""

    behaviour: Behaviour = describes
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Id and key of each request."""
    url: str = ""
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def serving(backend: Backend) -> AsyncIterator[Backend]:
    """Let the backend listen."""
    sockets = bind_sockets(0, "127.0.0.1")
    backend.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    routes = [(rf"/{PREFIX}/backend-api/gizmos/(.+)", GizmoHandler, {"backend": backend})]
    server = HTTPServer(Application(routes, log_function=lambda _: None))
    server.add_sockets(sockets)
    try:
        yield backend
    finally:
        backend.stopped.set()
        server.stop()
        await server.close_all_connections()


@dataclass(slots=True)
class Alarm:
    """A timer of a clock that the test sets."""

    due: float
    call: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass(slots=True)
class Clock:
    """Unix seconds that pass when the test says so; `pauses` are the delays of all timers so far."""

    now: float = 1_702_600_000.0
    alarms: list[Alarm] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], object]) -> Alarm:
        alarm = Alarm(self.now + delay, call)
        self.alarms.append(alarm)
        self.pauses.append(delay)
        return alarm

    def advance(self, seconds: float) -> None:
        """Let time pass and fire what is due."""
        self.now += seconds
        for alarm in [alarm for alarm in self.alarms if alarm.due <= self.now]:
            self.alarms.remove(alarm)
            if not alarm.cancelled:
                alarm.call()

    @property
    def pending(self) -> list[Alarm]:
        return [alarm for alarm in self.alarms if not alarm.cancelled]


@dataclass(slots=True)
class Rig:
    """The descriptions and what is around them."""

    descriptions: GptDescriptions
    backend: Backend
    clock: Clock
    attempts: BackgroundTasks

    async def get(self, gizmo_id: str, key: str) -> Gizmo:
        """A description, for whoever has this key."""
        return await self.descriptions.get(gizmo_id, Credential(key))

    async def attempts_ended(self) -> None:
        """Wait until no attempt is under way."""
        while len(self.attempts):
            await self.attempts.wait()


def files_in(path: Path) -> list[Path]:
    """What there is in a directory."""
    return sorted(path.iterdir())


@asynccontextmanager
async def rig(
    path: Path,
    backend: Backend | None = None,
    *,
    key: str = KEY,
    wait_seconds: float = 5.0,
    max_unlisted: int = MAX_UNLISTED,
    jitter: float = 1.0,
    url: str = "",
) -> AsyncIterator[Rig]:
    """Descriptions from a listening backend (or `url`), stored at `path`; afterwards nothing may be left."""
    clock, attempts = Clock(), BackgroundTasks()
    async with nothing_left(), serving(backend or Backend()) as backend:
        client = HttpClient(url or backend.url, PREFIX)
        descriptions = GptDescriptions(
            client,
            GptDescriptionStore(path),
            Credential(key) if key else None,
            wait_seconds=wait_seconds,
            max_unlisted=max_unlisted,
            clock=clock,
            call_later=clock.call_later,
            jitter=lambda: jitter,
            tasks=attempts,
        )
        try:
            yield Rig(descriptions, backend, clock, attempts)
        finally:
            await descriptions.close()
            client.close()
        assert clock.pending == []
