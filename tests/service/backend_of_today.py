"""A backend that lists models and tells limits, and answers every message with a few words."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from tests.service.deployment import PREFIX, Deployment, deployed

THINKER: dict[str, object] = {
    "slug": "gpt-5-6-thinking",
    "title": "GPT-5.6 Thinking",
    "max_tokens": 262144,
    "reasoning_type": "reasoning",
    "configurable_thinking_effort": True,
    "thinking_efforts": [{"thinking_effort": "standard"}, {"thinking_effort": "extended"}],
}


@dataclass(slots=True)
class BackendOfToday:
    """`models` are the entries of the list, None for a backend without one; `limits` is what it says of the
    limits, None likewise. `metadata` is that of its answers, `records` come before them in the stream.
    """

    models: list[dict[str, object]] | None = None
    limits: dict[str, object] | None = None
    metadata: dict[str, object] = field(default_factory=dict)
    records: list[dict[str, object]] = field(default_factory=list)
    words: str = "Some words"
    """What it answers."""
    good_key: str = ""
    """Any other key is refused, if it is set."""
    lists: asyncio.Event = field(default_factory=asyncio.Event)
    """The list is given once it is set."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of each request."""
    posted: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lists.set()

    def list_of(self, *slugs: str) -> None:
        """List these models, about which nothing else is said."""
        self.models = [{"slug": slug} for slug in slugs]

    def count(self, path: str) -> int:
        """How often this path was asked for."""
        return sum(asked.endswith(path) for _, asked in self.asked)


class _Handler(RequestHandler):
    def initialize(self, backend: BackendOfToday) -> None:
        self.backend = backend

    async def prepare(self) -> None:
        backend = self.backend
        path = self.request.path.removeprefix(f"/{PREFIX}/backend-api")
        backend.asked.append((str(self.request.method), path))
        if backend.good_key and self.request.headers["Authorization"] != f"Bearer {backend.good_key}":
            self._say({"detail": {"message": "no", "code": "token_expired"}}, 401)
        elif path == "/models":
            await backend.lists.wait()
            self._say(None if backend.models is None else {"models": backend.models})
        elif path == "/conversation/init":
            self._say(backend.limits)
        elif path == "/conversation":
            backend.posted.append(json.loads(self.request.body))
            self._answer()
        else:
            self._say(None)

    def _say(self, body: dict[str, object] | None, status: int = 200) -> None:
        self.set_status(404 if body is None else status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"detail": "Not Found"} if body is None else body))

    def _answer(self) -> None:
        message = {
            "id": "answer-1",
            "author": {"role": "assistant"},
            "content": {"content_type": "text", "parts": [self.backend.words]},
            "status": "finished_successfully",
            "end_turn": True,
            "recipient": "all",
            "metadata": {"is_complete": True, **self.backend.metadata},
        }
        self.set_header("Content-Type", "text/event-stream")
        for record in (*self.backend.records, {"message": message, "conversation_id": "c-1", "error": None}):
            self.write(f"data: {json.dumps(record)}\n\n")
        self.finish("data: [DONE]\n\n")


@asynccontextmanager
async def over(backend: BackendOfToday, env: Mapping[str, str] | None = None) -> AsyncIterator[Deployment]:
    """A service over this backend."""
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(r"/.*", _Handler, {"backend": backend})], log_function=lambda _: None))
    server.add_sockets(sockets)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    try:
        async with deployed({"BASE_URL": url, **(env or {})}) as service:
            yield service
    finally:
        backend.lists.set()
        server.stop()
        await server.close_all_connections()
