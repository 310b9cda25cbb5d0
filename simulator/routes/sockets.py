"""Routes of the WebSocket dialect: registering, the socket itself, stopping a turn."""

import json
from datetime import UTC, datetime

from tornado.websocket import WebSocketClosedError, WebSocketHandler

from simulator.backend import Backend
from simulator.messages import JsonObject
from simulator.refusals import Refused, invalid
from simulator.routes.base import BackendHandler
from simulator.sockets import Connection
from simulator.wire import drop

SUBPROTOCOL = "json.reliable.webpubsub.azure.v1"
PATH = "/client/hubs/conversations"
TOKEN_SECONDS = 3600


def socket_address(handler: BackendHandler) -> JsonObject:
    """``wss_url`` and ``expires_at`` for the caller's account."""
    token = handler.backend.sockets.register(handler.key)
    expires = datetime.fromtimestamp(handler.backend.clock() + TOKEN_SECONDS, UTC).isoformat()
    scheme = "wss" if handler.request.protocol == "https" else "ws"
    url = f"{scheme}://{handler.request.host}{PATH}?access_token={token}"
    return {"wss_url": url, "expires_at": expires}


class RegisterHandler(BackendHandler):
    """POST register-websocket."""

    def post(self) -> None:
        """Where to connect, before anything is asked."""
        self.object_body()
        self.reply(socket_address(self))


class StopHandler(BackendHandler):
    """POST stop_conversation: only for WebSocket turns; an event stream one stops by closing it."""

    def post(self) -> None:
        """Stop the turn of that request id; nothing happens for an unknown one."""
        request_id = self.object_body().get("websocket_request_id")
        if not isinstance(request_id, str):
            missing: list[str | int] = ["websocket_request_id"]
            raise Refused(invalid([(missing, "field required", "value_error.missing")]))
        task = self.backend.socket_turns.get(request_id)
        if task:
            task.cancel()
        self.reply({})


class SocketHandler(WebSocketHandler):
    """The socket: greets, sends frames, takes acknowledgements, resumes after a drop."""

    def initialize(self, backend: Backend) -> None:
        """Tornado's hook for the route's arguments."""
        self.backend = backend
        self._connection: Connection | None = None

    def check_origin(self, origin: str) -> bool:
        """The token is the permission."""
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """The reliable one, which has acknowledgements."""
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def prepare(self) -> None:
        """401 without a valid token, 400 without the sub-protocol."""
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if self.backend.sockets.key_of(self.get_query_argument("access_token", "")) is None:
            self.set_status(401)
            self.finish()
        elif SUBPROTOCOL not in [name.strip() for name in offered.split(",")]:
            self.set_status(400)
            self.finish()

    async def open(self, *args: str, **kwargs: str) -> None:
        """Greet a newcomer; give who comes back what is missing."""
        key = self.backend.sockets.key_of(self.get_query_argument("access_token")) or ""
        connection_id = self.get_query_argument("awps_connection_id", "")
        token = self.get_query_argument("awps_reconnection_token", "")
        self._connection = self.backend.sockets.resumable(key, connection_id, token)
        if self._connection is None:
            self._connection = self.backend.sockets.connect(key)
        greeting = {"type": "system", "event": "connected", "userId": "user-simulated"}
        ids = {"connectionId": self._connection.id, "reconnectionToken": self._connection.token}
        await self.send({**greeting, **ids})
        await self._connection.resume(self)

    def on_message(self, message: str | bytes) -> None:
        """An acknowledgement; anything else is ignored."""
        try:
            frame = json.loads(message)
        except ValueError:
            return
        acknowledges = isinstance(frame, dict) and frame.get("type") == "sequenceAck"
        if acknowledges and isinstance(frame.get("sequenceId"), int) and self._connection:
            self._connection.acknowledge(frame["sequenceId"])

    def on_close(self) -> None:
        """The connection stays for who comes back."""
        if self._connection and self._connection.socket is self:
            self._connection.socket = None

    async def send(self, frame: JsonObject) -> None:
        """See `Socket`."""
        try:
            await self.write_message(json.dumps(frame))
        except WebSocketClosedError:
            self.on_close()

    def close_for_good(self) -> None:
        """See `Socket`."""
        self.close(1008, "too many unacknowledged messages")

    def drop(self, *, reset: bool) -> None:
        """See `Socket`."""
        stream = self.ws_connection.stream if self.ws_connection else None
        if stream:
            drop(stream, reset=reset)
