"""The one WebSocket of an account: connected when needed, shared by its conversations, kept over drops."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from translate.backend import SUBPROTOCOL, Connected, Frame, FrameSequence, MissingFrames, read_frame
from transport import Connector
from upstream.http import ConnectFailed, UpstreamError
from upstream.socket.frame_buffer import BufferBudget, FrameBuffer
from upstream.socket.websocket import UpgradeRefused, WebSocket


@dataclass(frozen=True, slots=True)
class SocketTimes:
    """Seconds in the life of one socket.

    It stays open for `idle` for the account's next conversation. Before each attempt to come back after a
    drop it waits one of the `reconnect_pauses`; the server keeps what was missed for about a minute.
    """

    idle: float = 60.0
    reconnect_pauses: tuple[float, ...] = (0.0, 0.25, 1.0, 2.0, 4.0)


class AccountSocket:
    """Get a buffer with `open`, have the socket connected with `ready`, give the buffer back with `release`.

    `register` asks the backend for an address (protocol notes, section 12). The frames of a buffer are
    appended to it whether or not its reader keeps up (see `FrameBuffer`), so that no conversation waits for
    another; frames of others and late ones are dropped. When frames are lost, or so damaged that nobody knows
    whose they were, all buffers become incomplete.
    """

    def __init__(
        self,
        register: Callable[[], Awaitable[str]],
        connector: Connector,
        connect_seconds: float,
        budget: BufferBudget,
        times: SocketTimes,
    ) -> None:
        self._register = register
        self._connector = connector
        self._connect_seconds = connect_seconds
        self._budget = budget
        self._times = times
        self._buffers: set[FrameBuffer] = set()
        self._url = ""
        self._socket: WebSocket | None = None
        self._greeting: Connected | None = None
        self._sequence = FrameSequence()
        self._resumed_for_missing = False
        self._serving: asyncio.Task[None] | None = None
        self._connected = _promise()
        self._closing: asyncio.TimerHandle | None = None

    @property
    def in_use(self) -> bool:
        """There are conversations on it."""
        return bool(self._buffers)

    def open(self, request_id: str) -> FrameBuffer:
        """A buffer for the frames with this id."""
        self._stay_open()
        buffer = FrameBuffer(request_id, self._budget)
        self._buffers.add(buffer)
        return buffer

    def release(self, buffer: FrameBuffer) -> None:
        """The frames of this buffer are not wanted any more."""
        buffer.close()
        self._buffers.discard(buffer)
        if not self._buffers and self._closing is None:
            self._closing = asyncio.get_running_loop().call_later(self._times.idle, self.close)

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
        self._stay_open()
        if self._serving is not None:
            self._serving.cancel()
            self._serving = None
        self._drop()

    def _stay_open(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    async def _serve(self, url: str) -> None:
        """Connect, and read on over all drops as long as there are conversations."""
        reason: Exception = ConnectFailed("the WebSocket was given up")
        try:
            self._greeting, self._sequence = None, FrameSequence()
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
            self._lose_rest()
            self._drop()

    async def _connect(self, url: str) -> None:
        """Connect and wait for the greeting, which tells whether this is the connection of before."""
        socket = await WebSocket.connect(url, SUBPROTOCOL, self._connector, self._connect_seconds)
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
            self._sequence = FrameSequence()  # another connection: what was sent in between is gone
            self._lose_rest()

    async def _read_on(self) -> bool:
        """Read until the socket is gone or must be left; false if it is not needed any more."""
        socket = self._socket
        while socket is not None and (message := await socket.read()) is not None:
            frame = read_frame(message)
            if isinstance(frame, Frame) and not await self._accept(frame, socket):
                break
        self._drop()
        return self.in_use

    async def _accept(self, frame: Frame, socket: WebSocket) -> bool:
        """Give a frame to its buffer; false if the connection must be resumed to get missing frames again."""
        try:
            new = self._sequence.accept(frame.sequence)
        except MissingFrames:
            if not self._resumed_for_missing:
                self._resumed_for_missing = True
                return False
            self._lose_rest()
            self._sequence.skip_to(frame.sequence)
            new = self._sequence.accept(frame.sequence)
        if not new:
            return True
        self._resumed_for_missing = False
        owner = next((buffer for buffer in self._buffers if buffer.owns(frame)), None)
        if owner is not None:
            owner.append(frame)
        elif frame.damaged:
            self._lose_rest()  # it may have been anyone's
        if (ack := self._sequence.acknowledgement(at_once=owner is not None and owner.ended)) is not None:
            socket.write(ack)
        return True

    async def _come_back(self) -> bool:
        """Resume the connection, or make a new one, on which missed frames do not come again."""
        url = self._greeting.resumed_url(self._url) if self._greeting else self._url
        for pause in self._times.reconnect_pauses:
            await asyncio.sleep(pause)
            if not self._buffers:
                return False
            with suppress(ConnectFailed):
                try:
                    await self._connect(url)
                except UpgradeRefused:
                    self._url = url = await self._register()
                    continue
                return True
        return False

    def _lose_rest(self) -> None:
        for buffer in self._buffers:
            buffer.lose_rest()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.abort()
            self._socket = None


def _promise() -> "asyncio.Future[None]":
    """A future whose failure asyncio does not log when nothing awaits it."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
