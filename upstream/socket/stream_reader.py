"""Reading one conversation off the account's WebSocket, to its end, with the same limits as any stream.

Theory of operation. The frames of an answer come into a `FrameBuffer` whether or not anybody is ready to
read. As long as they are all there, the reader gets them as they come. Pieces can be missing: the very first
frames of an account that was not listening yet (the socket must be connected before the post: protocol notes,
section 12), those of a connection that could not be resumed, or those that a slow reader had no room for. The
backend stores what it says, so the rest is then read from the stored conversation, again and again until it
holds the whole answer; that costs no quota. Where nothing is stored (a temporary chat), the exchange fails as
one that broke in mid-body.

A reader that joined late does not know whether it has the first frames, so it holds what comes until the
first record shows that. If nothing comes at all, the turn may have been over before the socket was connected;
the stored conversation shows that too.

    JOINING ------ the first record is there ------> FOLLOWING ------ the end was read ------> DONE
       |                                                 |                                      ^
       |                                           pieces are missing                           |
       |                                                 v                                      |
       |------------- pieces are missing ----------> RECOVERING --- the stored one has all -----|
       `---------------------- the stored conversation has all ---------------------------------'
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain, repeat
from typing import Final

from translate.backend import DONE, StartFinder, StoredTurn
from upstream.http import (
    Aborted,
    ConnectionLost,
    Exchange,
    OnData,
    Phase,
    Timeouts,
    TransportSide,
    UpstreamError,
    Watchdog,
)
from upstream.socket.frame_buffer import FrameBuffer
from upstream.socket.stored_looks import feed_stored

QUIET_LOOKS: Final = 3
"""After so many looks without anything new, a complete message counts as the last one."""
UNFINISHED_LOOKS: Final = 12
"""The same for an incomplete message; this takes longer than the 15 s between two pings of the backend."""

ReadStored = Callable[[Exchange], Awaitable[bytes | None]]
"""GET of the stored conversation: its JSON, or None if the backend does not show it. Raises UpstreamError."""


class State(Enum):
    """Where the reading of one conversation stands."""

    JOINING = auto()
    """The first frames may have been missed: what comes is held until it is clear."""
    FOLLOWING = auto()
    """All frames are there so far, and go to the reader."""
    RECOVERING = auto()
    """Pieces are missing: the rest is read from the stored conversation."""
    DONE = auto()
    """The reader has everything."""


class Event(Enum):
    """What ends a state."""

    START_SEEN = auto()
    """The frames are there from the first one on."""
    END_READ = auto()
    """The end of the stream has come over the socket, and all that is before it."""
    PIECES_MISSING = auto()
    """Some frames are lost: the backend does not send them again."""
    ALL_STORED = auto()
    """The stored conversation holds the whole answer, and the reader has it."""


TRANSITIONS: Final = {
    (State.JOINING, Event.START_SEEN): State.FOLLOWING,
    (State.JOINING, Event.PIECES_MISSING): State.RECOVERING,
    (State.JOINING, Event.ALL_STORED): State.DONE,
    (State.FOLLOWING, Event.PIECES_MISSING): State.RECOVERING,
    (State.FOLLOWING, Event.END_READ): State.DONE,
    (State.RECOVERING, Event.ALL_STORED): State.DONE,
}


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between looks at the stored conversation.

    Who joined late and gets nothing looks after `joining` whether the turn is over already; further looks
    come after `looks`, of which the last goes on.
    """

    joining: float = 1.0
    looks: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)


