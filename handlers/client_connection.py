"""The client's side of an answer: headers, chunks, keep-alives, and a client that leaves.

Writes are awaited, so a client that stops reading stops the upstream. Two writes never overlap:
Tornado keeps one write future per connection.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tornado.iostream import StreamClosedError

from handlers.base import ApiHandler
from handlers.client_states import ClientSignal, ClientState, transition


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """When a stream is opened and kept alive, in seconds.

    `headers_after` is when the headers are sent at the latest, `keepalive_interval` the silence after which
    a comment is sent, `write_timeout` how long a client may stop reading. Some clients give up after two
    minutes without a parsed chunk and do not see comments; after `visible_after` they get a chunk.
    """

    headers_after: float
    keepalive_interval: float
    write_timeout: float
    visible_after: float = 45.0


class StreamForm(Protocol):
    """How a response is written, as far as its connection has to know; each `AnswerFormat` is one."""

    streams: bool
    content_type: str

    def open(self) -> bytes:
        """What a stream begins with."""
        ...

    def idle(self, *, visible: bool) -> bytes:
        """What keeps a silent stream alive; with `visible` in a form that parsers pass on."""
        ...


class ClientConnection:
    """One response: `start`, `send` and `close`. A stream is opened by the first `send`, or by itself when
    its headers are due; see `StreamTiming`.

    `on_left` is called when the client is found to be gone.
    """

    __slots__ = (
        "_format",
        "_handler",
        "_keepalive",
        "_last_chunk",
        "_last_write",
        "_loop",
        "_on_left",
        "_quiet",
        "_sending_since",
        "_timer",
        "_timing",
        "state",
    )

    def __init__(
        self,
        handler: ApiHandler,
        format: StreamForm,
        timing: StreamTiming,
        on_left: Callable[[ClientState], None],
    ) -> None:
        self.state = ClientState.PENDING
        self._handler = handler
        self._format = format
        self._timing = timing
        self._on_left = on_left
        self._loop = asyncio.get_running_loop()
        self._keepalive: asyncio.Task[None] | None = None
        self._quiet = False
        self._sending_since: float | None = None
        self._last_write = self._last_chunk = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start the time after which the headers of a stream are sent."""
        if self._format.streams:
            self._timer = self._loop.call_later(self._timing.headers_after, self._tick)

    async def send(self, data: bytes) -> None:
        """Write and wait until the kernel took it; after the client left, do nothing."""
        if (sending := self.begin_send(data)) is not None:
            await sending

    def begin_send(self, data: bytes) -> Awaitable[None] | None:
        """`send`, which is done already if this returns None, else when what it returns is."""
        if self._keepalive is not None:
            return self._send_after(self._keepalive, data)
        written = self._write(data)
        self._last_chunk = self._last_write
        return None if written is None else self._end_send(written)

    async def _send_after(self, keepalive: "asyncio.Task[None]", data: bytes) -> None:
        await keepalive
        await self.send(data)

    async def _end_send(self, written: "asyncio.Future[None]") -> None:
        await self._wait_for(written)
        self._last_chunk = self._last_write

    async def quiet(self) -> None:
        """No more keep-alives; a write that is under way ends first. Writes stay limited in time."""
        self._quiet = True
        if self._keepalive is not None:
            await self._keepalive

    def close(self) -> None:
        """Nothing more will be sent."""
        if self._timer is not None:
            self._timer.cancel()
        if self.state is not ClientState.ENDED:
            self.state = transition(self.state, ClientSignal.LAST_BYTE)

    def left(self) -> None:
        """Note that the client is gone."""
        before, self.state = self.state, transition(self.state, ClientSignal.LEFT)
        self._on_left(before)

    def _write(self, data: bytes) -> "asyncio.Future[None] | None":
        """Write; return what is to be waited for, unless the kernel took all at once."""
        if self.state is ClientState.GONE:
            return None
        handler = self._handler
        begins = self.state is ClientState.PENDING
        if begins:
            self._send_headers()
            data = self._format.open() + data
        handler.write(data)
        written = handler.flush()
        if begins:
            handler.forget_headers()
        self._last_write = self._loop.time()
        return None if written.done() and written.exception() is None else written

    async def _wait_for(self, written: "asyncio.Future[None]") -> None:
        self._sending_since = self._last_write
        try:
            await written
        except StreamClosedError:
            self.left()
        finally:
            del written  # its error refers to this call, which refers to the response
        self._last_write = self._loop.time()
        self._sending_since = None

    def _send_headers(self) -> None:
        self.state = transition(self.state, ClientSignal.HEADERS_SENT)
        self._arm(self._timing.keepalive_interval)
        handler = self._handler
        handler.set_status(200)
        handler.set_header("Content-Type", self._format.content_type)
        handler.set_header("Cache-Control", "no-cache")
        handler.set_header("X-Accel-Buffering", "no")
        handler.set_last_headers()

    def _tick(self) -> None:
        """Keep the client's connection alive, or give up on one that does not read."""
        now, interval = self._loop.time(), self._timing.keepalive_interval
        if self._sending_since is not None:
            left = self._sending_since + self._timing.write_timeout - now
            if left <= 0:
                self._cut_off()
                return
            self._arm(left)
            return
        silence = now - self._last_write
        if self._quiet or self.state is ClientState.PENDING or silence >= interval:
            silence = 0.0
            if not self._quiet:
                self._keepalive = self._loop.create_task(self._keep_alive(now))
        self._arm(interval - silence)

    def _arm(self, wait: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(min(wait, self._timing.write_timeout), self._tick)

    async def _keep_alive(self, now: float) -> None:
        visible = now - self._last_chunk >= self._timing.visible_after
        if (written := self._write(self._format.idle(visible=visible))) is not None:
            await self._wait_for(written)
        if visible:
            self._last_chunk = now
        self._keepalive = None

    def _cut_off(self) -> None:
        """The client has not read for too long: drop it, as if it had left."""
        self.left()
        self._handler.cut_off()
