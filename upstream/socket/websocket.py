"""One WebSocket, made and given up in our terms."""

import asyncio
from typing import Final
from urllib.parse import urlsplit

from tornado.httpclient import HTTPError
from tornado.httputil import HTTPInputError
from tornado.iostream import UnsatisfiableReadError

from transport import Connector, NotUpgraded, WebSocketClient
from upstream.http import ConnectFailed

MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""A record of 16 MiB, the largest that is read, in base64 and with what is around it."""


class UpgradeRefused(ConnectFailed):
    """The server refused the upgrade: the address has expired, or belongs to another account."""


class WebSocket:
    """An open WebSocket; `abort` closes it at once."""

    def __init__(self, client: WebSocketClient) -> None:
        self._client = client

    @classmethod
    async def connect(cls, url: str, subprotocol: str, connector: Connector, seconds: float) -> "WebSocket":
        """Connect, within so many seconds (0 for no limit). Addresses hold tokens, so errors don't show them.

        Raises:
            ConnectFailed: it can't be reached; its leaf `UpgradeRefused` if it answered otherwise.
        """
        if not _is_usable(url):
            raise ConnectFailed("it gave no usable address of a WebSocket")
        try:
            async with asyncio.timeout(seconds or None):
                client = await WebSocketClient.open(
                    connector, url, subprotocol, max_message_bytes=MAX_MESSAGE_BYTES
                )
        except NotUpgraded as refusal:
            raise UpgradeRefused(str(refusal)) from None
        except TimeoutError:
            raise ConnectFailed(f"no WebSocket within {seconds:g} s") from None
        except (OSError, HTTPError, HTTPInputError, UnsatisfiableReadError, ValueError):
            raise ConnectFailed("the WebSocket could not be opened") from None
        return cls(client)

    async def read(self) -> str | bytes | None:
        """The next message; None once the socket is gone. One is read at a time: that is the backpressure."""
        return await self._client.read()

    def write(self, message: str) -> None:
        """Send a message; a closed socket is noticed when reading."""
        self._client.write(message)

    def abort(self) -> None:
        """Close at once. Does nothing the second time."""
        self._client.abort()


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("ws", "wss") and bool(parts.hostname) and "@" not in parts.netloc
