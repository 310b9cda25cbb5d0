"""One answer: upstream chunks through the turn to the client, streamed or whole.

The same steps serve both; only the writer differs, and that a stream commits its headers early and
is kept alive. Writes to the client are awaited, so a client that stops reading stops the upstream.
Two writes never overlap: Tornado keeps one write future per connection.
"""

import asyncio
import time

from tornado.iostream import StreamClosedError

from handlers.base import ApiHandler
from handlers.failures import as_api_error, outcome_of
from metrics import Outcome
from translate.errors import ApiError
from translate.turn import Turn
from translate.writer import PING, StreamWriter, WholeWriter
from upstream import Exchange, UpstreamError

IDLE_CHUNK_AFTER = 45.0
"""Some clients give up after two minutes without a parsed chunk, and do not see comments."""


class Answer:
    """Call :meth:`run` once; :meth:`client_gone` and :meth:`stop` may come at any time."""

    def __init__(self, handler: ApiHandler, turn: Turn, writer: StreamWriter | WholeWriter) -> None:
        self._handler = handler
        self._turn = turn
        self._writer = writer
        self._exchange = Exchange()
        self._settings = handler.service.settings
        self._loop = asyncio.get_running_loop()
        self._error: ApiError | None = None
        self._gone = False
        self._committed = False
        self._finished = False
        self._sending: asyncio.Task[None] | None = None
        self._sending_since: float | None = None
        self._last_write = self._last_chunk = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, key: str, payload: bytes) -> None:
        """Make the answer, from the request upstream to the last byte."""
        if isinstance(self._writer, StreamWriter):
            self._timer = self._loop.call_later(self._settings.commit_after, self._tick)
        try:
            await self._handler.service.upstream.converse(key, payload, self._on_data, self._exchange)
            self._turn.eof()
        except UpstreamError as error:
            if not self._turn.done:
                self._error = self._error or as_api_error(error)
        finally:
            if self._timer is not None:
                self._timer.cancel()
        if self._sending is not None:
            await self._sending
        self._error = self._error or self._turn.error
        self._handler.outcome = self._outcome()
        if not self._gone:
            await self._end()

    def client_gone(self) -> None:
        """The client left: what is still generated costs quota for nobody."""
        self._gone = True
        self._exchange.abort()

    def stop(self, error: ApiError) -> None:
        """End the answer with ``error``."""
        self._error = error
        self._exchange.abort()

    async def _on_data(self, chunk: bytes) -> None:
        turn = self._turn
        out = turn.feed(chunk)
        if turn.done and turn.error is not None:
            self._exchange.abort()
            if self._committed and out:
                await self._send(out)
            return
        if isinstance(self._writer, WholeWriter):
            if turn.done:
                self._exchange.abort()
            return
        if turn.done:
            out += turn.finish()
            self._finished = True
        if out or (turn.state.answering and not self._committed):
            await self._send(out)
        if turn.done:
            self._exchange.abort()

    async def _end(self) -> None:
        error, handler = self._error, self._handler
        if error is not None and not self._committed:
            raise error
        if isinstance(self._writer, WholeWriter):
            handler.send_json(self._turn.finish())
            return
        if error is not None:
            out = self._turn.abandon()
            await self._send(out + self._writer.fail(error, note=self._settings.error_note))
        elif not self._finished:
            await self._send(self._turn.finish())
        if not self._gone:
            handler.finish()

    async def _send(self, data: bytes) -> None:
        """Write and wait until the kernel took it; after the client left, do nothing."""
        if self._sending is not None and self._sending is not asyncio.current_task():
            await self._sending
        if self._gone:
            return
        handler = self._handler
        if not self._committed:
            self._commit()
            data = self._writer.open() + data if isinstance(self._writer, StreamWriter) else data
        if self._handler.ttft is None and self._writer.size:
            handler.ttft = time.monotonic() - handler.started
        self._sending_since = self._loop.time()
        try:
            handler.write(data)
            await handler.flush()
        except StreamClosedError:
            self.client_gone()
        self._last_write = self._last_chunk = self._loop.time()
        self._sending_since = None

    def _commit(self) -> None:
        self._committed = True
        handler = self._handler
        handler.set_status(200)
        handler.set_header("Content-Type", "text/event-stream; charset=utf-8")
        handler.set_header("Cache-Control", "no-cache")
        handler.set_header("X-Accel-Buffering", "no")
        handler.set_processing_time()
        connection = handler.request.connection
        stream = getattr(connection, "stream", None)
        if stream is not None:
            stream.set_nodelay(True)  # reset by Tornado after each request

    def _tick(self) -> None:
        """Keep the client's connection alive, or give up on one that does not read."""
        now = self._loop.time()
        settings = self._settings
        interval = settings.keepalive_interval
        if self._sending_since is not None:
            left = self._sending_since + settings.write_timeout - now
            if left <= 0:
                self._cut_off()
                return
            self._timer = self._loop.call_later(min(interval, left), self._tick)
            return
        quiet = now - self._last_write
        if not self._committed or quiet >= interval:
            self._sending = self._loop.create_task(self._keep_alive(now))
            quiet = 0.0
        self._timer = self._loop.call_later(interval - quiet, self._tick)

    async def _keep_alive(self, now: float) -> None:
        last_chunk = self._last_chunk
        if isinstance(self._writer, StreamWriter) and now - last_chunk >= IDLE_CHUNK_AFTER:
            await self._send(self._writer.idle())
        else:
            first = not self._committed
            await self._send(PING)
            self._last_chunk = now if first else last_chunk
        self._sending = None

    def _cut_off(self) -> None:
        """The client has not read for too long: drop it, as if it had left."""
        self.client_gone()
        stream = getattr(self._handler.request.connection, "stream", None)
        if stream is not None:
            stream.close()

    def _outcome(self) -> Outcome:
        if self._gone and not self._finished:
            return Outcome.CLIENT_GONE
        return Outcome.OK if self._error is None else outcome_of(self._error)
