"""A backend that says of its accounts what the test wants, and a clock that stands still."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from accounts import Credential
from tests.upstream.rig import nothing_left
from upstream import HttpClient

PREFIX = "prefix0001"
ALICE = Credential("fk-canary-of-alice")
BOB = Credential("fk-canary-of-bob")
POOL = Credential("pk-canary-of-a-pool")
WORDS = "canary words of the backend"
SECRETS = (ALICE.secret, BOB.secret, POOL.secret, WORDS)


def models(*slugs: str) -> dict[str, object]:
    """A list of models."""
    return {"models": [{"slug": slug, "title": slug.upper(), "max_tokens": 8191} for slug in slugs]}


def limits(*slugs: str, resets_after: str = "", features: Sequence[object] = ()) -> dict[str, object]:
    """Limits of an account: models that it has used up."""
    used_up = [
        {"model_slug": slug, "using_default_model_slug": "gpt-mini", "resets_after": resets_after}
        for slug in slugs
    ]
    return {
        "type": "conversation_detail_metadata",
        "blocked_features": [],
        "model_limits": used_up,
        "limits_progress": list(features),
    }


class AnyHandler(RequestHandler):
    """Answers everything with what the backend says now."""

    def initialize(self, backend: "Backend") -> None:
        self.backend = backend

    async def get(self) -> None:
        backend = self.backend
        key = self.request.headers["Authorization"].removeprefix("Bearer ")
        backend.asked.append((f"{self.request.method} {self.request.path}", key))
        if backend.cut:
            self.detach().close()
            return
        await backend.goes_on.wait()
        self.set_status(backend.status)
        self.set_header("Content-Type", "application/json")
        self.finish(backend.body if isinstance(backend.body, bytes) else json.dumps(backend.body))

    post = get


@dataclass(slots=True)
class Backend:
    """`status` and `body` are of every answer; none is sent while `goes_on` is not set."""

    body: object = field(default_factory=dict)
    status: int = 200
    cut: bool = False
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path, and key, of each request."""

    @property
    def keys(self) -> list[str]:
        return [key for _, key in self.asked]


@dataclass(slots=True)
class Clock:
    """Unix seconds that pass when the test says so."""

    now: float = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def backend_and_client(backend: Backend) -> AsyncIterator[HttpClient]:
    """A listening backend and a client of it; afterwards, nothing may be left."""
    backend.goes_on.set()
    async with nothing_left():
        sockets = bind_sockets(0, "127.0.0.1")
        routes = [(r"/.*", AnyHandler, {"backend": backend})]
        server = HTTPServer(Application(routes, log_function=lambda _: None))
        server.add_sockets(sockets)
        client = HttpClient(f"http://127.0.0.1:{sockets[0].getsockname()[1]}", PREFIX)
        try:
            yield client
        finally:
            backend.goes_on.set()
            client.close()
            server.stop()
            await server.close_all_connections()