class SocketStreamReader:
    """Call `run` once. `since` is the loop's time when the exchange began, for its total limit."""

    def __init__(
        self,
        buffer: FrameBuffer,
        transport: TransportSide,
        timeouts: Timeouts,
        on_data: OnData,
        read_stored: ReadStored,
        parent_message_id: str,
        *,
        since: float,
        pauses: Pauses,
    ) -> None:
        self._buffer = buffer
        self._transport = transport
        self._on_data = on_data
        self._read_stored = read_stored
        self._parent_message_id = parent_message_id
        self._pauses = pauses
        self._look = Exchange()
        self._failed = asyncio.Event()
        self._watchdog = Watchdog(timeouts, self._fail, since)
        self._watchdog.enter(Phase.BODY)

    async def run(self, *, late: bool) -> None:
        """Give the reader everything. With `late`, the first frames may have been missed.

        Raises:
            UpstreamError: `Aborted`, a time-out, or `ConnectionLost` when pieces are lost for good.
            Exception: what the reader raises.
        """
        steps = {
            State.JOINING: self._join,
            State.FOLLOWING: self._follow,
            State.RECOVERING: self._recover,
        }
        state = State.JOINING if late else State.FOLLOWING
        try:
            with self._transport.part(lambda: self._fail(Aborted()), self._watchdog.progressed):
                try:
                    while state is not State.DONE:
                        state = TRANSITIONS[state, await steps[state]()]
                except asyncio.CancelledError:
                    self._transport.abort()
                    raise
        finally:
            self._watchdog.stop()

    async def _join(self) -> Event:
        """Hold what comes until it is clear whether it is there from its start."""
        buffer, start, stored = self._buffer, StartFinder(), StoredTurn(self._parent_message_id)
        held, seen, quiet = bytearray(), b"", 0
        pauses = chain((self._pauses.joining,), self._look_pauses())
        while not buffer.incomplete:
            if piece := buffer.take_all():
                held += piece
                from_start = start.judge(piece)
                if from_start:
                    await self._give(bytes(held))
                    return Event.START_SEEN
                if from_start is False or buffer.ended:
                    buffer.lose_all()
            elif not await buffer.wait(next(pauses)) and not held:
                news = await self._look_at(stored)
                seen += news or b""
                quiet = 0 if news else quiet + 1
                if news is None and quiet >= UNFINISHED_LOOKS:
                    buffer.lose_all()
                elif self._is_over(stored, quiet):
                    await self._give(seen + DONE)
                    buffer.end()
                    return Event.ALL_STORED
        buffer.lose_all()  # it is not known what came before the held frames
        return Event.PIECES_MISSING

    async def _follow(self) -> Event:
        """Give what comes over the socket."""
        buffer = self._buffer
        while True:
            if piece := buffer.take_all():
                await self._give(piece)
            elif buffer.incomplete:
                return Event.PIECES_MISSING
            elif buffer.ended:
                return Event.END_READ
            else:
                await buffer.wait()

    async def _recover(self) -> Event:
        """Give what the stored conversation says until it says all."""
        buffer, stored, quiet = self._buffer, StoredTurn(self._parent_message_id), 0
        pauses = self._look_pauses()
        while True:
            frames, ended = buffer.frames, buffer.ended
            news = await self._look_at(stored)
            if news is None:
                raise ConnectionLost("body", "pieces of the answer were lost")
            if news:
                await self._give(news)
            quiet = 0 if news or buffer.frames != frames else quiet + 1
            if self._is_over(stored, quiet) or (ended and stored.finished):
                break
            await self._pause(next(pauses))
            if buffer.frames != frames:
                self._watchdog.heard()
        buffer.end()
        await self._give(DONE)
        return Event.ALL_STORED

    def _fail(self, error: BaseException) -> None:
        """End it with this error as soon as the reader has finished what it has."""
        self._buffer.fail(error)
        self._failed.set()
        self._look.abort()

    def _look_pauses(self) -> "chain[float]":
        return chain(self._pauses.looks, repeat(self._pauses.looks[-1]))

    def _is_over(self, stored: StoredTurn, quiet: int) -> bool:
        """Whether the backend has said all, after so many looks that showed nothing new."""
        if stored.settled:
            return True
        patience = QUIET_LOOKS if stored.finished or self._buffer.ended else UNFINISHED_LOOKS
        return (stored.answered or self._buffer.ended) and quiet >= patience

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._failed.wait()
        self._buffer.raise_failure()

    async def _look_at(self, stored: StoredTurn) -> bytes | None:
        """What the stored conversation has that was not seen yet; None if the backend does not show it."""
        self._look = Exchange()
        try:
            body = await self._read_stored(self._look)
            news = None if body is None else await feed_stored(stored, body)
        except UpstreamError:
            self._buffer.raise_failure()  # if that is what ended the look
            return b""
        except ValueError:
            return None
        self._buffer.raise_failure()  # which may have come while it was read
        return news

    async def _give(self, data: bytes) -> None:
        """Give a piece to the reader and wait until it is ready for more."""
        self._watchdog.reader_busy = True
        if (reading := self._on_data(data)) is not None:
            await reading
        self._watchdog.heard()
