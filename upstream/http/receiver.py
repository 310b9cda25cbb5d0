"""What becomes of one answer: the facts are recorded, the body goes to its reader or is kept.

This is the seam between the client, which knows what it asked for, and the connection, which knows
Tornado. The connection reports, in this order: `connected`, `headers_received`, then the body to `deliver`
or `keep`, then `ended`; at any point, either side may `fail` it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from runtime import DECODED
from upstream.http.answers import REFUSED_BODY_BYTES, JsonAnswer
from upstream.http.content_coding import decoded, decoding
from upstream.http.errors import Aborted
from upstream.http.exchange import TransportSide
from upstream.http.headers import CONDUIT, conduit_token
from upstream.http.timeouts import Phase, Timeouts, Watchdog

OnData = Callable[[bytes], Awaitable[None] | None]
"""Takes a piece of a stream, cut anywhere. It is ready for the next one at once if it returns None, else when
what it returns is done."""
Admit = Callable[[int], Awaitable[None] | None]
"""Is told how many bytes are about to be kept; they are kept at once, or when what it returns is done."""

EVENT_STREAM: Final = "text/event-stream"
REFUSED_BODY_SECONDS: Final = 5.0
"""How long to wait for the body of an unwanted answer: the status is worth more than an error page."""
KEPT_HEADERS: Final = ("retry-after", "date", "location", "content-disposition")
"""Retry-After may be relative to Date, the others are for files; no other header is of use to the caller."""
UNTYPED: Final = ("", "text/plain", "application/octet-stream")
"""Types that say nothing about an answer: its first bytes tell whether it is an event stream."""
EVENT_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
"""What the first line of an event stream begins with."""
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
SNIFFED_BYTES: Final = 64
"""An event stream has shown by then that it is one."""


class ResponseReceiver:
    """One answer on its way in. Needs a running loop; tell it when the exchange has `ended`.

    With `on_data` a 2xx event stream goes there piece by piece, and anything else is kept up to 64 KiB.
    Without it a 2xx body is kept up to `body_limit` bytes, as `admit` lets it, and any other up to 64 KiB.
    The rest of an unwanted answer is waited for `refused_seconds` at most. What is coded is decoded, if the
    coding is known.
    """

    __slots__ = (
        "_admit",
        "_admitting",
        "_body",
        "_body_limit",
        "_coding",
        "_ended",
        "_on_data",
        "_reader_done",
        "_reading_task",
        "_refused_seconds",
        "_stop",
        "_transport",
        "_undecided",
        "_watchdog",
        "failure",
        "headers",
        "overflowed",
    )

    def __init__(
        self,
        transport: TransportSide,
        timeouts: Timeouts,
        on_data: OnData | None = None,
        *,
        body_limit: int = REFUSED_BODY_BYTES,
        admit: Admit | None = None,
        refused_seconds: float = REFUSED_BODY_SECONDS,
    ) -> None:
        self.headers: dict[str, str] = {}
        """Those of the answer that are worth keeping, by lower-case name."""
        self.overflowed = False
        """What was kept is not the whole body, or could not be decoded."""
        self.failure: BaseException | None = None
        """What the exchange has failed with."""
        self._transport = transport
        self._body = bytearray()
        self._coding = ""
        self._undecided = False  # the first bytes will tell whether it is an event stream
        self._ended = False
        self._on_data = on_data
        self._body_limit = body_limit
        self._admit = admit
        self._admitting: asyncio.Future[None] | None = None
        self._refused_seconds = refused_seconds
        self._stop: Callable[[], None] | None = None
        self._reading_task: asyncio.Task[None] | None = None
        self._reader_done: asyncio.Future[None] | None = None
        self._watchdog = Watchdog(timeouts, self.fail)
        transport.begin_part(self._abort, self._watchdog.progressed)

    @property
    def streaming(self) -> bool:
        """The answer is an event stream that goes to the reader."""
        return self._transport.streaming

    def answer(self, secrets: tuple[str, ...] = (), *, decode: bool = True) -> JsonAnswer:
        """What was kept, once the headers are in; `secrets` are never quoted from it.

        With `decode` false the bytes are left as they came, as is right for files of any size.
        """
        transport = self._transport
        if transport.status is None or transport.content_type is None:
            raise RuntimeError("there is no answer yet")
        body = bytes(self._body)
        if decode and self._coding in DECODED:
            body, whole = decoded(body, self._body_limit)
            self.overflowed = self.overflowed or not whole
        return JsonAnswer(transport.status, transport.content_type, self.headers, body, secrets)

    def on_failure(self, stop: Callable[[], None]) -> None:
        """Let `stop` be what ends the exchange where it stands now; it replaces any earlier one."""
        self._stop = stop

    def connected(self) -> None:
        """TCP and TLS stand, and the request is about to be sent."""
        self._transport.connected = True
        self._watchdog.enter(Phase.FIRST_BYTE)

    def headers_received(self, status: int, headers: Mapping[str, str]) -> None:
        """Decide, before the first byte of the body, who gets it."""
        transport = self._transport
        self._reading_task = asyncio.current_task()
        transport.status = status
        transport.content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        self.headers = {name: headers[name] for name in KEPT_HEADERS if name in headers}
        self._watchdog.enter(Phase.BODY)
        successful = 200 <= status < 300
        self._coding = headers.get("Content-Encoding", "").strip().lower()
        readable = self._coding in ("", "identity", *DECODED)
        if self._on_data is not None and successful and readable:
            if self._coding in DECODED:
                self._on_data = decoding(self._on_data)
            transport.streaming = transport.content_type == EVENT_STREAM
            transport.conduit = transport.conduit or conduit_token(headers.get(CONDUIT, ""))
            self._undecided = transport.content_type in UNTYPED and self._coding not in DECODED
        if not transport.streaming and (self._on_data is not None or not successful):
            self._body_limit = REFUSED_BODY_BYTES
            self._admit = None
            if not self._undecided:
                self._watchdog.hurry(self._refused_seconds)

    def deliver(self, data: bytes) -> Awaitable[None] | None:
        """Give a piece of the stream to its reader. Nothing more is to be read before the result is done.

        Whatever the reader raises ends the exchange; it never travels through Tornado, which would log it
        as an error of its own.
        """
        reading: Awaitable[None] | None = None
        if self._on_data is not None:
            try:
                reading = self._on_data(data)
            except Exception as error:
                self.fail(error)
        if reading is not None:
            return self._read(reading)
        self._watchdog.heard()
        return None

    async def _read(self, reading: Awaitable[None]) -> None:
        """Wait until somebody is ready for more."""
        watchdog = self._watchdog
        watchdog.reader_busy = True
        try:
            await reading
        except (Exception, asyncio.CancelledError) as error:
            self.fail(error)
        watchdog.heard()
        if self._reader_done is not None and not self._reader_done.done():
            self._reader_done.set_result(None)

    async def reader_done(self) -> None:
        """Wait for the reader, if it still has a piece: the exchange may be over before it is."""
        if self._watchdog.reader_busy:
            self._reader_done = asyncio.get_running_loop().create_future()
            await self._reader_done

    def cancel_reader(self) -> None:
        """Cancel the reader, since its result is no longer needed."""
        if self._watchdog.reader_busy and self._reading_task is not None:
            self._reading_task.cancel()

    def keep(self, data: bytes) -> Awaitable[None] | None:
        """Store a piece of a body that is wanted as a whole; what is beyond the limit is dropped.

        If the body turns out to be an event stream, what came so far goes to the reader. Nothing more is to
        be read before what is returned is done.
        """
        self._watchdog.heard()
        if self._undecided:
            start = bytes(self._body) + data
            is_events = _begins_as_events(start)
            self._undecided = is_events is None
            if is_events:
                self._transport.streaming = True
                return self.deliver(start)
            if not self._undecided:
                self._watchdog.hurry(self._refused_seconds)
        room = self._body_limit - len(self._body)
        self.overflowed = len(data) > room
        return self._keep_admitted(data[:room])

    def _keep_admitted(self, data: bytes) -> Awaitable[None] | None:
        if self._admit is not None:
            try:
                waiting = self._admit(len(self._body) + len(data))
            except Exception as error:
                self.fail(error)
                return None
            if waiting is not None:
                return self._read(self._keep_after(waiting, data))
        self._body += data
        return None

    async def _keep_after(self, waiting: Awaitable[None], data: bytes) -> None:
        self._admitting = asyncio.ensure_future(waiting)
        await self._admitting
        self._body += data

    def fail(self, error: BaseException) -> None:
        """End the exchange with this error, unless it has ended or failed before."""
        if self._ended:
            return
        self.failure = error
        stop = self._stop
        self.ended()
        if self._admitting is not None:
            self._admitting.cancel()  # nothing more is kept, so there is nothing to wait for
        if stop is not None:
            stop()

    def _abort(self) -> None:
        self.fail(Aborted())

    def ended(self) -> None:
        """The exchange is over, well or badly: nothing can abort or fail it any more."""
        self._ended = True
        self._stop = None  # it refers to the connection, and so to what was sent
        self._watchdog.stop()
        self._transport.end_part()


def _begins_as_events(body: bytes) -> bool | None:
    """Whether a body is an event stream, by its first bytes; None while these are too few to tell."""
    start = body.removeprefix(BYTE_ORDER_MARK).lstrip()
    if start.startswith(EVENT_FIELDS):
        return True
    begun = any(field.startswith(start) for field in (*EVENT_FIELDS, BYTE_ORDER_MARK))
    return None if begun and len(body) < SNIFFED_BYTES else False
