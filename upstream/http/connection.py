"""The one module that knows Tornado's private names (6.6 series), and why each is needed.

Tornado's HTTP client has no public way to stop a fetch: cancelling the future or closing the client
leaves the socket and the `max_clients` slot taken until the backend ends, which here means that a
model keeps talking, and quota is charged, for a reader who has left. Private names relied on:

`SimpleAsyncHTTPClient._connection_class`
    makes the connections of a client: ours instead of Tornado's.
`SimpleAsyncHTTPClient.queue`, `._on_timeout`
    fetches waiting for a slot, and how one of them is given up.
`_HTTPConnection.run`
    the task of a connection; it must be cancelled to stop connecting.
`_HTTPConnection._handle_exception`, `.final_callback`
    fails the fetch, frees its slot and closes its socket, in any state; None once that is done.
`_HTTPConnection.on_connection_close`
    Tornado's own raises where nothing catches it when the backend *resets* in mid-body, so that the fetch
    hangs forever (6.6.0 and 6.6.1); overridden with one that fails the fetch.
`_HTTPConnection._create_connection`
    called when TCP and TLS stand and nothing was sent yet.
`HTTP1Connection._read_chunked_body`
    reads a chunked body; Tornado's makes four reads and a coroutine of each chunk, which for a
    stream of small events costs as much again as all the rest.
`asyncio.Task._fut_waiter`
    whether a task really waits, see `_stop_connecting`.

Each has a contract test (`tests/upstream/http/test_connection.py`, and the tests of each state beside it).
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, cast

from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream
from tornado.simple_httpclient import HTTPStreamClosedError, SimpleAsyncHTTPClient, _HTTPConnection

from upstream.http.chunked import ChunkedDecoder, DamagedBody
from upstream.http.errors import Aborted
from upstream.http.receiver import ResponseReceiver

READ_BYTES: Final = 64 * 1024
"""Most bytes handed on at once; the same as IOStream's own reads."""
YIELD_BYTES: Final = 256 * 1024
"""After so many bytes without having had to wait, let other connections have their turn."""
MAX_HEADER_BYTES: Final = 64 * 1024
UNLIMITED: Final = 1 << 60
"""For `max_body_size`: it bounds a whole stream, and going over it would look like a lost connection."""


class UpstreamRequest(HTTPRequest):
    """A request that carries the `ResponseReceiver` of its answer, and never asks for gzip or redirects.

    Tornado's own time limits are off: the receiver's watchdog has them all.
    """

    def __init__(self, receiver: ResponseReceiver, url: str, method: str, **kwargs: Any) -> None:
        super().__init__(
            url,
            method,
            connect_timeout=0,
            request_timeout=0,
            follow_redirects=False,
            decompress_response=False,
            **kwargs,
        )
        self.receiver = receiver


class AbortableClient(SimpleAsyncHTTPClient):
    """Fetches `UpstreamRequest`s only; failing the receiver of one ends it at once in every state."""

    def __new__(cls, **kwargs: Any) -> "AbortableClient":
        """A client of its own: Tornado would hand out one shared instance per loop."""
        return cast(AbortableClient, super().__new__(cls, force_instance=True, **kwargs))

    def initialize(self, max_clients: int) -> None:  # type: ignore[override]
        """Tornado's hook for the arguments; at most `max_clients` fetches are under way, the others wait."""
        super().initialize(max_clients=max_clients, max_header_size=MAX_HEADER_BYTES, max_body_size=UNLIMITED)

    def _connection_class(self) -> type:
        return AbortableConnection

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]) -> None:
        """Begin a fetch, or let it wait for a slot; either way it can be stopped."""
        super().fetch_impl(request, callback)
        if self.queue and self.queue[-1][1] is request:
            key = self.queue[-1][0]
            _receiver(request).on_failure(partial(self._on_timeout, key))


def _receiver(request: HTTPRequest) -> ResponseReceiver:
    # Tornado wraps requests into a proxy that passes attributes on but is no UpstreamRequest.
    return cast(UpstreamRequest, request).receiver


