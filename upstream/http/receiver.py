"""What becomes of one answer: the facts are recorded, the body goes to its reader or is kept.

This is the seam between the client, which knows what it asked for, and the connection, which knows
Tornado. The connection reports, in this order: `connected`, `request_sent`, `headers_received`, then
the body to `deliver` or `keep`, then `ended`; at any point, either side may `fail` it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from upstream.http.errors import Aborted
from upstream.http.exchange import Exchange
from upstream.http.timeouts import Phase, Timeouts, Watchdog

OnData = Callable[[bytes], Awaitable[None]]

EVENT_STREAM: Final = "text/event-stream"
REFUSED_BODY_BYTES: Final = 64 * 1024
"""How much of an unwanted answer is kept; the backend's errors are a few hundred bytes of JSON."""
REFUSED_BODY_SECONDS: Final = 5.0
"""How long to wait for it: the status alone is worth more than the rest of an error page."""
KEPT_HEADERS: Final = ("retry-after", "date", "location", "content-disposition")
"""Retry-After may be relative to Date, the others are for files; no other header is of use to the caller."""


class Reception:
    """One answer on its way in. Needs a running loop; tell it when the exchange has `ended`.

    With `on_data` a 2xx event stream goes there piece by piece, and anything else is kept up to 64 KiB.
    Without it a 2xx body is kept up to `body_limit` bytes, and any other up to 64 KiB.
    """

    __slots__ = (
        "_body_limit",
        "_on_data",
        "_reader_done",
        "_reading_task",
        "_stop",
        "body",
        "exchange",
        "failure",
        "headers",
        "over",
        "overflowed",
        "streaming",
        "watchdog",
    )

    def __init__(
        self,
        exchange: Exchange,
        timeouts: Timeouts,
        on_data: OnData | None = None,
        body_limit: int = REFUSED_BODY_BYTES,
    ) -> None:
        self.exchange = exchange
        self.body = bytearray()
        self.headers: dict[str, str] = {}
        self.streaming = False
        self.overflowed = False
        self.failure: BaseException | None = None
        self.over = False
        self._on_data = on_data
        self._body_limit = body_limit
        self._stop: Callable[[], None] | None = None
        self._reading_task: asyncio.Task[None] | None = None
        self._reader_done: asyncio.Future[None] | None = None
        exchange._begin(lambda: self.fail(Aborted()))
        self.watchdog = Watchdog(timeouts, self.fail)

    @property
    def successful(self) -> bool:
        """The answer has a 2xx status."""
        return self.exchange.status is not None and 200 <= self.exchange.status < 300

    def on_failure(self, stop: Callable[[], None]) -> None:
        """Let `stop` be what ends the exchange where it stands now; it replaces any earlier one."""
        self._stop = stop

    def connected(self) -> None:
        self.exchange.connected = True
        self.watchdog.enter(Phase.FIRST_BYTE)

    def request_sent(self) -> None:
        self.exchange.request_sent = True

    def headers_received(self, status: int, headers: Mapping[str, str]) -> None:
        """Decide, before the first byte of the body, who gets it."""
        self._reading_task = asyncio.current_task()
        self.exchange.status = status
        self.exchange.content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        self.headers = {name: headers[name] for name in KEPT_HEADERS if name in headers}
        self.watchdog.enter(Phase.BODY)
        # Nobody asked for an encoding; a body that has one all the same would be noise to the reader.
        plain = headers.get("Content-Encoding", "identity").lower() == "identity"
        is_events = plain and self.exchange.content_type == EVENT_STREAM
        wanted = self.successful and (self._on_data is None or is_events)
        self.streaming = wanted and self._on_data is not None
        if not wanted:
            self._body_limit = REFUSED_BODY_BYTES
            self.watchdog.hurry(REFUSED_BODY_SECONDS)

    async def deliver(self, data: bytes) -> None:
        """Give a piece of the stream to its reader and wait until it is ready for more.

        Whatever the reader raises ends the exchange; it never travels through Tornado, which would
        log it as an error of its own.
        """
        on_data, watchdog = self._on_data, self.watchdog
        if on_data is None:
            return
        self.exchange.bytes_received += len(data)
        watchdog.reader_busy = True
        try:
            await on_data(data)
        except (Exception, asyncio.CancelledError) as error:
            self.fail(error)
        watchdog.progress()
        if self._reader_done is not None and not self._reader_done.done():
            self._reader_done.set_result(None)

    async def reader_done(self) -> None:
        """Wait for the reader, if it still has a piece: the exchange may be over before it is."""
        if self.watchdog.reader_busy:
            self._reader_done = asyncio.get_running_loop().create_future()
            await self._reader_done

    def cancel_reader(self) -> None:
        """Nobody waits for the reader any more."""
        if self.watchdog.reader_busy and self._reading_task is not None:
            self._reading_task.cancel()

    def keep(self, data: bytes) -> None:
        """Store a piece of a body that is wanted as a whole; what is beyond the limit is dropped."""
        self.exchange.bytes_received += len(data)
        self.watchdog.progress()
        room = self._body_limit - len(self.body)
        self.body += data[:room]
        self.overflowed = len(data) > room

    def fail(self, error: BaseException) -> None:
        """End the exchange with this error, unless it is over or has failed before."""
        if self.over:
            return
        self.failure = error
        self.ended()
        if self._stop is not None:
            self._stop()

    def ended(self) -> None:
        """The exchange is over, well or badly: nothing can abort or fail it any more."""
        self.over = True
        self.watchdog.stop()
        self.exchange._end()
