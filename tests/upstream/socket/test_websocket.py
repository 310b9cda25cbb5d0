"""One WebSocket, closed at once."""

import asyncio
import inspect

import pytest
from tornado.websocket import WebSocketProtocol

from tests.upstream.socket.scripted import Backend, scene
from translate.backend import SUBPROTOCOL
from upstream.socket.websocket import WebSocket

pytestmark = pytest.mark.timeout(seconds=10)


def test_tornado_still_has_a_way_to_close_a_socket_at_once() -> None:
    assert list(inspect.signature(WebSocketProtocol._abort).parameters) == ["self"]


async def test_abort_closes_the_socket_at_once_and_any_number_of_times() -> None:
    async with scene(Backend(greeting=None)) as here:
        socket = await WebSocket.connect(here.backend.wss_url, SUBPROTOCOL, None, 5)
        socket.abort()
        socket.abort()
        assert await asyncio.wait_for(socket.read(), 1) is None
        await asyncio.wait_for(here.backend.peers[0].gone.wait(), 1)