class AbortableConnection(_HTTPConnection):
    """One connection for one request, reporting to the request's receiver and stopped through it."""

    stream: IOStream

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._task: asyncio.Task[None] | None = None
        self._receiver = _receiver(self.request)
        self._receiver.on_failure(self._abort)
        self._ends_by_closing = False

    async def run(self) -> None:
        """Connect, send the request and read the answer."""
        self._task = cast("asyncio.Task[None]", asyncio.current_task())
        if self.final_callback is None:
            return
        try:
            await super().run()
        except asyncio.CancelledError:
            if self.final_callback is not None:
                raise

    def _abort(self) -> None:
        if not hasattr(self, "stream"):
            self._stop_connecting()
        # The error is only a marker: what the caller gets to see is the receiver's failure.
        self._handle_exception(Aborted, Aborted(), None)

    def _stop_connecting(self) -> None:
        """Cancel the task where it waits for DNS, TCP or TLS, which closes the half-made socket.

        If what it waits for has just happened, cancelling would lose an open socket: then let it
        take that step, after which it either waits again or closes the socket by itself.
        """
        if self._task is None or self._task.done():
            return
        waiter: asyncio.Future[Any] | None = self._task._fut_waiter  # type: ignore[attr-defined]
        if waiter is not None and not waiter.done():
            self._task.cancel()
        else:
            asyncio.get_running_loop().call_soon(self._stop_connecting)

    def _create_connection(self, stream: IOStream) -> HTTP1Connection:
        self._receiver.connected()
        stream.set_nodelay(True)  # headers and body are two writes
        parameters = HTTP1ConnectionParameters(
            no_keep_alive=True, max_header_size=self.max_header_size, max_body_size=self.max_body_size
        )
        return BulkReadingConnection(stream, True, parameters)

    async def headers_received(
        self, first_line: ResponseStartLine | RequestStartLine, headers: HTTPHeaders
    ) -> None:
        """Report the headers of the answer, before its body."""
        if not isinstance(first_line, ResponseStartLine) or first_line.code < 200:
            return  # informational; the answer is still to come
        await super().headers_received(first_line, headers)
        self._ends_by_closing = "Content-Length" not in headers and "Transfer-Encoding" not in headers
        self._receiver.headers_received(first_line.code, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass on a piece of the body; nothing more is read before what is returned is done."""
        if self.final_callback is None:
            return None  # aborted while bytes were still buffered
        if self._receiver.streaming:
            return self._receiver.deliver(chunk)
        delivered = self._receiver.keep(chunk)
        if self._receiver.overflowed:
            self.finish()
        return delivered

    def finish(self) -> None:
        """The body has ended."""
        if self.final_callback is None:
            return
        if self._ends_by_closing and self.stream.error is not None:
            self.on_connection_close()  # a reset; only a proper close ends such a body
            return
        super().finish()

    def on_connection_close(self) -> None:
        """The connection broke before the answer was complete."""
        if self.final_callback is not None:
            error = self.stream.error or HTTPStreamClosedError("Connection closed")
            self._handle_exception(type(error), error, None)


class BulkReadingConnection(HTTP1Connection):
    """Tornado's HTTP/1.1, except that it reads chunks in bulk."""

    async def _read_chunked_body(self, delegate: HTTPMessageDelegate) -> None:
        decoder = ChunkedDecoder()
        read_bytes = self.stream.read_bytes
        without_waiting = 0
        while not decoder.ended:
            data = await read_bytes(READ_BYTES, partial=True)
            damage = ""
            try:
                content = decoder.feed(data)
            except DamagedBody as error:
                content, damage = error.content, str(error)
            if content:
                delivered = delegate.data_received(content)
                if delivered is not None:
                    await delivered
            if damage:
                raise HTTPInputError(damage)
            without_waiting += len(data)
            if without_waiting >= YIELD_BYTES:
                without_waiting = 0
                await asyncio.sleep(0)
