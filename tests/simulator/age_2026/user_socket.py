"""A client of the user's socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

from simulator import Simulator
from tests.simulator.client import API, KEY, call

CONNECT = {"type": "connect", "presence": {"type": "presence", "state": "foreground"}}


class UserSocket:
    """One connected socket. `frames` are all that came, `is_over` becomes true when it is gone."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.frames: list[dict[str, Any]] = []
        self.is_over = False
        self._connection = connection

    async def listen(self) -> None:
        while (text := await self._connection.read_message()) is not None:
            content = json.loads(text)
            self.frames += content if isinstance(content, list) else [content]
        self.is_over = True

    async def command(self, number: int, **command: Any) -> None:
        await self._connection.write_message(json.dumps([{"id": number, "command": command}]))

    def reply(self, number: int) -> dict[str, Any] | None:
        found = [frame for frame in self.frames if frame.get("id") == number]
        return found[0]["reply"] if found else None

    def payloads(self, topic: str) -> list[dict[str, Any]]:
        """What came on a topic of a turn, catchups first."""
        caught = [each for frame in self.frames for each in (frame.get("reply") or {}).get("catchups", [])]
        live = [frame for frame in self.frames if frame["type"] == "message"]
        return [each["payload"]["payload"] for each in caught + live if each["topic_id"] == topic]

    def items(self, topic: str) -> list[dict[str, Any]]:
        """The stream items of a topic, in order of their arrival."""
        return [each for each in self.payloads(topic) if each["type"] == "stream-item"]

    def text(self, topic: str) -> str:
        """The event stream that the items of a topic make, each once."""
        by_id = {each["stream_item_id"]: each["encoded_item"] for each in self.items(topic)}
        return "".join(text.rstrip("\n") + "\n\n" for text in by_id.values())

    def is_done(self, topic: str) -> bool:
        return any(each["type"] == "done" for each in self.payloads(topic))


@asynccontextmanager
async def user_socket(simulator: Simulator, key: str = KEY) -> AsyncIterator[UserSocket]:
    """A connected socket of an account."""
    address = (await call(simulator, "GET", f"{API}/celsius/ws/user", key=key)).json["websocket_url"]
    connection = await websocket_connect(address)
    socket = UserSocket(connection)
    listening = asyncio.create_task(socket.listen())
    await socket.command(1, **CONNECT)
    try:
        yield socket
    finally:
        connection.close()
        listening.cancel()
