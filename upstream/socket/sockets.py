"""The accounts that answer over a WebSocket, and what one conversation needs beside its POST.

Which dialect comes is seen in the answer only, so an account's first conversation is posted without a
socket. Once an account has answered so, it is registered and connected before each post, so that no
frame is missed; an event stream in answer ends that.
"""

import asyncio
import ssl
import uuid
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from translate.backend.websocket_frames import Handover, read_address
from upstream.http.errors import ConnectFailed, ResponseRefused, UpstreamError
from upstream.http.exchange import Exchange
from upstream.http.timeouts import Timeouts
from upstream.paths import API, conversation_path
from upstream.socket.account_socket import AccountSocket
from upstream.socket.line import Line, Room

if TYPE_CHECKING:
    from upstream.http.client import UpstreamClient

MAX_ACCOUNTS: Final = 10_000
"""Accounts remembered; one that is forgotten is learnt again by its next answer."""
STOP_SECONDS: Final = 2.0
"""How long the end of an abandoned conversation waits for the backend to know of it."""


class Sockets:
    """All accounts known to answer over a socket, by key; least recently used first out."""

    def __init__(self, client: "UpstreamClient", timeouts: Timeouts) -> None:
        self._client = client
        self._timeouts = timeouts
        self._accounts: OrderedDict[str, AccountSocket] = OrderedDict()
        self._tls: ssl.SSLContext | None = None
        self._room = Room()
        self._stops: set[asyncio.Task[None]] = set()

    def expects(self, key: str) -> bool:
        """The account has last answered over a socket."""
        return key in self._accounts

    async def line(self, key: str) -> Line | None:
        """A line on the connected socket of an account that is known to need one.

        None if the backend has no sockets any more, as far as it tells.

        Raises:
            ConnectFailed: the socket can't be had; nothing was posted.
            UpstreamError: so for another reason.
        """
        account = self._accounts[key]
        self._accounts.move_to_end(key)
        line = account.open(str(uuid.uuid4()))
        try:
            await account.ready()
        except ResponseRefused as refusal:
            account.release(line)
            if refusal.status not in (404, 405):
                raise
            self.forget(key)
            return None
        except BaseException:
            account.release(line)
            raise
        return line

    async def late_line(self, key: str, handover: Handover) -> Line:
        """A line for a conversation that was posted before anybody listened.

        It has lost pieces already if the socket can't be had.
        """
        account = self._account(key, handover.wss_url)
        line = account.open(handover.request_id)
        line.bind(handover)
        try:
            await account.ready(handover.wss_url)
        except UpstreamError:
            line.miss()
        except BaseException:
            account.release(line)
            raise
        return line

    def release(self, key: str, line: Line) -> None:
        """The conversation is over."""
        if (account := self._accounts.get(key)) is not None:
            account.release(line)

    def forget(self, key: str) -> None:
        """The account answers with event streams now."""
        account = self._accounts.get(key)
        if account is not None and not account.lines:
            del self._accounts[key]
            account.close()

    async def look(self, key: str, conversation_id: str, exchange: Exchange) -> bytes | None:
        """The stored conversation, or None if the backend does not show it. Raises UpstreamError."""
        answer = await self._client.call("GET", conversation_path(conversation_id), key, exchange=exchange)
        if answer.status == 200:
            return answer.body
        if answer.status == 429 or answer.status >= 500:
            raise ResponseRefused(answer.status, answer.content_type, answer.headers, answer.body)
        return None

    async def stop(self, key: str, request_id: str) -> None:
        """Tell the backend that nobody wants the rest; closing the socket would end the others' answers too.

        Waits for its consent, but not for long. It is told even if the caller is cancelled.
        """
        task = asyncio.create_task(self._stop(key, request_id))
        self._stops.add(task)
        task.add_done_callback(self._stops.discard)
        await asyncio.shield(task)

    def close(self) -> None:
        """Close all sockets at once."""
        for account in self._accounts.values():
            account.close()
        self._accounts.clear()

    async def _stop(self, key: str, request_id: str) -> None:
        # RuntimeError: the client is closed, and with it all that was under way.
        with suppress(UpstreamError, RuntimeError, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                body = {"websocket_request_id": request_id}
                await self._client.call("POST", f"{API}/stop_conversation", key, body)

    async def _register(self, key: str) -> str:
        answer = await self._client.call("POST", f"{API}/register-websocket", key, {})
        if not 200 <= answer.status < 300:
            raise ResponseRefused(answer.status, answer.content_type, answer.headers, answer.body)
        if not (address := read_address(answer.body)):
            raise ConnectFailed("it gave no address of a WebSocket")
        return address

    def _account(self, key: str, address: str) -> AccountSocket:
        """The account's socket, whose addresses are like this one."""
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = AccountSocket(
                lambda: self._register(key), self._context(address), self._timeouts.connect, self._room
            )
            self._limit()
        return account

    def _context(self, address: str) -> ssl.SSLContext | None:
        if self._tls is None and address.startswith("wss:"):
            self._tls = ssl.create_default_context()
        return self._tls

    def _limit(self) -> None:
        if len(self._accounts) > MAX_ACCOUNTS:
            idle = next((key for key, account in self._accounts.items() if not account.lines), None)
            if idle is not None:
                self._accounts.pop(idle).close()
