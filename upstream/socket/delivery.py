"""The delivery of one conversation's answer over its account's WebSocket, if it comes that way."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

from accounts import Credential
from translate.backend import Handover, PostedConversation
from upstream.http import Aborted, OnData, Timeouts, TransportSide
from upstream.socket.account_sockets import AccountSockets
from upstream.socket.frame_buffer import FrameBuffer
from upstream.socket.stream_reader import SocketStreamReader

Opened = TypeVar("Opened", bound=FrameBuffer | None)


class SocketDelivery:
    """Beside one POST: `prepare` before it, then say what came in answer, and `end` in any case.

    What came is one of: nothing or an error (`not_accepted`), an event stream (`answered_directly`), or a
    hand-over to the socket (`follow`).
    """

    def __init__(
        self,
        sockets: AccountSockets,
        credential: Credential,
        posted: PostedConversation,
        transport: TransportSide,
    ) -> None:
        self._sockets = sockets
        self._credential = credential
        self._posted = posted
        self._transport = transport
        self._buffer: FrameBuffer | None = None
        self._request_id = ""
        self._generating = False  # over the socket, as far as we know
        self._since = asyncio.get_running_loop().time()

    async def prepare(self) -> str:
        """Connect the account's socket, if its answers are expected there.

        Returns the id for the frames of the answer, to be posted along, or "" where none is expected.

        Raises:
            UpstreamError: the account's socket cannot be connected; nothing was posted.
        """
        if not self._sockets.expects(self._credential):
            return ""
        await self._obtain(self._sockets.open(self._credential))
        if self._buffer is None:
            return ""
        self._request_id = self._buffer.request_id
        self._generating = True  # from the moment of the post
        return self._request_id

    def not_accepted(self) -> None:
        """The backend has certainly not begun an answer, or has refused to give one."""
        self._generating = False

    def answered_directly(self) -> None:
        """The answer is an event stream."""
        self._generating = False
        if self._buffer is not None:
            self._sockets.release(self._credential, self._buffer)
            self._buffer = None
        self._sockets.forget(self._credential)

    async def follow(self, handover: Handover, on_data: OnData, timeouts: Timeouts) -> None:
        """Give `on_data` what comes over the socket, to the end of the answer.

        Raises:
            UpstreamError: `Aborted`, a time-out, or `ConnectionLost` when pieces are lost for good.
            Exception: what `on_data` raises.
        """
        self._request_id, self._generating = handover.request_id, True
        if (known := self._buffer) is None:
            late, buffer = True, await self._obtain(self._sockets.open_late(self._credential, handover))
        else:
            # The backend may have chosen an id of its own; its first frames were not known to be ours then.
            late, buffer = known.request_id != handover.request_id, known
            buffer.bind(handover)
        reader = SocketStreamReader(
            buffer,
            self._transport,
            timeouts,
            on_data,
            partial(self._sockets.read_stored, self._credential, handover.conversation_id),
            self._posted.parent_message_id,
            since=self._since,
            pauses=self._sockets.limits.pauses,
        )
        try:
            await reader.run(late=late)
        finally:
            self._generating = not buffer.ended

    async def end(self) -> None:
        """Leave the socket, and have the backend stop an answer that is no longer read."""
        if self._buffer is not None:
            self._sockets.release(self._credential, self._buffer)
        if self._generating and self._transport.connected:
            await self._sockets.stop(self._credential, self._request_id)

    async def _obtain(self, opening: Coroutine[Any, Any, Opened]) -> Opened:
        """Take the buffer that `opening` gives, unless the exchange is aborted meanwhile."""
        task = asyncio.create_task(opening)
        task.add_done_callback(self._keep_buffer)
        try:
            with self._transport.part(partial(_cancel, task)):
                await asyncio.wait([task])
        finally:
            task.cancel()
        if self._transport.aborted:
            raise Aborted
        return task.result()

    def _keep_buffer(self, task: "asyncio.Task[FrameBuffer | None]") -> None:
        if not task.cancelled() and task.exception() is None:
            self._buffer = task.result()


def _cancel(task: "asyncio.Task[Any]") -> None:
    task.cancel()
