"""The one WebSocket of an account: connected when needed, shared by its conversations, kept over drops."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from translate.backend.websocket_frames import SUBPROTOCOL, Connected, Frame, Gap, Sequence, read_frame
from upstream.http.errors import ConnectFailed, UpstreamError
from upstream.socket.line import Line, Room
from upstream.socket.websocket import UpgradeRefused, WebSocket

IDLE_SECONDS: Final = 60.0
"""How long the socket stays open for the account's next conversation."""
RECONNECT_PAUSES: Final = (0.0, 0.25, 1.0, 2.0, 4.0)
"""Seconds before each attempt to come back; the server keeps what was missed for about a minute."""


class AccountSocket:
    """Give it lines with `open`, have it connected with `ready`, take them back with `release`.

    `register` asks the backend for an address. A line's frames are pushed to it whether or not its
    reader keeps up (see `Line`), so that no conversation waits for another; foreign and late frames are
    dropped. When frames are lost for good, all lines are told so.
    """

    def __init__(
        self,
        register: Callable[[], Awaitable[str]],
        tls: ssl.SSLContext | None,
        connect_seconds: float,
        room: Room,
    ) -> None:
        self.lines: set[Line] = set()
        self._register = register
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._room = room
        self._url = ""
        self._socket: WebSocket | None = None
        self._greeting: Connected | None = None
        self._sequence = Sequence()
        self._gap = False  # we have come back for missing frames once
        self._serving: asyncio.Task[None] | None = None
        self._connected = _promise()
        self._idle: asyncio.TimerHandle | None = None

    def open(self, request_id: str) -> Line:
        """A line for the frames with this id."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        line = Line(request_id, self._room)
        self.lines.add(line)
        return line

    def release(self, line: Line) -> None:
        """Its frames are not wanted any more."""
        line.close()
        self.lines.discard(line)
        if not self.lines and self._idle is None:
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.close)

    async def ready(self, url: str = "") -> None:
        """Wait until it is connected, to `url` or to an address of its own.

        Raises:
            UpstreamError: it could not be; or what `register` raises.
        """
        if self._serving is None or self._serving.done():
            self._connected = _promise()
            self._serving = asyncio.create_task(self._serve(url))
        await asyncio.shield(self._connected)

    def close(self) -> None:
        """Close the socket at once; it can be opened again."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._serving is not None:
            self._serving.cancel()
            self._serving = None
        self._drop()

    async def _serve(self, url: str) -> None:
        reason: Exception = ConnectFailed("the WebSocket was given up")
        try:
            self._greeting, self._sequence = None, Sequence()
            self._url = url or await self._register()
            await self._connect(self._url)
            self._connected.set_result(None)
            while await self._read_on():
                self._connected = _promise()
                if not await self._come_back():
                    break
                self._connected.set_result(None)
        except (UpstreamError, ValueError) as error:
            reason = error
        finally:
            if not self._connected.done():
                self._connected.set_exception(reason)
            for line in self.lines:
                line.lose()
            self._drop()

    async def _connect(self, url: str) -> None:
        """Connect and wait for the greeting, which tells whether this is the connection of before."""
        socket = await WebSocket.connect(url, SUBPROTOCOL, self._tls, self._connect_seconds)
        self._socket = socket
        try:
            async with asyncio.timeout(self._connect_seconds or None):
                while (message := await socket.read()) is not None:
                    if isinstance(greeting := read_frame(message), Connected):
                        self._greet(greeting)
                        return
        except TimeoutError:
            pass
        self._drop()
        raise ConnectFailed("the WebSocket sent no greeting")

    def _greet(self, greeting: Connected) -> None:
        before, self._greeting = self._greeting, greeting
        if before is not None and before.connection_id != greeting.connection_id:
            self._sequence = Sequence()  # another connection: what was sent in between is gone
            for line in self.lines:
                line.lose()

    async def _read_on(self) -> bool:
        """Read until the socket is gone or must be left; false if it is not needed any more."""
        socket = self._socket
        while socket is not None and (message := await socket.read()) is not None:
            frame = read_frame(message)
            if isinstance(frame, Frame) and not await self._take(frame, socket):
                break
        self._drop()
        return bool(self.lines)

    async def _take(self, frame: Frame, socket: WebSocket) -> bool:
        """Give a frame to its line; false if the connection must be resumed to get missing frames again."""
        try:
            new = self._sequence.take(frame.sequence)
        except Gap:
            if not self._gap:
                self._gap = True
                return False
            for line in self.lines:
                line.lose()
            self._sequence.skip_to(frame.sequence)
            new = self._sequence.take(frame.sequence)
        if not new:
            return True
        self._gap = False
        owner = next((line for line in self.lines if line.owns(frame)), None)
        if owner is not None:
            owner.push(frame)
        if (ack := self._sequence.acknowledgement(at_once=owner is not None and owner.ended)) is not None:
            await socket.write(ack)
        return True

    async def _come_back(self) -> bool:
        """Resume the connection; or make another, over which what was missed does not come."""
        url = self._greeting.resumed_url(self._url) if self._greeting else self._url
        for pause in RECONNECT_PAUSES:
            await asyncio.sleep(pause)
            if not self.lines:
                return False
            with suppress(ConnectFailed):
                try:
                    await self._connect(url)
                except UpgradeRefused:
                    self._url = url = await self._register()
                    continue
                return True
        return False

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.abort()
            self._socket = None


def _promise() -> "asyncio.Future[None]":
    """A future that may fail without anybody waiting."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
