"""What all ways of following a turn have in common: its reader, its limits, and how it is stopped."""

import asyncio
import math
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from accounts import Credential
from translate.values import Elsewhere
from upstream.http import (
    Aborted,
    Exchange,
    HttpClient,
    JsonAnswer,
    Phase,
    Timeouts,
    TransportSide,
    UpstreamError,
    Watchdog,
)


class Reader(Protocol):
    """Who reads the answer, wherever it comes from."""

    @property
    def elsewhere(self) -> Elsewhere | None:
        """Where the rest is; None while a stream is read, and once there is no rest."""
        ...

    @property
    def done(self) -> bool:
        """Nothing more of the present stream is wanted."""
        ...

    @property
    def at_work(self) -> bool:
        """The backend may still be at work."""
        ...

    def go_on(self, *, fresh: bool) -> None:
        """A stream comes now, which with `fresh` begins anew, and else goes on behind what came."""
        ...

    def receive(self, data: bytes) -> Awaitable[None] | None:
        """Take a piece of it; None if it is ready for more at once."""
        ...

    async def end(self, lost: UpstreamError | None = None) -> None:
        """It has ended; `lost` says how it broke, None for a proper end."""
        ...


class Pursuit:
    """One turn being followed. `watch` sets the limits, `stop` ends it from outside, where it stands.

    Everything that waits raises what it was stopped with: `Aborted`, or one of the time-outs.
    """

    def __init__(
        self, http: HttpClient, credential: Credential, reader: Reader, transport: TransportSide
    ) -> None:
        self.http = http
        self.credential = credential
        self.reader = reader
        self._transport = transport
        self._failure: UpstreamError | None = None
        self._woken = asyncio.Event()
        self._inner = Exchange()
        self._watchdog: Watchdog | None = None
        self._opened = False

    @contextmanager
    def watch(self, timeouts: Timeouts) -> Iterator[None]:
        """Follow under these limits, which count from now on."""
        self._watchdog = watchdog = Watchdog(timeouts, self.stop)
        watchdog.enter(Phase.BODY)
        with self._transport.part(lambda: self.stop(Aborted()), self._progressed):
            try:
                yield
            except asyncio.CancelledError:
                self._transport.abort()
                raise
            finally:
                watchdog.stop()
                self._watchdog = None

    def stop(self, error: UpstreamError) -> None:
        """End it with this error as soon as the reader has finished what it has."""
        self._failure = self._failure or error
        self._inner.abort()
        self._woken.set()

    def check(self) -> None:
        """Raise what it was stopped with, if it was."""
        if self._failure is not None:
            raise self._failure

    def wake(self) -> None:
        """Something has come: end the `sleep` that is under way, or the next one."""
        self._woken.set()

    async def sleep(self, seconds: float) -> bool:
        """Wait until it is woken; false if it was not within so many seconds."""
        self.check()
        with suppress(TimeoutError):
            async with asyncio.timeout(None if seconds == math.inf else seconds):
                await self._woken.wait()
        woken = self._woken.is_set()  # perhaps in the moment in which the wait has ended
        self._woken.clear()
        self.check()
        return woken

    def exchange(self) -> Exchange:
        """A new exchange, which ends when the pursuit is stopped."""
        self.check()
        self._inner = Exchange()
        return self._inner

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> JsonAnswer:
        """A small JSON call. Raises UpstreamError."""
        try:
            answer = await self.http.call(method, path, self.credential, body, exchange=self.exchange())
        except UpstreamError:
            self.check()  # if that is what ended the call
            raise
        self.heard()
        return answer

    def begin_stream(self) -> None:
        """The next piece that is given begins a stream."""
        self._opened = False

    @property
    def opened(self) -> bool:
        """Something was given of the present stream."""
        return self._opened

    @property
    def over(self) -> bool:
        """Nothing more of the present stream is wanted."""
        return self._opened and (self.reader.done or self.reader.elsewhere is not None)

    def receive(self, data: bytes, *, fresh: bool = True) -> Awaitable[None] | None:
        """Give the reader a piece of the stream; None if it is ready for more at once.

        With `fresh`, a stream that begins with it begins anew.
        """
        self.check()
        if not self._opened:
            self._opened = True
            self.reader.go_on(fresh=fresh)
        if (reading := self.reader.receive(data)) is not None:
            return self._read(reading)
        self.heard()
        return None

    async def give(self, data: bytes) -> None:
        """Give the reader a piece of a new stream, and wait until it is ready for more."""
        if (reading := self.receive(data)) is not None:
            await reading

    async def _read(self, reading: Awaitable[None]) -> None:
        if self._watchdog is not None:
            self._watchdog.reader_busy = True
        await reading
        self.heard()

    def heard(self) -> None:
        """The backend has shown that it is there."""
        if self._watchdog is not None:
            self._watchdog.heard()

    def _progressed(self) -> None:
        if self._watchdog is not None:
            self._watchdog.progressed()
        self._inner.progressed()
