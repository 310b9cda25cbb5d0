"""What one conversation has to do with its account's WebSocket, if anything."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

from translate.backend.websocket_frames import Handover
from upstream.http.errors import Aborted, ConnectionLost
from upstream.http.exchange import Exchange
from upstream.http.receiver import OnData
from upstream.http.timeouts import Timeouts
from upstream.socket.following import Following
from upstream.socket.line import Line
from upstream.socket.sockets import Sockets

_MARK: Final = b',"websocket_request_id":"%s"}'


class SocketTurn:
    """Ask for the `payload` to be posted, then `follow` if the answer hands over, and `end` in any case.

    `over` is to be set when the backend has certainly nothing more to say.
    """

    def __init__(self, sockets: Sockets, key: str, payload: bytes, exchange: Exchange) -> None:
        self.exchange = exchange
        self.over = False
        self._sockets = sockets
        self._key = key
        self._payload = payload
        self._line: Line | None = None
        self._request_id = ""
        self._since = asyncio.get_running_loop().time()

    async def payload(self) -> bytes:
        """What to post: with a mark for the answer's frames, where they are expected and listened for.

        Raises:
            UpstreamError: the account's socket can't be had; nothing was posted.
        """
        if not self._sockets.expects(self._key):
            return self._payload
        self.over = True  # until it is posted
        await self._obtain(self._sockets.line(self._key))
        self.over = False
        if self._line is None:
            return self._payload
        self._request_id = self._line.request_id
        return self._payload.rstrip()[:-1] + _MARK % self._request_id.encode()

    def answered_directly(self) -> None:
        """The answer was an event stream."""
        self.over = True
        if self._line is not None:
            self._sockets.release(self._key, self._line)
            self._line = None
        self._sockets.forget(self._key)

    async def follow(self, handover: Handover, on_data: OnData, timeouts: Timeouts) -> None:
        """Give the reader what comes over the socket. See `UpstreamClient.converse`."""
        exchange, line = self.exchange, self._line
        self._request_id = handover.request_id
        if exchange.aborted:
            raise Aborted
        late = line is None or line.request_id != handover.request_id  # it may have marks of its own
        line = line or await self._obtain(self._sockets.late_line(self._key, handover))
        if line is None:
            raise ConnectionLost("body", "there is no WebSocket")
        line.bind(handover)
        look = partial(self._sockets.look, self._key, handover.conversation_id)
        following = Following(line, exchange, timeouts, on_data, look, self._payload, self._since)
        try:
            with exchange._leg(following.abort):
                try:
                    await following.run(late=late)
                except asyncio.CancelledError:
                    exchange.abort()
                    raise
        finally:
            self.over = line.ended

    async def end(self) -> None:
        """Leave the socket; have the backend stop what nobody listens to."""
        if self._line is not None:
            self._sockets.release(self._key, self._line)
        if self._request_id and not self.over and self.exchange.connected:
            await self._sockets.stop(self._key, self._request_id)

    async def _obtain(self, work: Coroutine[Any, Any, Line | None]) -> Line | None:
        """Take the line that `work` gives, unless the exchange is aborted meanwhile."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._take)
        try:
            with self.exchange._leg(partial(_cancel, task)):
                await asyncio.wait([task])
        finally:
            task.cancel()
        if self.exchange.aborted:
            raise Aborted
        return task.result()

    def _take(self, task: "asyncio.Task[Line | None]") -> None:
        if not task.cancelled() and task.exception() is None:
            self._line = task.result()


def _cancel(task: "asyncio.Task[Any]") -> None:
    task.cancel()
