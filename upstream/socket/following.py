"""Reading one conversation off the account's WebSocket, to its end, with the same limits as any stream.

Pieces can be missing: the very first frames of an account that was not listening yet, those of a
connection that could not be resumed, or those that a slow reader had no room for. The backend keeps what
it says, so the rest is then read from the stored conversation, which costs nothing. Where there is none
(a temporary chat), the exchange fails as one that broke in mid-body.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import chain, repeat
from typing import Final

from translate.backend.stored import DONE, StoredTurn
from translate.backend.websocket_frames import StartFinder
from upstream.http.errors import Aborted, ConnectionLost, UpstreamError
from upstream.http.exchange import Exchange
from upstream.http.timeouts import Phase, Timeouts, Watchdog
from upstream.socket.line import Line

LATE_SECONDS: Final = 1.0
"""Who connected late and gets nothing looks after this time whether the turn is over already."""
LOOK_PAUSES: Final = (0.25, 0.5, 1.0, 2.0)
"""Seconds between looks at the stored conversation; the last pause goes on."""
QUIET_LOOKS: Final = 3
"""A complete message after which nothing came for so many looks was the last."""
UNFINISHED_LOOKS: Final = 12
"""So was an incomplete one, after a longer time than that between the backend's pings, of 15 s."""

Look = Callable[[Exchange], Awaitable[bytes | None]]
"""GET of the stored conversation: its JSON, or None if the backend does not show it. Raises UpstreamError."""


class Following:
    """Call `run` once. `since` is the loop's time when the exchange began, for its total limit."""

    def __init__(
        self,
        line: Line,
        exchange: Exchange,
        timeouts: Timeouts,
        on_data: Callable[[bytes], Awaitable[None]],
        look: Look,
        payload: bytes,
        since: float,
    ) -> None:
        self._line = line
        self._exchange = exchange
        self._on_data = on_data
        self._look = look
        self._looking = Exchange()
        self._failed = asyncio.Event()
        self._payload = payload
        self._watchdog = Watchdog(timeouts, self.fail, since)
        self._watchdog.enter(Phase.BODY)

    def fail(self, error: BaseException) -> None:
        """End it with this error as soon as the reader has finished what it has."""
        self._line.fail(error)
        self._failed.set()
        self._looking.abort()

    def abort(self) -> None:
        """See `Exchange.abort`."""
        self.fail(Aborted())

    async def run(self, *, late: bool) -> None:
        """Give the reader everything. With `late`, the first frames may have been missed.

        Raises:
            UpstreamError: `Aborted`, a time-out, or `ConnectionLost` when pieces are lost for good.
            Exception: what the reader raises.
        """
        try:
            if late:
                await self._begin_late()
            await self._listen()
            if not self._line.ended or self._line.lost:
                await self._recover()
        finally:
            self._watchdog.stop()

    async def _begin_late(self) -> None:
        """Give what has come, if it is there from its start; else the line is lost.

        If nothing comes at all, the turn may have been over before anybody listened.
        """
        line, start, held, kept, quiet = self._line, StartFinder(), b"", b"", 0
        stored = StoredTurn(self._payload)
        pauses = chain((LATE_SECONDS,), LOOK_PAUSES, repeat(LOOK_PAUSES[-1]))
        while not line.lost:
            if piece := line.take():
                held += piece
                judged = start.judge(piece)
                if judged:
                    await self._give(held)
                    return
                if judged is False or line.ended:
                    line.miss()
            elif not await line.wait(next(pauses)) and not held:
                out = await self._seen(stored)
                kept += out or b""
                quiet = 0 if out else quiet + 1
                if out is None and quiet >= UNFINISHED_LOOKS:
                    line.miss()
                elif self._is_over(stored, quiet):
                    await self._give(kept + DONE)
                    line.ended = True
                    return

    async def _listen(self) -> None:
        line = self._line
        while True:
            if piece := line.take():
                await self._give(piece)
            elif line.ended or line.lost:
                return
            else:
                await line.wait()

    async def _recover(self) -> None:
        """Give what the stored conversation says until it says all."""
        line, stored = self._line, StoredTurn(self._payload)
        quiet = 0
        for pause in chain(LOOK_PAUSES, repeat(LOOK_PAUSES[-1])):
            line.stirred, ended = False, line.ended
            out = await self._seen(stored)
            if out is None:
                raise ConnectionLost("body", "pieces of the answer were lost")
            if out:
                await self._give(out)
            quiet = 0 if out or line.stirred else quiet + 1
            if self._is_over(stored, quiet) or (ended and stored.finished):
                line.ended = True
                await self._give(DONE)
                return
            await self._pause(pause)
            if line.stirred:
                self._watchdog.progress()

    def _is_over(self, stored: StoredTurn, quiet: int) -> bool:
        """Whether the backend has said all, after so many looks that showed nothing new."""
        if stored.settled:
            return True
        patience = QUIET_LOOKS if stored.finished or self._line.ended else UNFINISHED_LOOKS
        return (stored.answered or self._line.ended) and quiet >= patience

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._failed.wait()
        self._line.take()  # raises if so; what comes to a line that has lost pieces is not held

    async def _seen(self, stored: StoredTurn) -> bytes | None:
        """What the stored conversation has that was not seen yet; None if it is not to be had."""
        self._looking = Exchange()
        try:
            body = await self._look(self._looking)
            return None if body is None else stored.feed(body)
        except UpstreamError:
            self._line.take()  # raises, if it was us who ended the look
            return b""
        except ValueError:
            return None

    async def _give(self, data: bytes) -> None:
        """Give a piece to the reader and wait until it is ready for more."""
        self._exchange.bytes_received += len(data)
        self._watchdog.reader_busy = True
        await self._on_data(data)
        self._watchdog.progress()
