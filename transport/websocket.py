"""A WebSocket as a client has it (RFC 6455)."""

import asyncio
import base64
import hashlib
import os
from contextlib import suppress
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

from tornado.httputil import HTTPInputError

from transport.channel import Channel
from transport.connector import Connector
from transport.frames import BrokenFrames, FrameReader, Opcode, encode_frame
from transport.origin import Origin
from transport.receive import receive_head
from transport.response import Head, HeadReader

PING_SECONDS: Final = 20.0
"""Pause between pings; a server that does not answer one before the next is dead."""
MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class NotUpgraded(Exception):
    """The server answered the request for a WebSocket with something else, of this status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the WebSocket was refused with status {status}")
        self.status = status


class WebSocketClient:
    """An open WebSocket. Messages are read one at a time, and no more than that is taken from the server."""

    def __init__(
        self, channel: Channel, received: bytes, *, max_message_bytes: int, ping_seconds: float
    ) -> None:
        self._channel = channel
        self._frames = FrameReader(max_message_bytes)
        self._frames.feed(received)
        self._ping_seconds = ping_seconds
        self._unanswered = False
        self._reading = False
        self._timer = asyncio.get_running_loop().call_later(ping_seconds, self._ping)

    @classmethod
    async def open(
        cls,
        connector: Connector,
        url: str,
        subprotocol: str,
        *,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        ping_seconds: float = PING_SECONDS,
    ) -> Self:
        """Connect to a ws or wss address and upgrade, with no subprotocol where that is "".

        Raises:
            NotUpgraded: the server answered otherwise.
            OSError, HTTPStreamClosedError: it can't be reached, or breaks off.
            ValueError, HTTPInputError, UnsatisfiableReadError: the address is unusable, or the answer is.
        """
        parts = urlsplit(url)
        connection = await connector.open(Origin.of(parts), raw=True)
        channel = connection.channel
        try:
            received = await _upgrade(channel, parts, subprotocol)
        except BaseException:
            channel.close()
            raise
        return cls(channel, received, max_message_bytes=max_message_bytes, ping_seconds=ping_seconds)

    async def read(self) -> str | bytes | None:
        """The next message, text or binary; None once the socket is gone, for whatever reason."""
        self._reading = True
        try:
            while True:
                while (frame := self._frames.next()) is None:
                    if not (data := await self._channel.receive()):
                        raise ConnectionResetError
                    self._frames.feed(data)
                match frame:
                    case Opcode.TEXT, text:
                        return text.decode()
                    case Opcode.BINARY, content:
                        return content
                    case Opcode.PING, content:
                        self._channel.write(encode_frame(Opcode.PONG, content))
                    case Opcode.PONG, _:
                        self._unanswered = False
                    case Opcode.CLOSE, content:
                        self._channel.write(encode_frame(Opcode.CLOSE, content[:2]))
                        break
        except (OSError, BrokenFrames, UnicodeDecodeError):
            pass
        finally:
            self._reading = False
        self.abort()
        return None

    def write(self, message: str) -> None:
        """Send a text. That the socket is gone is noticed when reading."""
        with suppress(OSError):
            self._channel.write(encode_frame(Opcode.TEXT, message.encode()))

    def abort(self) -> None:
        """Close at once, without a farewell. Does nothing the second time."""
        self._timer.cancel()
        self._channel.close()

    def _ping(self) -> None:
        if self._unanswered and self._reading:
            self.abort()
            return
        self._unanswered = True
        with suppress(OSError):
            self._channel.write(encode_frame(Opcode.PING, b""))
        self._timer = asyncio.get_running_loop().call_later(self._ping_seconds, self._ping)


async def _upgrade(channel: Channel, url: SplitResult, subprotocol: str) -> bytes:
    """Have the server change to the WebSocket protocol; return what came behind its consent."""
    key = base64.b64encode(os.urandom(16)).decode()
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if not (target.isascii() and target.isprintable() and " " not in target):
        raise ValueError("unusable characters in a URL")
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {url.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
    ]
    channel.write("\r\n".join([*lines, "", ""]).encode())
    reader = HeadReader()
    head = await receive_head(channel, reader)
    if head.line.code != 101:
        raise NotUpgraded(head.line.code)
    _check(head, key, subprotocol)
    return reader.rest


def _check(head: Head, key: str, subprotocol: str) -> None:
    """Raises HTTPInputError if the server did not agree to what was asked (RFC 6455, section 4.1)."""
    headers = head.headers
    digest = hashlib.sha1(key.encode() + _MAGIC, usedforsecurity=False).digest()
    agreed = (
        headers.get("Upgrade", "").lower() == "websocket"
        and "upgrade" in headers.get("Connection", "").lower()
        and headers.get("Sec-WebSocket-Accept", "") == base64.b64encode(digest).decode()
        and headers.get("Sec-WebSocket-Protocol", subprotocol) == subprotocol
        and "Sec-WebSocket-Extensions" not in headers
    )
    if not agreed:
        raise HTTPInputError("not the upgrade that was asked for")
