"""One WebSocket, made and given up in our terms.

Tornado's `close` waits seconds for the peer's consent. `WebSocketProtocol._abort` does not, but is a private
name (6.6 series); a contract test watches it.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    WebSocketError,
    websocket_connect,
)

from upstream.http import ConnectFailed

PING_SECONDS: Final = 20.0
"""Pause between pings; a peer that does not answer one before the next is dead."""
MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""A record of 16 MiB, the largest that is read, in base64 and with what is around it."""
NO_LIMIT: Final = 24 * 3600.0


class UpgradeRefused(ConnectFailed):
    """The server refused the upgrade: the address has expired, or belongs to another account."""


class WebSocket:
    """An open WebSocket; `abort` closes it at once."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def connect(
        cls, url: str, subprotocol: str, tls: ssl.SSLContext | None, seconds: float
    ) -> "WebSocket":
        """Connect, within so many seconds (0 for no limit). Addresses hold tokens, so errors don't show them.

        Raises:
            ConnectFailed: it can't be reached; its leaf `UpgradeRefused` if it answered otherwise.
        """
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("ws", "wss") and parts.hostname and "@" not in parts.netloc
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            raise ConnectFailed("it gave no usable address of a WebSocket")
        limit = seconds or NO_LIMIT
        request = HTTPRequest(url, connect_timeout=limit, request_timeout=limit, ssl_options=tls)
        connecting = asyncio.ensure_future(
            websocket_connect(
                request,
                ping_interval=PING_SECONDS,
                max_message_size=MAX_MESSAGE_BYTES,
                subprotocols=[subprotocol],
            )
        )
        try:
            async with asyncio.timeout(limit):
                connection = await asyncio.shield(connecting)
        except HTTPError as error:
            if error.code == 599:
                raise ConnectFailed("the WebSocket did not open") from None
            raise UpgradeRefused(f"the WebSocket was refused with status {error.code}") from None
        except TimeoutError:
            connecting.add_done_callback(_unwanted)
            raise ConnectFailed(f"no WebSocket within {limit:g} s") from None
        except (OSError, WebSocketError, StreamClosedError, ValueError):
            raise ConnectFailed("the WebSocket could not be opened") from None
        except asyncio.CancelledError:
            connecting.add_done_callback(_unwanted)  # it may just have been opened
            raise
        return cls(connection)

    async def read(self) -> str | bytes | None:
        """The next message; None once the socket is gone. One is read at a time: that is the backpressure."""
        return await self._connection.read_message()

    async def write(self, message: str) -> None:
        """Send a message; a closed socket is noticed when reading."""
        with suppress(WebSocketClosedError):
            await self._connection.write_message(message)

    def abort(self) -> None:
        """Close at once. Does nothing the second time."""
        protocol = self._connection.protocol
        if protocol is not None:
            protocol._abort()
            self._connection.close()
            # Tornado's reading task may wait for room in the queue, and nothing reads from it any more.
            queue = self._connection.read_queue
            while not queue.empty():
                queue.get_nowait()


def _unwanted(connecting: "asyncio.Future[WebSocketClientConnection]") -> None:
    """Close a connection that was made although its caller has given up."""
    if not connecting.cancelled() and connecting.exception() is None:
        WebSocket(connecting.result()).abort()
