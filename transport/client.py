"""An implementation of Tornado's `AsyncHTTPClient` on sockets of its own.

It does what the standard one does not: a fetch can be stopped in every state, connections are kept, and
proxies are used. What it does not do: follow redirects, ask for compression.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from io import BytesIO
from typing import Any, Final

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPInputError
from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError

from transport.chunked import DamagedBody
from transport.connector import Connection, Connector
from transport.pool import Pool
from transport.receive import receive_head
from transport.request import NO_HEADERS, FetchHandle, HandledRequest, Target
from transport.response import MAX_HEAD_BYTES, Body, CountedBody, EndlessBody, Head, HeadReader, body_of

MAX_BODY_BYTES: Final = 100 * 1024 * 1024
"""Longest body that is kept; one that is streamed has no limit."""

SENT: Final = HTTPRequest("")
"""Stands for a request that was sent and is not held any more."""

Report = Callable[["Fetch", BaseException | None], None]

_REPEATABLE: Final = ("GET", "HEAD")
_KEEP_SECONDS: Final = re.compile(r"\btimeout\s*=\s*(\d{1,9})")


class StreamingClient(AsyncHTTPClient):
    """Tornado's client interface: `fetch` with `streaming_callback`, `header_callback` and all time limits.

    A `streaming_callback` may return an awaitable; nothing more is read before that is done. It is called in
    the loop itself or in a task of the client. At most `max_clients` fetches are under way, and further ones
    wait. Redirects are answers like any other, and compression is not asked for. `pool` is where its
    connections come from, one of its own by default. Make it with `force_instance=True`, or let
    `AsyncHTTPClient.configure` make it the implementation.
    """

    def initialize(
        self,
        defaults: dict[str, Any] | None = None,
        *,
        max_clients: int = 10,
        pool: Pool | None = None,
        max_header_size: int = MAX_HEAD_BYTES,
        max_body_size: int = MAX_BODY_BYTES,
    ) -> None:
        """Tornado's hook for the arguments."""
        ours = {"follow_redirects": False, "decompress_response": False}
        super().initialize(defaults=ours | (defaults or {}))
        self.max_header_size = max_header_size
        self.max_body_size = max_body_size
        self.pool = pool or Pool(Connector())
        self._max_clients = max_clients
        self._is_closed = False
        self._active: set[Fetch] = set()
        self._queue: deque[Fetch] = deque()

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]) -> None:
        """Begin a fetch, or let it wait until there are less than `max_clients`."""
        self._begin(Fetch(self, request, lambda fetch, error: callback(fetch.response(error))))

    def exchange(self, request: HandledRequest) -> "asyncio.Future[None]":
        """`fetch` for who needs no response, having learnt all from the handle and the callbacks.

        What is returned is done when the fetch has ended, whatever the status, and raises what `fetch` does.
        Cancelling it stops nothing. Default values of the client do not count.

        Raises:
            RuntimeError: the client was closed.
        """
        if self._is_closed:
            raise RuntimeError("the client is closed")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._begin(Fetch(self, request, partial(_settle, done), makes_response=False))
        return done

    def close(self) -> None:
        """Stop all fetches, and close the pool."""
        super().close()
        self._is_closed = True
        for fetch in (*self._queue, *self._active):
            fetch.stop(HTTPStreamClosedError("Client closed"))
        self.pool.close()

    def ended(self, fetch: "Fetch") -> None:
        """A fetch is over; another one may begin."""
        self._active.discard(fetch)
        if fetch in self._queue:
            self._queue.remove(fetch)
        self._start_waiting()

    def _begin(self, fetch: "Fetch") -> None:
        self._queue.append(fetch)
        fetch.wait()
        self._start_waiting()

    def _start_waiting(self) -> None:
        while self._queue and len(self._active) < self._max_clients:
            fetch = self._queue.popleft()
            self._active.add(fetch)
            fetch.start()


