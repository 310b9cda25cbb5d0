"""One WebSocket, closed at once."""

import asyncio
from contextlib import suppress

import pytest

from tests.eventually import eventually
from tests.scripted_server import ScriptedServer, fin, stall
from tests.upstream.rig import nothing_left
from tests.upstream.socket.scripted import Backend, scene
from translate.backend import SUBPROTOCOL
from transport import Connector
from upstream import ConnectFailed
from upstream.socket.websocket import WebSocket

pytestmark = pytest.mark.timeout(seconds=60)


async def test_abort_closes_the_socket_at_once_and_any_number_of_times() -> None:
    async with scene(Backend(greeting=None)) as here:
        socket = await WebSocket.connect(here.backend.wss_url, SUBPROTOCOL, Connector(), 30)
        socket.abort()
        socket.abort()
        assert await asyncio.wait_for(socket.read(), 20) is None
        await asyncio.wait_for(here.backend.peers[0].gone.wait(), 20)


async def test_server_that_does_not_answer_the_upgrade_times_out() -> None:
    async with nothing_left(), ScriptedServer([stall()]) as server:
        with pytest.raises(ConnectFailed):
            await WebSocket.connect(f"ws://127.0.0.1:{server.port}/", SUBPROTOCOL, Connector(), 0.1)


async def test_server_that_closes_instead_of_an_upgrade_is_a_failed_connect() -> None:
    async with nothing_left(), ScriptedServer([fin()]) as server:
        with pytest.raises(ConnectFailed):
            await WebSocket.connect(f"ws://127.0.0.1:{server.port}/", SUBPROTOCOL, Connector(), 30)


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_socket_whose_caller_is_cancelled_while_it_opens_is_closed(turns: int) -> None:
    async with scene(Backend(greeting=None)) as here:
        connecting = asyncio.create_task(
            WebSocket.connect(here.backend.wss_url, SUBPROTOCOL, Connector(), 30)
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        connecting.cancel()
        with suppress(asyncio.CancelledError):
            (await connecting).abort()
        await eventually(lambda: all(peer.gone.is_set() for peer in here.backend.peers))
