"""Routes of the WebSocket transport (protocol notes, section 12)."""

import json
from datetime import UTC, datetime

from tornado.websocket import WebSocketClosedError, WebSocketHandler

from simulator.backend import Backend
from simulator.messages import JsonObject
from simulator.refusals import NOT_FOUND, Refused, invalid
from simulator.routes.base import BackendHandler
from simulator.websocket import ReliableConnection
from simulator.wire import drop_connection

SUBPROTOCOL = "json.reliable.webpubsub.azure.v1"
WEBSOCKET_PATH = "/client/hubs/conversations"
ACCESS_TOKEN_SECONDS = 3600
"""What `expires_at` says; tokens do not expire here."""


def socket_address(handler: BackendHandler) -> JsonObject:
    """`wss_url` with a new access token, and `expires_at`, for the caller's account."""
    token = handler.backend.websockets.register(handler.key)
    expires = datetime.fromtimestamp(handler.backend.clock() + ACCESS_TOKEN_SECONDS, UTC).isoformat()
    scheme = "wss" if handler.request.protocol == "https" else "ws"
    url = f"{scheme}://{handler.request.host}{WEBSOCKET_PATH}?access_token={token}"
    return {"wss_url": url, "expires_at": expires}


class RegisterHandler(BackendHandler):
    """POST register-websocket."""

    def post(self) -> None:
        """The address for a client that connects before it asks. Raises Refused (404) in 2026."""
        if self.backend.version.is_2026:
            raise Refused(NOT_FOUND)
        self.object_body()
        self.reply(socket_address(self))


class StopHandler(BackendHandler):
    """POST stop_conversation, before 2026 for turns over a WebSocket only."""

    def post(self) -> None:
        """Stop the turn of that request id, in 2026 of that conversation; an unknown one changes nothing."""
        body = self.object_body()
        if self.backend.version.is_2026 and isinstance(body.get("conversation_id"), str):
            self._stop_conversation(body["conversation_id"])
            return
        request_id = body.get("websocket_request_id")
        if not isinstance(request_id, str):
            missing: list[str | int] = ["websocket_request_id"]
            raise Refused(invalid([(missing, "field required", "value_error.missing")]))
        self.backend.stop_websocket_turn(request_id)
        self.reply({})

    def _stop_conversation(self, conversation_id: str) -> None:
        self.backend.state.conversations.find_any(self.key, conversation_id)
        self.backend.state.add_stop(conversation_id)
        self.backend.stop_conversation(conversation_id)
        self.reply({"status": "ok", "last_message_id": None})


class SocketHandler(WebSocketHandler):
    """The WebSocket: a greeting, frames, acknowledgements, and a connection that can be resumed."""

    def initialize(self, backend: Backend) -> None:
        """Tornado's hook for the route's arguments."""
        self.backend = backend
        self._connection: ReliableConnection | None = None

    def check_origin(self, origin: str) -> bool:
        """Tornado's hook: any page may connect, since the access token is the permission."""
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Tornado's hook: the one with acknowledgements."""
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def prepare(self) -> None:
        """Refuse with 401 without a valid token, with 400 without the sub-protocol."""
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if self.backend.websockets.key_of(self.get_query_argument("access_token", "")) is None:
            self.set_status(401)
            self.finish()
        elif SUBPROTOCOL not in [name.strip() for name in offered.split(",")]:
            self.set_status(400)
            self.finish()

    async def open(self, *args: str, **kwargs: str) -> None:
        """Greet the client, and send what it has not acknowledged if it comes back."""
        self.backend.state.sockets_opened += 1
        key = self.backend.websockets.key_of(self.get_query_argument("access_token")) or ""
        connection_id = self.get_query_argument("awps_connection_id", "")
        token = self.get_query_argument("awps_reconnection_token", "")
        self._connection = self.backend.websockets.resumable(key, connection_id, token)
        if self._connection is None:
            self._connection = self.backend.websockets.connect(key)
        greeting = {"type": "system", "event": "connected", "userId": "user-simulated"}
        ids = {"connectionId": self._connection.id, "reconnectionToken": self._connection.token}
        await self.send({**greeting, **ids})
        await self._connection.resume(self)

    def on_message(self, message: str | bytes) -> None:
        """Take an acknowledgement; any other message is ignored."""
        try:
            frame = json.loads(message)
        except ValueError:
            return
        acknowledges = isinstance(frame, dict) and frame.get("type") == "sequenceAck"
        if acknowledges and isinstance(frame.get("sequenceId"), int) and self._connection:
            self._connection.acknowledge(frame["sequenceId"])

    def on_close(self) -> None:
        """The connection stays, so that the client can resume it."""
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
            drop_connection(stream, reset=reset)
