"""A backend that answers over WebSockets just as a test says, mistakes included."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from accounts import Credential
from tests.simulator.client import KEY, PREFIX
from tests.translate.wire import DONE, Json, echo, finished, growing, hidden_system, sse
from tests.upstream.rig import PATIENT, Client, nothing_left
from tests.upstream.socket.rig import QUICK, Talk
from translate.backend import SUBPROTOCOL
from upstream import Timeouts
from upstream.socket import SocketLimits

GREETING = {"connectionId": "x", "reconnectionToken": "r"}
MARKS = {"conversation_id": "c1", "response_id": "r1"}


class Peer(WebSocketHandler):
    """The backend's end of one socket."""

    backend: "Backend"

    def initialize(self, backend: "Backend") -> None:
        self.backend = backend
        self.acks: list[int] = []
        self.gone = asyncio.Event()

    def check_origin(self, origin: str) -> bool:
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def prepare(self) -> None:
        self.backend.upgrades.append(self)
        if self.backend.refusals:
            self.set_status(self.backend.refusals.pop(0))
            self.finish()

    async def open(self, *args: str, **kwargs: str) -> None:
        self.backend.peers.append(self)
        if (greeting := self.backend.greeting) is not None:
            await self.say({"type": "system", "event": "connected", "userId": "u"} | greeting)
        scripts = self.backend.scripts
        script = scripts[min(len(self.backend.peers), len(scripts)) - 1] if scripts else None
        if script is not None:
            self.backend.start(script(self))

    async def say(self, frame: Json) -> None:
        with suppress(WebSocketClosedError):
            await self.write_message(json.dumps(frame))

    async def send(self, number: int, body: bytes, *, more: bool = True, **marks: object) -> None:
        """A numbered frame, of the last posted conversation unless `marks` say otherwise."""
        mine = MARKS | {"websocket_request_id": self.backend.request_id}
        data = {"type": "http.response.body", "body": base64.b64encode(body).decode(), "more_body": more}
        shown = {name: value for name, value in (mine | marks).items() if value is not None}
        await self.say({"sequenceId": number, "type": "message", "data": data | shown})

    def on_message(self, message: str | bytes) -> None:
        self.acks.append(json.loads(message)["sequenceId"])

    def on_close(self) -> None:
        self.gone.set()

    @property
    def asked(self) -> dict[str, str]:
        """The query of its address."""
        return {name: self.get_query_argument(name) for name in self.request.query_arguments}

    def drop(self) -> None:
        """Without a farewell."""
        stream = self.ws_connection.stream if self.ws_connection else None
        if stream is not None:
            stream.close()


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class Backend:
    """`scripts` are run for one socket after another, the last one also for all that follow.

    `greeting` is what the first frame says, None for none; `refusals` are statuses for upgrades,
    `register` the status of register-websocket, `kept` what GET of the conversation answers once it
    has failed `failures` times.
    """

    scripts: list[Script] = field(default_factory=list)
    greeting: Json | None = field(default_factory=lambda: dict[str, object](GREETING))
    refusals: list[int] = field(default_factory=list)
    register: int = 200
    kept: bytes | None = None
    failures: int = 0
    url: str = ""
    wss_url: str = ""
    request_id: str = ""
    posted: asyncio.Event = field(default_factory=asyncio.Event)
    peers: list[Peer] = field(default_factory=list)
    upgrades: list[Peer] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    tasks: set[asyncio.Future[None]] = field(default_factory=set)

    def start(self, work: Awaitable[None]) -> None:
        self.tasks.add(asyncio.ensure_future(work))


class Calls(RequestHandler):
    """Everything but the sockets."""

    def initialize(self, backend: Backend) -> None:
        self.backend = backend

    def get(self, path: str) -> None:
        self.post(path)

    def post(self, path: str) -> None:
        backend = self.backend
        backend.calls.append(path)
        if path == "register-websocket":
            self.set_status(backend.register)
            self.write({"wss_url": backend.wss_url} if backend.register == 200 else {"detail": "No."})
        elif path == "conversation":
            body = json.loads(self.request.body)
            backend.request_id = body.get("websocket_request_id") or "w1"
            self.write({"wss_url": backend.wss_url, **MARKS, "websocket_request_id": backend.request_id})
            backend.posted.set()
        elif path.startswith("conversation/") and backend.failures:
            backend.failures -= 1
            self.set_status(503)
        elif path.startswith("conversation/") and backend.kept is None:
            self.set_status(404)
            self.write({"detail": {"code": "conversation_not_found"}})
        elif path.startswith("conversation/"):
            self.write(backend.kept or b"")
        else:
            self.write({})


@dataclass
class Scene:
    """A client and the backend."""

    client: Client
    backend: Backend

    def talk(self) -> Talk:
        return Talk(self.client, "Hello")

    def learn(self) -> None:
        """Let the client know that the account answers over a socket."""
        self.client.sockets.remember(Credential(KEY))


@asynccontextmanager
async def scene(
    backend: Backend, timeouts: Timeouts = PATIENT, limits: SocketLimits = QUICK, *, learnt: bool = True
) -> AsyncIterator[Scene]:
    """Yield both; afterwards, no fd and no task may be left."""
    async with nothing_left():
        application = Application([
            (r"/socket", Peer, {"backend": backend}),
            (rf"/{PREFIX}/backend-api/(.*)", Calls, {"backend": backend}),
        ], log_function=lambda handler: None)  # fmt: skip
        server = HTTPServer(application)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        host = f"127.0.0.1:{sockets[0].getsockname()[1]}"
        backend.url = f"http://{host}"
        backend.wss_url = backend.wss_url or f"ws://{host}/socket?access_token=canary"
        client = Client(backend.url, timeouts, prefix=PREFIX, socket_limits=limits)
        here = Scene(client, backend)
        if learnt:
            here.learn()
        try:
            yield here
        finally:
            client.close()
            server.stop()
            for task in backend.tasks:
                task.cancel()
            await asyncio.gather(*backend.tasks, return_exceptions=True)
            for peer in backend.peers:
                if peer.ws_connection is not None:
                    peer.drop()
            await server.close_all_connections()


RECORDS = [hidden_system(), echo("Hello", "u1"), *growing("", "One", "One two"), finished("One two three.")]
PIECES = [sse(record, done=False) for record in RECORDS] + [DONE]
TEXT = "One two three."


def kept() -> bytes:
    """The conversation as the backend stores it."""
    mapping: dict[str, Any] = {}
    parent = None
    for record in RECORDS:
        said: Any = record["message"]
        known = mapping.get(said["id"])
        mapping[said["id"]] = {
            "id": said["id"],
            "message": said,
            "parent": known["parent"] if known else parent,
        }
        parent = said["id"]
    return json.dumps({"conversation_id": "c1", "current_node": parent, "mapping": mapping}).encode()


def plays(*numbers: int, drops: bool = False) -> Script:
    """Send the pieces of the answer with these numbers (from 1), once it was posted."""

    async def script(peer: Peer) -> None:
        await peer.backend.posted.wait()
        for number in numbers:
            await peer.send(number, PIECES[number - 1], more=number < len(PIECES))
        if drops:
            peer.drop()

    return script


ALL = range(1, len(PIECES) + 1)
