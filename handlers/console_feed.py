"""`GET /console/events`: what the administrator's page shows, told while it changes.

Each event is a JSON object with a `type`:

    state       as `GET /console/state` answers, under `state`
    requests    `now`, `in_flight`, `queued`, `running` and `ended`; see `requests_event`

The first of each tells all that there is. A `state` comes again when it has changed, which is looked for
every few seconds; of the requests, what has changed since. Nothing waits for a client that reads slowly: it
is told later what there is then.
"""

import asyncio
import time
from hashlib import sha256
from typing import Final

from activity import Seen, Watch, ended_as_json, running_as_json
from handlers.base import Common
from handlers.client_connection import ClientConnection
from handlers.client_states import ClientState
from handlers.console_state import ConsoleParts, console_state
from handlers.own_origin import OwnOriginHandler
from translate.values import json_bytes

STATE_SECONDS: Final = 5.0
"""How often it is looked whether the state has changed."""
LOOK_SECONDS: Final = 1.0
"""How often it is looked how far answers are, while no request comes or goes."""
PAUSE_SECONDS: Final = 0.25
"""Between two events; what comes meanwhile is told together."""


class FeedForm:
    """Server-sent events without names."""

    streams = True
    content_type = "text/event-stream"

    def open(self) -> bytes:
        """Nothing: an event follows at once."""
        return b""

    def idle(self, *, visible: bool) -> bytes:
        """A comment."""
        return b": ping\n\n"


class EventsHandler(OwnOriginHandler):
    """A stream that ends with the service, or when the page is closed."""

    route = "console"
    _connection: ClientConnection | None = None

    def initialize(self, parts: ConsoleParts) -> None:
        """What it tells about."""
        self.parts = parts

    async def get(self) -> None:
        """Tell it. Raises Unauthorized, and Overloaded if enough pages watch."""
        self.check_administrator(self.parts.admin)
        with self.common.activity.watch() as watch:
            connection = ClientConnection(self, FeedForm(), self.parts.timing, lambda before: watch.end())
            self._connection = connection
            connection.start()
            try:
                await self._tell(connection, watch)
            finally:
                connection.close()
                self._connection = None  # which refers back to this handler

    def set_last_headers(self) -> None:
        """See `ApiHandler`; no cache keeps a stream of the administrator's."""
        super().set_last_headers()
        self.set_header("Cache-Control", "no-store")

    def on_connection_close(self) -> None:
        """The page was closed; Tornado calls this once."""
        super().on_connection_close()
        if self._connection is not None:
            self._connection.left()

    async def _tell(self, connection: ClientConnection, watch: Watch) -> None:
        feed = Feed(self.parts, self.common)
        while not watch.over:
            for event in (await feed.state(), feed.requests()):
                if event is not None:
                    await connection.send(event)
            await watch.wait(PAUSE_SECONDS, LOOK_SECONDS)
        if connection.state is ClientState.GONE:
            return
        if (last := await feed.state(at_once=True)) is not None:
            await connection.send(last)
        self.finish()


class Feed:
    """What one page is told, by what it has been told already. Each event is None where there is none."""

    def __init__(self, parts: ConsoleParts, common: Common) -> None:
        self._parts = parts
        self._common = common
        self._position = 0
        self._shown: object = None
        self._state = b""
        self._look_at = 0.0
        self._clock = asyncio.get_running_loop().time

    async def state(self, *, at_once: bool = False) -> bytes | None:
        """The state, if it is time to look at it, or `at_once`, and it has changed."""
        if self._clock() < self._look_at and not at_once:
            return None
        self._look_at = self._clock() + STATE_SECONDS
        state = await console_state(self._parts, self._common, granted=True)
        event = _event({"type": "state", "state": state})
        digest = sha256(event).digest()
        if digest == self._state:
            return None
        self._state = digest
        return event

    def requests(self) -> bytes | None:
        """The requests, if anything of them has changed."""
        seen = self._common.activity.look(self._position)
        counts = len(self._parts.running), self._parts.queue.waiting
        shown = counts, seen.running, seen.position
        if shown == self._shown:
            return None
        self._shown, self._position = shown, seen.position
        return requests_event(seen, *counts)


def requests_event(seen: Seen, in_flight: int, queued: int) -> bytes:
    """`{"type": "requests", "now", "in_flight", "queued", "running": [...], "ended": [...]}`.

    `now` is in Unix seconds. `running` are all that are shown, the oldest first, as `running_as_json` has
    them; `ended` those that ended since the event before, the newest first, as `ended_as_json` has them.
    """
    return _event(
        {
            "type": "requests",
            "now": time.time(),
            "in_flight": in_flight,
            "queued": queued,
            "running": [running_as_json(request, answering) for request, answering in seen.running],
            "ended": [ended_as_json(ended) for ended in seen.ended],
        }
    )


def _event(value: dict[str, object]) -> bytes:
    return b"data: %b\n\n" % json_bytes(value)
