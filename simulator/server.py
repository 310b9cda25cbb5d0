"""The simulator as a server."""

import time
from collections.abc import Callable, Mapping

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from simulator.accounts import DEAD_KEYS, Accounts
from simulator.backend import Backend
from simulator.conversations import MAX_CONVERSATIONS
from simulator.files import MAX_FILE_BYTES
from simulator.knobs import Knobs
from simulator.routes import make_application
from simulator.state import State


class Simulator:
    """A simulated ChatGPT-web backend, as a proxy offers it under `prefix`.

    `knobs` are the defaults of all requests. `clock` gives Unix seconds, for message caps, expiry and time
    stamps. `dead_keys` has names of refusals by the beginning of the keys that get them. Of more than
    `max_conversations` the oldest are dropped.
    """

    def __init__(
        self,
        prefix: str = "",
        knobs: Knobs | None = None,
        *,
        clock: Callable[[], float] = time.time,
        dead_keys: Mapping[str, str] = DEAD_KEYS,
        max_conversations: int = MAX_CONVERSATIONS,
    ) -> None:
        self._backend = Backend(knobs or Knobs(), clock, dead_keys, max_conversations)
        self._prefix = prefix.strip("/")
        self._server: HTTPServer | None = None
        self.port = 0
        self.url = ""

    @property
    def state(self) -> State:
        """What was received and done."""
        return self._backend.state

    @property
    def accounts(self) -> Accounts:
        """What is the matter with each account, and what was counted of it."""
        return self._backend.accounts

    @property
    def knobs(self) -> Knobs:
        """The defaults of requests to come."""
        return self._backend.knobs

    @knobs.setter
    def knobs(self, knobs: Knobs) -> None:
        self._backend.knobs = knobs

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen. Port 0 takes a free one; `port` and `url` tell which. Raises OSError."""
        sockets = bind_sockets(port, host)
        self.port = sockets[0].getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        application = make_application(self._backend, self._prefix)
        limits = {"max_body_size": MAX_FILE_BYTES, "max_buffer_size": MAX_FILE_BYTES}
        self._server = HTTPServer(application, **limits)
        self._server.add_sockets(sockets)

    async def stop(self) -> None:
        """Close the port, end all answers and close all connections; does nothing if not started."""
        if self._server is None:
            return
        self._server.stop()
        await self._backend.stop()
        await self._server.close_all_connections()
        self._server = None

    def drop_websockets(self) -> None:
        """Drop all WebSocket connections, none of which can be resumed: as if their service restarts."""
        self._backend.websockets.drop_all()
