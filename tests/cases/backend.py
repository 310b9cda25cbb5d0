"""A backend that plays one case: the stream, and what its side files have by each way."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from tests.cases.case import Case

API = "/backend-api"
PICTURE = b"\x89PNG\r\n\x1a\n"
"""How each picture begins; then follows the id of its file."""


@dataclass
class CaseBackend:
    """What is asked of it, in order. `ways` are the side files that it lets a turn be followed by.

    Instead of what the case says, `stream` is what a message is answered with, `frames` what the socket says,
    each message by itself, and `resumes` the streams of the resume endpoint, of which the last one repeats.
    With `drops` the socket closes after so many messages.
    """

    case: Case
    ways: tuple[str, ...]
    stream: bytes | None = None
    frames: list[Any] | None = None
    resumes: list[bytes] | None = None
    refused_resumes: list[int] = field(default_factory=list)
    """The statuses with which the first requests to the resume endpoint are refused."""
    stored: list[dict[str, Any]] | None = None
    drops: int | None = None
    conduit: str = ""
    """A token in the headers of the answer to a message."""
    holds: bool = False
    """The resume endpoint does not answer."""
    refuses: int = 0
    """The status with which everything is refused but a message and a stop."""
    asked: list[str] = field(default_factory=list)
    bodies: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    """Of each POST: the path, the body, and the token that came along."""
    sockets: int = 0
    """How many are open."""
    commands: list[tuple[str, str]] = field(default_factory=list)
    """What was said on the sockets: the type of each command, and its topic."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, method: str, path: str) -> int:
        """How often this was asked."""
        return self.asked.count(f"{method} {API}{path}")

    def said_on_socket(self) -> list[Any]:
        """Each message of the socket."""
        if self.frames is not None:
            return self.frames
        return [line["recv"] for line in self.case.lines("ws") if "recv" in line]


class _Route(RequestHandler):
    def initialize(self, backend: CaseBackend, looks: "Counter[str]") -> None:
        self.backend = backend
        self.looks = looks
        self.left = asyncio.Event()

    def on_connection_close(self) -> None:
        self.left.set()

    def prepare(self) -> None:
        backend, path = self.backend, self._path()
        backend.asked.append(f"{self.request.method} {path}")
        if self.request.method == "POST":
            token = self.request.headers.get("X-Conduit-Token", "")
            backend.bodies.append((path, json.loads(self.request.body or b"{}"), token))

    def _path(self) -> str:
        return API + self.request.path.partition(API)[2]

    def _say(self, status: int, body: object) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body))

    def _stream(self, body: bytes, conduit: str = "") -> None:
        if conduit:
            self.set_header("X-Conduit-Token", conduit)
        self.set_header("Content-Type", "text/event-stream")
        self.finish(body)

    async def post(self) -> None:
        backend, path = self.backend, self._path()
        if path == f"{API}/conversation":
            self._stream(backend.case.stream if backend.stream is None else backend.stream, backend.conduit)
        elif backend.refuses and path != f"{API}/stop_conversation":
            self._say(backend.refuses, {})
        elif path == f"{API}/f/conversation/resume" and "resume" in backend.ways:
            if backend.holds:
                await self.left.wait()
                return
            if backend.refused_resumes:
                self._say(backend.refused_resumes.pop(0), {})
                return
            streams = backend.resumes or [backend.case.resumed]
            self.looks[path] += 1
            self._stream(streams[min(self.looks[path], len(streams)) - 1])
        elif path == f"{API}/stop_conversation":
            self._say(200, {"status": "ok", "last_message_id": None})
        else:
            self._say(404, {"detail": {"message": "No", "code": "conduit_miss"}})

    def get(self) -> None:
        backend, path = self.backend, self._path()
        if backend.refuses:
            self._say(backend.refuses, {})
            return
        if path == f"{API}/celsius/ws/user" and "ws" in backend.ways:
            self._say(200, {"websocket_url": f"ws://127.0.0.1:{backend.port}/socket?verify=1"})
            return
        if self.request.path.startswith("/picture/"):
            self.finish(PICTURE + self.request.path.rpartition("/")[2].encode())
            return
        if path.startswith(f"{API}/files/") and path.endswith("/download"):
            url = f"{backend.url}/picture/{path.split('/')[3]}"
            self._say(200, {"status": "success", "download_url": url})
            return
        lines = backend.stored if backend.stored is not None else []
        if "poll" in backend.ways and not lines:
            lines = backend.case.lines("poll")
        found = [line for line in lines if line["path"] == path]
        if not found:
            self._say(404, {"detail": {"message": "Not found", "code": "conversation_not_found"}})
            return
        line = found[min(self.looks[path], len(found) - 1)]
        self.looks[path] += 1
        self._say(line["status"], line["body"])


class _Socket(WebSocketHandler):
    def initialize(self, backend: CaseBackend) -> None:
        self.backend = backend
        self.counted = False

    def open(self, *_args: str, **_fields: str) -> None:
        self.backend.sockets += 1
        self.counted = True

    async def on_message(self, message: str | bytes) -> None:
        commands = [command["command"] for command in json.loads(message)]
        told = self.backend.commands
        told.extend((command["type"], command.get("topic_id", "")) for command in commands)
        if not any(command["type"] == "subscribe" for command in commands):
            return
        for number, said in enumerate(self.backend.said_on_socket()):
            if self.backend.drops is not None and number >= self.backend.drops:
                self.close()
                return
            with suppress(WebSocketClosedError):  # who listened has left
                await self.write_message(said if isinstance(said, str) else json.dumps(said))

    def on_close(self) -> None:
        self.backend.sockets -= self.counted


@asynccontextmanager
async def playing(
    case: Case, *ways: str, adapt: Callable[[CaseBackend], object] = lambda backend: None
) -> AsyncIterator[CaseBackend]:
    """A backend that plays the case, whose answers can be had by these ways."""
    backend = CaseBackend(case, ways)
    adapt(backend)
    routes: list[Any] = [
        (r"/socket", _Socket, {"backend": backend}),
        (r"/.*", _Route, {"backend": backend, "looks": Counter[str]()}),
    ]
    server = HTTPServer(Application(routes, log_function=lambda _: None))
    sockets = bind_sockets(0, "127.0.0.1")
    backend.port = sockets[0].getsockname()[1]
    server.add_sockets(sockets)
    try:
        yield backend
    finally:
        server.stop()
        await server.close_all_connections()
