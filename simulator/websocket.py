"""The WebSocket service: all turns of an account share its connections (protocol notes, section 12).

Frames are numbered, and the client acknowledges them. Those not yet acknowledged are kept and sent again when
the client comes back after a drop; too many of them end the connection.
"""

import asyncio
import base64
import secrets
from collections import deque
from typing import Protocol

from simulator.messages import JsonObject, new_id
from simulator.wire import SplittingWire

ACKNOWLEDGEMENT_SECONDS = 0.5
"""How long a connection with too many unacknowledged frames waits: a turn without pace outruns any client."""

MAX_ACCESS_TOKENS = 5000
"""Access tokens that are kept; the oldest are dropped."""


class Socket(Protocol):
    """The WebSocket that carries a connection at present."""

    async def send(self, frame: JsonObject) -> None:
        """Send one frame; nothing happens when the client is gone."""
        ...

    def close_for_good(self) -> None:
        """Close properly: too many frames are unacknowledged."""
        ...

    def drop(self, *, reset: bool) -> None:
        """Close the TCP connection, with RST or with FIN."""
        ...


class ReliableConnection:
    """The connection of one client, which outlives the WebSocket that carries it."""

    def __init__(self, key: str) -> None:
        self.id = secrets.token_urlsafe(12)
        self.token = secrets.token_urlsafe(24)
        self.key = key
        self.socket: Socket | None = None
        self._unacknowledged: deque[tuple[int, JsonObject]] = deque()
        self._sequence = 0
        self._has_room = asyncio.Event()

    async def publish(self, data: JsonObject, max_unacknowledged: int) -> bool:
        """Send and keep one frame.

        False if `max_unacknowledged` frames are kept already and the client acknowledges none in time; the
        connection is then over.
        """
        is_full = len(self._unacknowledged) >= max_unacknowledged
        if is_full and not await self._wait_for_room(max_unacknowledged):
            return False
        self._sequence += 1
        frame: JsonObject = {
            "sequenceId": self._sequence,
            "type": "message",
            "from": "group",
            "group": f"group-{self.id}",
            "dataType": "json",
            "fromUserId": "server",
            "data": data,
        }
        self._unacknowledged.append((self._sequence, frame))
        if self.socket:
            await self.socket.send(frame)
        return True

    def acknowledge(self, sequence: int) -> None:
        """Drop all frames up to a number."""
        while self._unacknowledged and self._unacknowledged[0][0] <= sequence:
            self._unacknowledged.popleft()
        self._has_room.set()

    async def resume(self, socket: Socket) -> None:
        """Carry on over `socket`, which first gets all unacknowledged frames in order."""
        sent = 0
        while missing := [frame for sequence, frame in self._unacknowledged if sequence > sent]:
            for frame in missing:
                await socket.send(frame)
                sent = frame["sequenceId"]
        self.socket = socket

    async def _wait_for_room(self, max_unacknowledged: int) -> bool:
        try:
            async with asyncio.timeout(ACKNOWLEDGEMENT_SECONDS):
                while len(self._unacknowledged) >= max_unacknowledged:
                    self._has_room.clear()
                    await self._has_room.wait()
        except TimeoutError:
            return False
        return True


class WebSocketHub:
    """All connections, and the access tokens that say to which account a client belongs."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._connections: dict[str, ReliableConnection] = {}

    def register(self, key: str) -> str:
        """A new access token for the account."""
        token = secrets.token_urlsafe(24)
        self._keys[token] = key
        while len(self._keys) > MAX_ACCESS_TOKENS:
            del self._keys[next(iter(self._keys))]
        return token

    def key_of(self, token: str) -> str | None:
        """The account of an access token; None for an unknown one."""
        return self._keys.get(token)

    def connect(self, key: str) -> ReliableConnection:
        """A new connection; connections of the account that are without a WebSocket are dropped."""
        for old in [each for each in self._connections.values() if each.key == key and each.socket is None]:
            del self._connections[old.id]
        connection = ReliableConnection(key)
        self._connections[connection.id] = connection
        return connection

    def resumable(self, key: str, connection_id: str, token: str) -> ReliableConnection | None:
        """The connection to which a client comes back; None if it is unknown or not the client's."""
        found = self._connections.get(connection_id)
        return found if found and found.key == key and found.token == token else None

    def of_account(self, key: str) -> list[ReliableConnection]:
        """The account's connections, those without a WebSocket included."""
        return [connection for connection in self._connections.values() if connection.key == key]

    async def publish(self, key: str, data: JsonObject, max_unacknowledged: int) -> None:
        """Send a frame on all connections of an account; without any, the frame is lost."""
        for connection in self.of_account(key):
            if not await connection.publish(data, max_unacknowledged):
                self._connections.pop(connection.id, None)
                if connection.socket:
                    connection.socket.close_for_good()

    def drop_all(self) -> None:
        """Drop all connections; none of them can be resumed."""
        for connection in self._connections.values():
            if connection.socket:
                connection.socket.drop(reset=False)
        self._connections.clear()


class WebSocketWire(SplittingWire):
    """The body of one turn, sent as frames to the account `key`.

    `identifiers` mark the frames of the turn; `size` is as in `SplittingWire`. With `last_frame` the body
    ends with a frame whose `more_body` is false.
    """

    survives_disconnect = True

    def __init__(
        self,
        hub: WebSocketHub,
        key: str,
        identifiers: JsonObject,
        *,
        size: int,
        max_unacknowledged: int,
        last_frame: bool,
    ) -> None:
        super().__init__(size)
        self._hub = hub
        self._key = key
        self._identifiers = identifiers
        self._max_unacknowledged = max_unacknowledged
        self._last_frame = last_frame

    async def end_body(self) -> None:
        """See `Wire`."""
        if self._last_frame:
            await self._publish(b"", more=False)

    def drop(self, *, reset: bool) -> None:
        """Drop the WebSockets of the account; its connections can be resumed."""
        for connection in self._hub.of_account(self._key):
            if connection.socket:
                connection.socket.drop(reset=reset)
                connection.socket = None

    async def _write(self, data: bytes) -> None:
        await self._publish(data, more=True)

    async def _publish(self, data: bytes, *, more: bool) -> None:
        body = {"type": "http.response.body", "body": base64.b64encode(data).decode(), "more_body": more}
        await self._hub.publish(self._key, {**body, **self._identifiers}, self._max_unacknowledged)


def turn_identifiers(conversation_id: str, websocket_request_id: str | None) -> JsonObject:
    """What marks the frames of one turn; the request id is a fresh one if the caller gave none."""
    return {
        "response_id": f"{secrets.token_hex(8)}-AMS",
        "conversation_id": conversation_id,
        "websocket_request_id": websocket_request_id or new_id(),
    }
