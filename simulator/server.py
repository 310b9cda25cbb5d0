"""The simulator as a server."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.routing import URLSpec
from tornado.web import Application

from simulator.accounts import DEAD_KEYS
from simulator.backend import Backend
from simulator.knobs import Knobs
from simulator.routes.base import NotFoundHandler
from simulator.routes.catalogue import LimitHandler, ModelsHandler
from simulator.routes.control import KnobsHandler, StateHandler
from simulator.routes.conversation import ConversationHandler
from simulator.routes.conversations import (
    ConversationListHandler,
    ModerationHandler,
    StoredConversationHandler,
    TitleHandler,
)
from simulator.routes.files import (
    DownloadLookupHandler,
    FileHandler,
    FilesHandler,
    GizmoHandler,
    SandboxHandler,
    SignedAddressHandler,
    UploadedHandler,
)
from simulator.routes.sockets import PATH, RegisterHandler, SocketHandler, StopHandler
from simulator.state import State

MAX_BODY_BYTES = 512 * 1024 * 1024  # the largest file that may be uploaded


class Simulator:
    """A simulated ChatGPT-web backend, as a proxy would offer it under ``prefix``.

    ``knobs`` are the defaults of each request. ``clock`` gives Unix seconds and rules caps and time stamps.
    ``dead_keys`` maps beginnings of keys to the name of their refusal.
    """

    def __init__(
        self,
        prefix: str = "",
        knobs: Knobs | None = None,
        *,
        clock: Callable[[], float] = time.time,
        dead_keys: Mapping[str, str] = DEAD_KEYS,
    ) -> None:
        self._backend = Backend(knobs or Knobs(), clock, dead_keys)
        self._prefix = prefix.strip("/")
        self._server: HTTPServer | None = None
        self.port = 0
        self.url = ""

    @property
    def state(self) -> State:
        """What was seen and done."""
        return self._backend.state

    @property
    def knobs(self) -> Knobs:
        """The defaults of requests to come."""
        return self._backend.knobs

    @knobs.setter
    def knobs(self, knobs: Knobs) -> None:
        self._backend.knobs = knobs

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen. Port 0 takes a free one; see ``port`` and ``url``. Raises OSError."""
        sockets = bind_sockets(port, host)
        self.port = sockets[0].getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self._server = HTTPServer(
            self._application(), max_body_size=MAX_BODY_BYTES, max_buffer_size=MAX_BODY_BYTES
        )
        self._server.add_sockets(sockets)

    async def stop(self) -> None:
        """Close the port, end all answers and close all connections. Harmless when not started."""
        if self._server is None:
            return
        self._server.stop()
        tasks = list(self._backend.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._backend.sockets.close()
        await self._server.close_all_connections()
        self._server = None

    def _application(self) -> Application:
        root = f"/{re.escape(self._prefix)}" if self._prefix else ""
        api = root + "/backend-api"
        one = r"([^/]+)"
        given = {"backend": self._backend}
        routes = [
            (f"{api}/conversation", ConversationHandler),
            (f"{api}/conversation/gen_title/{one}", TitleHandler),
            (f"{api}/conversation/{one}/interpreter/download", SandboxHandler),
            (f"{api}/conversation/{one}", StoredConversationHandler),
            (f"{api}/conversations", ConversationListHandler),
            (f"{api}/stop_conversation", StopHandler),
            (f"{api}/moderations", ModerationHandler),
            (f"{api}/models", ModelsHandler),
            (f"{api}/gizmos/{one}", GizmoHandler),
            (f"{api}/files", FilesHandler),
            (f"{api}/files/{one}", FileHandler),
            (f"{api}/files/{one}/uploaded", UploadedHandler),
            (f"{api}/files/{one}/download", DownloadLookupHandler),
            (f"{api}/files/download/{one}", DownloadLookupHandler),
            (f"{api}/register-websocket", RegisterHandler),
            (PATH, SocketHandler),
            (f"/__files/{one}", SignedAddressHandler),
            (f"{root}/public-api/conversation_limit", LimitHandler),
            ("/__sim/state", StateHandler),
            ("/__sim/knobs", KnobsHandler),
        ]
        return Application(
            [URLSpec(pattern, handler, given) for pattern, handler in routes],
            default_handler_class=NotFoundHandler,
            default_handler_args=given,
            log_function=lambda handler: None,  # paths hold the prefix, which is a secret
        )