class Fetch:
    """One fetch: in the queue, connecting, waiting for the answer, reading it; then it has reported.

    `report` is called with it, and with what it has failed with. Without `makes_response`, request and
    headers are held until the answer begins, and no longer.
    """

    __slots__ = (
        "_body",
        "_callback",
        "_client",
        "_connection",
        "_content",
        "_damage",
        "_delivered",
        "_handle",
        "_head",
        "_in_callback",
        "_loop",
        "_makes_response",
        "_reader",
        "_request",
        "_since",
        "_since_wall",
        "_streaming",
        "_task",
        "_timer",
    )

    def __init__(
        self, client: StreamingClient, request: HTTPRequest, report: Report, *, makes_response: bool = True
    ) -> None:
        self._makes_response = makes_response
        self._client = client
        self._request = request
        self._callback: Report | None = report
        self._handle: FetchHandle = getattr(request, "handle", None) or FetchHandle()
        self._loop = asyncio.get_running_loop()
        self._since, self._since_wall = self._loop.time(), time.time()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._in_callback = False
        self._head: Head | None = None
        self._content = bytearray()
        self._reader: HeadReader | None = None  # once the request has left
        self._streaming = request.streaming_callback  # looked up once: Tornado's default values are slow
        self._body: Body = CountedBody(0)
        self._delivered: Awaitable[None] | None = None  # what the last content has to wait for
        self._damage = ""  # why the body cannot be read on

    def wait(self) -> None:
        """It is in the queue."""
        self._handle.stopped_by = self.stop
        request = self._request
        limits = [limit for limit in (request.connect_timeout, request.request_timeout) if limit]
        if limits:
            self._limit(min(limits), "Timeout while connecting")

    def response(self, error: BaseException | None) -> HTTPResponse:
        """What Tornado's interface gives of it once it has reported."""
        times: Any = {"request_time": self._loop.time() - self._since, "start_time": self._since_wall}
        if error is not None or self._head is None:
            return HTTPResponse(self._request, 599, error=error, **times)
        line, headers = self._head.line, self._head.headers
        content = BytesIO(self._content)
        return HTTPResponse(self._request, line.code, headers, content, reason=line.reason, **times)

    def start(self) -> None:
        """It has left the queue."""
        self._task = self._loop.create_task(self._run(), name="fetch")

    def stop(self, error: BaseException | None = None) -> None:
        """End it where it stands; see `FetchHandle.stop`."""
        if self._callback is None:
            return
        if self._task is not None and not self._in_callback:
            self._task.cancel()
            self._task = None  # one that has not begun keeps its end, and that this fetch
        if self._connection is not None:
            self._connection.channel.close()
        self._report(error)

    async def _run(self) -> None:
        error: BaseException | None = None
        try:
            await self._exchange(Target(self._request))
        except asyncio.CancelledError:
            error = HTTPStreamClosedError("Stopped")
        except Exception as failure:
            error = failure
        if error is not None and self._connection is not None:
            self._connection.channel.close()
        try:
            self._report(error)
        finally:
            del error  # it refers to this call

    async def _exchange(self, target: Target) -> None:
        """One request and its answer, on a kept connection or on a new one."""
        pool: Pool = getattr(self._request, "pool", None) or self._client.pool
        connection = await (pool.acquire(target.origin) if target.reuse else pool.open(target.origin))
        try:
            head = await self._ask(connection, target)
        except (OSError, HTTPStreamClosedError):
            if not connection.stood_idle or not self._may_repeat():
                raise
            connection.channel.close()
            connection = await pool.open(target.origin)
            head = await self._ask(connection, target)
        body = self._body = body_of(head, self._request.method)
        reusable = target.reuse and head.line.code != 101 and head.keeps_connection
        # An answer takes minutes: what was sent, and what is known or told by now, goes.
        self._handle.on_connected = self._handle.on_headers = None
        if (forget := getattr(self._request, "forget_what_was_sent", None)) is not None:
            forget()
        del target, forget
        seconds = _announced_seconds(head)
        if not self._makes_response:
            self._head, self._request = Head(head.line, NO_HEADERS), SENT
        del head
        await self._read_body(connection, body)
        if self._callback is None:
            return
        self._connection = None
        if reusable and body.ended and not body.excess and not connection.channel.unsent:  # both are done
            pool.release(connection, seconds)
        else:
            connection.channel.close()

    async def _ask(self, connection: Connection, target: Target) -> Head:
        """Send the request, and return the head of the answer."""
        self._connection, self._reader = connection, None
        if self._callback is None:
            raise asyncio.CancelledError  # stopped while it connected
        connection.channel.write(target.encode(connection))
        reader = self._reader = HeadReader(self._client.max_header_size)
        if self._handle.on_connected is not None:
            self._handle.on_connected()
        if limit := self._request.request_timeout:
            self._limit(self._since + limit - self._loop.time(), "Timeout during request")
        elif self._timer is not None:
            self._timer.cancel()
        head = self._head = await receive_head(connection.channel, reader, self._tell)
        if self._handle.on_headers is not None:
            self._handle.on_headers(head.line, head.headers)
        return head

    def _may_repeat(self) -> bool:
        """Nothing of the request has left, or sending it again changes nothing at the server.

        The server may just have closed a connection that stood idle. What it may have read is not sent again.
        """
        reader = self._reader
        return reader is None or (self._request.method in _REPEATABLE and not reader.begun)

    async def _read_body(self, connection: Connection, body: Body) -> None:
        """Hand on all content of each read at once, and read no more before it was taken."""
        receive, taken = connection.channel.receive, self._taken
        reader, self._reader = self._reader, None
        going_on = taken(reader.rest if reader is not None else b"")
        del reader  # it keeps the rest, and a slow reader may take minutes
        while True:
            if not going_on:
                if (delivered := self._delivered) is not None:
                    self._in_callback = True
                    try:
                        await delivered
                    finally:
                        self._in_callback = False
                if self._damage:
                    raise HTTPInputError(self._damage)
                if body.ended or self._callback is None:
                    return
            if not await receive(taken):
                if isinstance(body, EndlessBody):
                    return
                raise HTTPStreamClosedError("Connection closed")
            going_on = False

    def _taken(self, data: bytes) -> bool:
        """Hand on the content in what was read; false if anything must be looked at before more is read."""
        body = self._body
        try:
            content = body.feed(data)
        except DamagedBody as error:
            content, self._damage = error.content, str(error)
        if not content:
            self._delivered = None
        else:
            self._in_callback = True
            try:
                self._delivered = (self._streaming or self._collect)(content)
            finally:
                self._in_callback = False
        over = body.ended or bool(self._damage) or self._callback is None
        return self._delivered is None and not over

    def _collect(self, content: bytes) -> None:
        self._content += content
        if len(self._content) > self._client.max_body_size:
            raise HTTPInputError("the body is too long")

    def _tell(self, head: Head) -> None:
        if (tell := self._request.header_callback) is not None:
            version, code, reason = head.line
            tell(f"{version} {code} {reason}\r\n")
            for name, value in head.headers.get_all():
                tell(f"{name}: {value}\r\n")
            tell("\r\n")

    def _limit(self, seconds: float, what: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, lambda: self.stop(HTTPTimeoutError(what)))

    def _report(self, error: BaseException | None) -> None:
        callback, self._callback = self._callback, None
        if callback is None:
            return
        self._handle.stopped_by = None
        if self._timer is not None:
            self._timer.cancel()
        self._client.ended(self)
        if error is None and self._head is None:
            error = HTTPStreamClosedError("Stopped")
        callback(self, error)


def _settle(done: "asyncio.Future[None]", _: Fetch, error: BaseException | None) -> None:
    if done.done():
        return  # it was cancelled
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        done.exception()  # who is cancelled now does not look at it any more


def _announced_seconds(head: Head) -> float | None:
    found = _KEEP_SECONDS.search(head.headers.get("Keep-Alive", ""))
    return float(found[1]) if found else None
