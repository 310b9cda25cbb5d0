"""The accounts that answer over a WebSocket, and what one conversation needs beside its POST.

Which dialect comes is seen in the answer only (protocol notes, section 5), so an account's first conversation
is posted without a socket. Once an account has answered so, it is registered and connected before each post,
so that no frame is missed; an event stream in answer ends that.
"""

import asyncio
import uuid
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from accounts import Credential
from runtime import BackgroundTasks, patience
from translate.backend import Handover, read_address
from upstream.http import (
    API,
    ConnectFailed,
    Exchange,
    HttpClient,
    ResponseRefused,
    UpstreamError,
    conversation_path,
)
from upstream.socket.account_socket import AccountSocket, SocketTimes
from upstream.socket.frame_buffer import MAX_BUFFER_BYTES, BufferBudget, FrameBuffer
from upstream.socket.stream_reader import Pauses

STOP_SECONDS: Final = 2.0
"""How long the end of an abandoned conversation waits until the backend has confirmed the stop."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """The limits of all sockets together: see `SocketTimes`, `Pauses` and `BufferBudget`.

    At most `accounts` are remembered; one that is forgotten is remembered again with its next answer.
    """

    accounts: int = 10_000
    buffer_bytes: int = MAX_BUFFER_BYTES
    times: SocketTimes = field(default_factory=SocketTimes)
    pauses: Pauses = field(default_factory=Pauses)


DEFAULT_LIMITS: Final = SocketLimits()


class AccountSockets:
    """All accounts known to answer over a socket; least recently used first out."""

    def __init__(self, http: HttpClient, limits: SocketLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._http = http
        self._accounts: OrderedDict[Credential, AccountSocket] = OrderedDict()
        self._budget = BufferBudget(limits.buffer_bytes)
        self._tasks = BackgroundTasks()

    def expects(self, credential: Credential) -> bool:
        """Whether the account has last answered over a socket."""
        return credential in self._accounts

    def remember(self, credential: Credential) -> AccountSocket:
        """The account's socket: from now on answers are expected there."""
        account = self._accounts.get(credential)
        if account is None:
            account = self._accounts[credential] = AccountSocket(
                lambda: self._register(credential),
                self._http.connector(credential),
                self._http.timeouts.connect,
                self._budget,
                self.limits.times,
            )
            self._limit()
        return account

    async def open(self, credential: Credential) -> FrameBuffer | None:
        """A buffer on the connected socket of an account that is known to need one.

        None if it needs none any more: the backend says that it has no sockets, or has just answered another
        conversation of the account with an event stream.

        Raises:
            ConnectFailed: the socket cannot be connected; nothing was posted.
            UpstreamError: the same, for another reason.
        """
        account = self._accounts.get(credential)
        if account is None:
            return None
        self._accounts.move_to_end(credential)
        buffer = account.open(str(uuid.uuid4()))
        try:
            await account.ready()
        except ResponseRefused as refusal:
            account.release(buffer)
            if refusal.status not in (404, 405):
                raise
            self.forget(credential)
            return None
        except BaseException:
            account.release(buffer)
            raise
        return buffer

    async def open_late(self, credential: Credential, handover: Handover) -> FrameBuffer:
        """A buffer for a conversation that was posted before the socket was connected.

        It is incomplete already if the socket cannot be connected.
        """
        account = self.remember(credential)
        buffer = account.open(handover.request_id)
        buffer.bind(handover)
        try:
            await account.ready(handover.wss_url)
        except UpstreamError:
            buffer.lose_all()
        except BaseException:
            account.release(buffer)
            raise
        return buffer

    def release(self, credential: Credential, buffer: FrameBuffer) -> None:
        """The conversation of this buffer is over."""
        if (account := self._accounts.get(credential)) is not None:
            account.release(buffer)

    def forget(self, credential: Credential) -> None:
        """The account answers with event streams now."""
        account = self._accounts.get(credential)
        if account is not None and not account.in_use:
            del self._accounts[credential]
            account.close()

    async def read_stored(
        self, credential: Credential, conversation_id: str, exchange: Exchange
    ) -> bytes | None:
        """The JSON of a stored conversation; None if the backend does not show it. Raises UpstreamError."""
        path = conversation_path(conversation_id)
        answer = await self._http.call("GET", path, credential, exchange=exchange)
        if answer.status == 200:
            return answer.body
        if answer.status == 429 or answer.status >= 500:
            raise answer.refusal()
        return None

    async def stop(self, credential: Credential, request_id: str) -> None:
        """Have the backend stop an answer; closing the socket would end the answers of others too.

        Waits for its reply, but not for long. The request is sent even if the caller is cancelled.
        """
        await asyncio.shield(self._tasks.start(self._stop(credential, request_id)))

    def close(self) -> None:
        """Close all sockets at once."""
        for account in self._accounts.values():
            account.close()
        self._accounts.clear()

    async def _stop(self, credential: Credential, request_id: str) -> None:
        with suppress(UpstreamError, ValueError, TimeoutError):
            async with patience(STOP_SECONDS):
                body = {"websocket_request_id": request_id}
                await self._http.call("POST", f"{API}/stop_conversation", credential, body)

    async def _register(self, credential: Credential) -> str:
        answer = await self._http.call("POST", f"{API}/register-websocket", credential, {})
        if not answer.successful:
            raise answer.refusal()
        if not (address := read_address(answer.body)):
            raise ConnectFailed("it gave no address of a WebSocket")
        return address

    def _limit(self) -> None:
        if len(self._accounts) > self.limits.accounts:
            idle = next((key for key, account in self._accounts.items() if not account.in_use), None)
            if idle is not None:
                self._accounts.pop(idle).close()
