"""What one conversation has to do with its account's WebSocket, if anything."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, TypeVar

from translate.wss import Handover
from upstream.errors import Aborted
from upstream.exchange import Exchange
from upstream.following import Following
from upstream.line import Line
from upstream.reception import OnData
from upstream.sockets import Sockets
from upstream.timeouts import Timeouts

_T = TypeVar("_T")
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
        self._line = await self._unless_aborted(self._sockets.line(self._key))
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
        if line is None:
            late = True
            line = await self._unless_aborted(self._sockets.late_line(self._key, handover))
            self._line = line
        else:
            late = line.request_id != handover.request_id  # the backend has marks of its own
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

    async def _unless_aborted(self, work: Coroutine[Any, Any, _T]) -> _T:
        task = asyncio.create_task(work)
        try:
            with self.exchange._leg(partial(_cancel, task)):
                return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if self.exchange.aborted and caller is not None and not caller.cancelling():
                raise Aborted from None
            raise


def _cancel(task: "asyncio.Task[Any]") -> None:
    task.cancel()
