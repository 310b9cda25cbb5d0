"""The server: it accepts connections, and lets Tornado read requests from them for the application."""

import asyncio
import socket
from contextlib import suppress
from typing import Final

from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters, HTTP1ServerConnection
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

from front.acceptor import Acceptor
from front.client_stream import ClientStream
from front.connections import Connections
from front.departures import Departures
from front.gate import RequestContext, RequestGate
from front.listeners import Listeners
from front.response_connection import ResponseConnection
from front.times import ConnectionTimes
from metrics import Metrics

MAX_DRAINED_BODY_BYTES: Final = 1 << 31
"""Above the limit of the settings, so that an oversized body meets our 413 and not Tornado's bare 400."""
HANDOVER_SECONDS: Final = 0.5
"""How long connections that were under way to a shared port are still accepted."""
LOOK_SECONDS: Final = 0.02
CLOSED_AT_ONCE: Final = 16
"""Connections that are closed before the loop goes on with other work."""
ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - nothing listens on it
"""Where a client is that has no address."""


class FrontDoor(HTTPServerConnectionDelegate):
    """Serves `application` on `listeners`, with at most `limit` connections. Made on the running loop."""

    def __init__(
        self,
        application: HTTPServerConnectionDelegate,
        listeners: Listeners,
        metrics: Metrics,
        limit: int,
        times: ConnectionTimes | None = None,
    ) -> None:
        self.application = application
        self.port = listeners.port
        self.address = listeners.address
        self._listeners = listeners
        self._times = times or ConnectionTimes()
        self._parameters = HTTP1ConnectionParameters(max_body_size=MAX_DRAINED_BODY_BYTES)
        self._serving: dict[object, HTTP1ServerConnection] = {}
        self._departures = Departures()
        self._connections = Connections(limit, self._times, metrics, self._departures, self._resume)
        self._acceptor = Acceptor(listeners.sockets, self._connections, metrics, self._serve)

    async def stop_listening(self) -> None:
        """Accept no more connections, and only one more request on each that is open.

        Who waits in the queue of the kernel is let in.
        """
        self._connections.end()
        if self._listeners.shared:
            self._listeners.turn_away()
            await asyncio.sleep(HANDOVER_SECONDS)
        self._acceptor.end(drain=not self._listeners.handed_over)
        self._listeners.close()

    async def wait_until_answered(self, seconds: float, hurried: asyncio.Event) -> None:
        """Once it listens no more: wait until all requests that were sent are answered, and every connection
        is closed on which no further one comes; for so long at most, or until `hurried`.

        Then those are closed on which nothing was asked: nobody is refused who asks there meanwhile.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        over = False
        while len(self._connections):
            over = over or hurried.is_set() or loop.time() >= until
            if self._connections.close_quiet(CLOSED_AT_ONCE, at_once=over) == CLOSED_AT_ONCE:
                await asyncio.sleep(0)
            elif over:
                return
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await hurried.wait()

    async def close(self) -> None:
        """Close all connections; who has sent a part of a request is told."""
        for stream in self._connections:
            stream.stop()
        for serving in list(self._serving.values()):
            await serving.close()
        self._departures.close()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """See Tornado."""
        stream = self._serving[server_conn].stream
        assert isinstance(stream, ClientStream)  # noqa: S101 - `_serve` has made it
        assert isinstance(request_conn, HTTP1Connection)  # noqa: S101 - servers of HTTP/1 make no others
        response = ResponseConnection(request_conn, stream)
        inner = self.application.start_request(server_conn, response)
        return RequestGate(inner, stream, self._departures.watch)

    def on_close(self, server_conn: object) -> None:
        """See Tornado."""
        self._serving.pop(server_conn, None)

    def _resume(self) -> None:
        self._acceptor.resume()

    def _serve(self, connection: socket.socket) -> None:
        stream = ClientStream(connection, self._times, self._connections)
        self._connections.opened(stream)
        context = RequestContext(_address_of(connection))
        serving = HTTP1ServerConnection(stream, self._parameters, context)
        self._serving[serving] = serving
        serving.start_serving(self)


def _address_of(connection: socket.socket) -> str:
    try:
        name = connection.getpeername()
    except OSError:  # it has gone already
        return ANY_ADDRESS
    return str(name[0]) if isinstance(name, tuple) else ANY_ADDRESS
