"""The WebSocket service: one logical connection per client, shared by all turns of its account.

A connection has numbered frames, which the client acknowledges. Frames not yet acknowledged are kept and sent
again when the client comes back after a drop; too many of them end the connection.
"""

import asyncio
import base64
import secrets
from collections import deque
from typing import Protocol

from simulator.messages import JsonObject, new_id
from simulator.wire import SplittingWire

PATIENCE_SECONDS = 0.5
"""How long a full connection waits for an acknowledgement, since an unpaced turn outruns any client."""

MAX_TOKENS = 5000  # the oldest are forgotten


class Socket(Protocol):
    """The WebSocket that carries a connection at present."""

    async def send(self, frame: JsonObject) -> None:
        """One frame; nothing happens when the client is gone."""
        ...

    def close_for_good(self) -> None:
        """An orderly close."""
        ...

    def drop(self, *, reset: bool) -> None:
        """A disorderly one."""
        ...


class Connection:
    """One client's connection, which may be dropped and resumed."""

    def __init__(self, key: str) -> None:
        self.id = secrets.token_urlsafe(12)
        self.token = secrets.token_urlsafe(24)
        self.key = key
        self.socket: Socket | None = None
        self.unacked: deque[tuple[int, JsonObject]] = deque()
        self._sequence = 0
        self._acked = asyncio.Event()

    async def publish(self, data: JsonObject, max_unacked: int) -> bool:
        """Send and keep one frame. False when the client does not acknowledge and the connection is over."""
        if len(self.unacked) >= max_unacked and not await self._room(max_unacked):
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
        self.unacked.append((self._sequence, frame))
        if self.socket:
            await self.socket.send(frame)
        return True

    def acknowledge(self, sequence: int) -> None:
        """Forget all frames up to a number."""
        while self.unacked and self.unacked[0][0] <= sequence:
            self.unacked.popleft()
        self._acked.set()

    async def resume(self, socket: Socket) -> None:
        """A socket takes over: it gets what was not acknowledged, in order, and then what comes."""
        sent = 0
        while missing := [frame for sequence, frame in self.unacked if sequence > sent]:
            for frame in missing:
                await socket.send(frame)
                sent = frame["sequenceId"]
        self.socket = socket

    async def _room(self, max_unacked: int) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(self.unacked) >= max_unacked:
                    self._acked.clear()
                    await self._acked.wait()
        except TimeoutError:
            return False
        return True


class SocketHub:
    """All connections. Access tokens say whose they are."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._connections: dict[str, Connection] = {}

    def register(self, key: str) -> str:
        """An access token for the account."""
        token = secrets.token_urlsafe(24)
        self._keys[token] = key
        while len(self._keys) > MAX_TOKENS:
            del self._keys[next(iter(self._keys))]
        return token

    def key_of(self, token: str) -> str | None:
        """The account of an access token."""
        return self._keys.get(token)

    def connect(self, key: str) -> Connection:
        """A new connection; what the account left behind and did not resume is forgotten."""
        for old in [each for each in self._connections.values() if each.key == key and each.socket is None]:
            del self._connections[old.id]
        connection = Connection(key)
        self._connections[connection.id] = connection
        return connection

    def resumable(self, key: str, connection_id: str, token: str) -> Connection | None:
        """The connection that a client comes back to, if it may."""
        found = self._connections.get(connection_id)
        return found if found and found.key == key and found.token == token else None

    def of_account(self, key: str) -> list[Connection]:
        """The account's connections, dropped ones included."""
        return [connection for connection in self._connections.values() if connection.key == key]

    async def publish(self, key: str, data: JsonObject, max_unacked: int) -> None:
        """To all connections of an account; without any, the frame is lost."""
        for connection in self.of_account(key):
            if not await connection.publish(data, max_unacked):
                self._connections.pop(connection.id, None)
                if connection.socket:
                    connection.socket.close_for_good()

    def close(self) -> None:
        """Drop everybody."""
        for connection in self._connections.values():
            if connection.socket:
                connection.socket.drop(reset=False)
        self._connections.clear()


class SocketWire(SplittingWire):
    """The body of one turn as frames to its account."""

    survives = True

    def __init__(
        self, hub: SocketHub, key: str, about: JsonObject, size: int, max_unacked: int, last: bool
    ) -> None:
        super().__init__(size)
        self._hub = hub
        self._key = key
        self._about = about
        self._max_unacked = max_unacked
        self._last = last

    async def end(self) -> None:
        """A frame that says so, if wanted."""
        if self._last:
            await self._publish(b"", more=False)

    def cut(self, *, reset: bool) -> None:
        """Drop the account's sockets; the connections can be resumed."""
        for connection in self._hub.of_account(self._key):
            if connection.socket:
                connection.socket.drop(reset=reset)
                connection.socket = None

    async def _write(self, data: bytes) -> None:
        await self._publish(data, more=True)

    async def _publish(self, data: bytes, *, more: bool) -> None:
        body = {"type": "http.response.body", "body": base64.b64encode(data).decode(), "more_body": more}
        await self._hub.publish(self._key, {**body, **self._about}, self._max_unacked)


def about_turn(conversation_id: str, websocket_request_id: str | None) -> JsonObject:
    """What marks the frames of one turn."""
    return {
        "response_id": f"{secrets.token_hex(8)}-AMS",
        "conversation_id": conversation_id,
        "websocket_request_id": websocket_request_id or new_id(),
    }
