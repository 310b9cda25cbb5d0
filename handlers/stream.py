"""The client's side of a streamed answer: headers, chunks, keep-alives, and a client that leaves.

Writes are awaited, so a client that stops reading stops the upstream. Two writes never overlap:
Tornado keeps one write future per connection.
"""

import asyncio
import time
from collections.abc import Callable

from tornado.iostream import StreamClosedError

from handlers.base import ApiHandler
from translate.openai.chat import PING, StreamWriter

IDLE_CHUNK_AFTER = 45.0
"""Some clients give up after two minutes without a parsed chunk, and do not see comments."""


class ClientStream:
    """Opened by the first :meth:`send`, or by itself after the time that the settings give."""

    def __init__(self, handler: ApiHandler, writer: StreamWriter, on_gone: Callable[[], None]) -> None:
        self.committed = False
        """The headers are out: from now on no status can be told."""
        self.gone = False
        self._handler = handler
        self._writer = writer
        self._on_gone = on_gone
        self._settings = handler.service.settings
        self._loop = asyncio.get_running_loop()
        self._keeping: asyncio.Task[None] | None = None
        self._quiet = False
        self._sending_since: float | None = None
        self._last_write = self._last_chunk = self._loop.time()
        self._timer = self._loop.call_later(self._settings.stream_headers_after, self._tick)

    async def send(self, data: bytes) -> None:
        """Write and wait until the kernel took it; after the client left, do nothing."""
        if self._keeping is not None:
            await self._keeping
        await self._write(data)
        self._last_chunk = self._last_write

    async def quiet(self) -> None:
        """No more keep-alives; a write that is under way ends first. Writes stay limited in time."""
        self._quiet = True
        if self._keeping is not None:
            await self._keeping

    def close(self) -> None:
        """Nothing more will be sent."""
        self._timer.cancel()

    def left(self) -> None:
        """The client is gone."""
        self.gone = True
        self._on_gone()

    async def _write(self, data: bytes) -> None:
        if self.gone:
            return
        handler = self._handler
        if not self.committed:
            self._commit()
            data = self._writer.open() + data
        if handler.ttft is None and self._writer.size:
            handler.ttft = time.monotonic() - handler.started
        self._sending_since = self._loop.time()
        try:
            handler.write(data)
            await handler.flush()
        except StreamClosedError:
            self.left()
        self._last_write = self._loop.time()
        self._sending_since = None

    def _commit(self) -> None:
        self.committed = True
        self._arm(self._settings.keepalive_interval)
        handler = self._handler
        handler.set_status(200)
        handler.set_header("Content-Type", "text/event-stream; charset=utf-8")
        handler.set_header("Cache-Control", "no-cache")
        handler.set_header("X-Accel-Buffering", "no")
        handler.set_last_headers()
        if (socket := handler.socket()) is not None:
            socket.set_nodelay(True)  # reset by Tornado after each request

    def _tick(self) -> None:
        """Keep the client's connection alive, or give up on one that does not read."""
        now, interval = self._loop.time(), self._settings.keepalive_interval
        if self._sending_since is not None:
            left = self._sending_since + self._settings.write_timeout - now
            if left <= 0:
                self._cut_off()
                return
            self._arm(left)
            return
        silence = now - self._last_write
        if self._quiet or not self.committed or silence >= interval:
            silence = 0.0
            if not self._quiet:
                self._keeping = self._loop.create_task(self._keep_alive(now))
        self._arm(interval - silence)

    def _arm(self, wait: float) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_later(min(wait, self._settings.write_timeout), self._tick)

    async def _keep_alive(self, now: float) -> None:
        if now - self._last_chunk >= IDLE_CHUNK_AFTER:
            await self._write(self._writer.idle())
            self._last_chunk = now
        else:
            await self._write(PING)
        self._keeping = None

    def _cut_off(self) -> None:
        """The client has not read for too long: drop it, as if it had left."""
        self.left()
        self._handler.cut_off()
