"""Routes of the user's socket of 2026 (protocol notes, section 20.7)."""

import asyncio
import json
from typing import Any

from tornado.websocket import WebSocketClosedError, WebSocketHandler

from simulator.backend import Backend
from simulator.live_turns import LiveTurn
from simulator.messages import JsonObject
from simulator.refusals import NOT_FOUND, Refused
from simulator.routes.base import BackendHandler
from simulator.turn_topics import TurnTopic
from simulator.user_sockets import NEWS_TOPIC
from simulator.wire import drop_connection

USER_SOCKET_PATH = "/p1/ws/user/user-simulated"
OFFICIAL_HOST = "ws.chatgpt.com"


class CelsiusHandler(BackendHandler):
    """GET celsius/ws/user."""

    def get(self) -> None:
        """The address of the user's socket, which holds the right to connect. Raises Refused (404)."""
        knobs = self.backend.knobs
        if not self.backend.version.is_2026 or knobs.celsius == "none":
            raise Refused(NOT_FOUND)
        token = self.backend.user_sockets.register(self.key)
        scheme = "wss" if self.request.protocol == "https" else "ws"
        own = f"{scheme}://{self.request.host}"
        root = f"wss://{OFFICIAL_HOST}" if knobs.celsius == "official" else own
        self.reply({"websocket_url": f"{root}{USER_SOCKET_PATH}?verify={token}"})


class UserSocketHandler(WebSocketHandler):
    """The socket: commands in, replies, news and items of turns out."""

    def initialize(self, backend: Backend) -> None:
        """Tornado's hook for the route's arguments."""
        self.backend = backend
        self._key = ""
        self._wants_news = False
        self._frames = 0
        self._frame_limit = 0
        self._turns: dict[str, asyncio.Task[None]] = {}

    def check_origin(self, origin: str) -> bool:
        """Tornado's hook: any page may connect, since the address is the permission."""
        return True

    def prepare(self) -> None:
        """Refuse with 403 without a valid token."""
        key = self.backend.user_sockets.key_of(self.get_query_argument("verify", ""))
        if key is None:
            self.set_status(403)
            self.finish()
        else:
            self._key = key

    def open(self, *args: str, **kwargs: str) -> None:
        """Count the socket; nothing is sent before the first command."""
        self.backend.state.sockets_opened += 1
        self._frame_limit = self.backend.knobs.socket_drop
        self.backend.user_sockets.add(self._key, self)

    def on_message(self, message: str | bytes) -> None:
        """Obey a command or a list of them; what is none is ignored."""
        try:
            content = json.loads(message)
        except ValueError:
            return
        for frame in content if isinstance(content, list) else [content]:
            if isinstance(frame, dict) and isinstance(frame.get("command"), dict):
                self._obey(frame.get("id"), frame["command"])

    def on_close(self) -> None:
        """Follow no turn any more."""
        self.backend.user_sockets.remove(self._key, self)
        for task in self._turns.values():
            task.cancel()

    def send_news(self, frame: JsonObject) -> None:
        """See `NewsReader`."""
        if self._wants_news:
            self._send(frame)

    def drop(self) -> None:
        """See `NewsReader`."""
        stream = self.ws_connection.stream if self.ws_connection else None
        if stream:
            drop_connection(stream, reset=False)

    def _obey(self, number: Any, command: JsonObject) -> None:
        kind, topic = command.get("type"), str(command.get("topic_id"))
        reply: JsonObject = {"type": kind}
        turn = None
        if kind == "subscribe":
            turn = self.backend.live_turns.of_topic(self._key, topic)
            reply |= self._subscribed(topic, turn, command.get("offset"))
        elif kind == "unsubscribe":
            reply["topic_id"] = topic
            self._unsubscribe(topic)
        self._send({"id": number, "type": "reply", "reply": reply})
        if kind == "subscribe" and turn:
            start = self._first_live(TurnTopic(turn), turn, command.get("offset"))
            self._unsubscribe(topic)
            self._turns[topic] = self.backend.start_task(self._follow(turn, start))

    def _subscribed(self, topic: str, turn: LiveTurn | None, offset: str | None) -> JsonObject:
        """What the reply to a subscription says beside its type."""
        about: JsonObject = {"topic_id": topic, "last_offset": offset or "0", "recovered": True}
        if turn:
            self._frame_limit = turn.knobs.socket_drop or self._frame_limit
            frames = TurnTopic(turn)
            start = frames.index_after(offset)
            catchups = frames.frames(start, frames.item_count) if turn.knobs.catchups else []
            return about | {"last_offset": frames.last_offset, "catchups": catchups}
        if topic == NEWS_TOPIC:
            self._wants_news = True
            catchups = [] if offset is None else self.backend.user_sockets.news_after(self._key, offset)
            return about | {"catchups": catchups}
        return about | {"recovered": False, "catchups": []}

    def _first_live(self, topic: TurnTopic, turn: LiveTurn, offset: str | None) -> int:
        """The number of the item with which the live frames begin."""
        return topic.index_after(offset) if turn.knobs.duplicates else topic.item_count

    def _unsubscribe(self, topic: str) -> None:
        if topic == NEWS_TOPIC:
            self._wants_news = False
        task = self._turns.pop(topic, None)
        if task:
            task.cancel()

    async def _follow(self, turn: LiveTurn, start: int) -> None:
        topic = TurnTopic(turn)
        beat = self.backend.start_task(self._beat(topic, turn.knobs.heartbeat))
        try:
            async for frame in topic.follow(start):
                self._send(frame)
        finally:
            beat.cancel()

    async def _beat(self, topic: TurnTopic, seconds: float) -> None:
        while seconds:
            await asyncio.sleep(seconds)
            self._send(topic.heartbeat())

    def _send(self, frame: JsonObject) -> None:
        """One frame, as a list; after the last one that the knob `socket_drop` allows the socket drops."""
        if self._frame_limit and self._frames >= self._frame_limit:
            return
        try:
            self.write_message(json.dumps([frame]))
        except WebSocketClosedError:
            return
        self._frames += 1
        if self._frames == self._frame_limit:
            self.drop()
