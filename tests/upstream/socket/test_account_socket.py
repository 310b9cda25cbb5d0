"""The one socket of an account: drops, missing frames, frames of others, and its end."""

import asyncio
import base64

import pytest

from tests.eventually import eventually
from tests.translate.wire import Json
from tests.upstream.rig import PATIENT
from tests.upstream.socket.scripted import ALL, MARKS, PIECES, TEXT, Backend, Peer, kept, plays, scene
from upstream import (
    ConnectFailed,
    Timeouts,
)
from upstream.socket import SocketLimits, SocketTimes

SHORT_LIVED = SocketLimits(times=SocketTimes(idle=0.05))

pytestmark = pytest.mark.timeout(seconds=60)


async def test_frames_that_come_twice_are_read_once() -> None:
    async with scene(Backend([plays(1, 2, 2, 3, 4, 1, 5, *ALL)])) as here:
        talk = await here.talk().run()
        assert talk.content == b"".join(PIECES)


async def test_missing_frames_are_fetched_by_resuming_the_connection() -> None:
    async with scene(Backend([plays(1, 2, 4), plays(3, 4, 5, 6, 7)])) as here:
        talk = await here.talk().run()
        assert talk.content == b"".join(PIECES)
        first, second = (peer.asked for peer in here.backend.peers)
        assert second == first | {"awps_connection_id": "x", "awps_reconnection_token": "r"}


async def test_dropped_socket_comes_back_again_and_again() -> None:
    drops = [plays(number, drops=True) for number in ALL[:-1]]
    async with scene(Backend([*drops, plays(len(PIECES))])) as here:
        talk = await here.talk().run()
        assert talk.content == b"".join(PIECES)
        assert len(here.backend.peers) == len(PIECES)


async def test_socket_that_cannot_come_back_leaves_it_to_the_stored_conversation() -> None:
    async def one_and_out(peer: Peer) -> None:
        await plays(1, 2, 3)(peer)
        peer.backend.refusals = [503] * 10
        peer.drop()

    async with scene(Backend([one_and_out], kept=kept())) as here:
        assert (await here.talk().run()).said == TEXT


BROKEN: dict[str, Json] = {
    "a body that is no base64": {"body": "@@@"},
    "a body that is none": {"body": 7},
    "no ids": {"websocket_request_id": None, "conversation_id": None},
    "no type": {"type": None},
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("number", [3, len(PIECES) - 1])
async def test_damaged_frame_leaves_it_to_the_stored_conversation(damage: Json, number: int) -> None:
    async def breaks_one(peer: Peer) -> None:
        await plays(*ALL[: number - 1])(peer)
        ids = MARKS | {"websocket_request_id": peer.backend.request_id}
        body = base64.b64encode(PIECES[number - 1]).decode()
        data = {"type": "http.response.body", "body": body, "more_body": True} | ids | damage
        await peer.say({"sequenceId": number, "type": "message", "data": data})
        await plays(*ALL[number:])(peer)

    async with scene(Backend([breaks_one], kept=kept())) as here:
        assert (await here.talk().run()).said == TEXT


async def test_message_that_is_no_json_leaves_it_to_the_stored_conversation() -> None:
    async def breaks_one(peer: Peer) -> None:
        await plays(1, 2, 3)(peer)
        await peer.write_message('{"sequenceId": 4, "ty')

    async with scene(Backend([breaks_one], kept=kept())) as here:
        assert (await here.talk().run()).said == TEXT


async def test_expired_address_is_replaced_by_a_new_one() -> None:
    async def expires(peer: Peer) -> None:
        await plays(1, 2, 3)(peer)
        peer.backend.refusals = [401]
        peer.backend.greeting = {"connectionId": "y", "reconnectionToken": "s"}
        peer.drop()

    async with scene(Backend([expires, plays()], kept=kept())) as here:
        assert (await here.talk().run()).said == TEXT
        assert here.backend.calls.count("register-websocket") == 2
        assert "awps_connection_id" in here.backend.upgrades[1].asked
        assert "awps_connection_id" not in here.backend.upgrades[2].asked


async def test_last_frame_of_a_stream_is_acknowledged_at_once() -> None:
    async with scene(Backend([plays(*ALL)])) as here:
        await here.talk().run()
        await eventually(lambda: here.backend.peers[0].acks == [len(PIECES)])


async def test_frames_of_others_and_of_stopped_turns_are_dropped() -> None:
    async def mixed(peer: Peer) -> None:
        await peer.backend.posted.wait()
        number = 0
        for at, piece in enumerate(PIECES, 1):
            marks = (
                {"websocket_request_id": "other"},
                {"websocket_request_id": None, "conversation_id": "c2"},
                {"websocket_request_id": None, "response_id": None},
            )
            for foreign in marks:
                number += 1
                await peer.send(number, b"data: foreign\n\n", more=False, **foreign)
            number += 1
            await peer.send(number, piece, more=at < len(PIECES))
        await peer.send(number + 1, b"data: late\n\n")
        await peer.send(number + 2, b"data: late\n\n")

    async with scene(Backend([mixed])) as here:
        talk = await here.talk().run()
        assert talk.content == b"".join(PIECES)
        await eventually(lambda: bool(here.backend.peers[0].acks))


async def test_frames_are_known_by_conversation_and_response_where_they_have_no_request_id() -> None:
    async def unmarked(peer: Peer) -> None:
        await peer.backend.posted.wait()
        await asyncio.sleep(0.05)
        for number, piece in enumerate(PIECES, 1):
            await peer.send(number, piece, websocket_request_id=None)

    async with scene(Backend([unmarked])) as here:
        assert (await here.talk().run()).content == b"".join(PIECES)


async def unreached(backend: Backend, timeouts: Timeouts = PATIENT) -> ConnectFailed:
    async with scene(backend, timeouts) as here:
        talk = here.talk()
        with pytest.raises(ConnectFailed) as failed:
            await talk.run()
        assert "conversation" not in backend.calls, "nothing was posted"
        assert not talk.exchange.reached_backend
        return failed.value


async def test_refused_upgrade_costs_nothing() -> None:
    assert "403" in str(await unreached(Backend(refusals=[403])))


async def test_socket_without_a_greeting_costs_nothing() -> None:
    failure = await unreached(Backend(greeting=None), Timeouts(connect=3, first_byte=30, idle=30))
    assert "greeting" in str(failure)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/socket",
        "ws://user:pw@127.0.0.1/",
        "ws://",
        "ws://h:99999/",
        "ws://127.0.0.1:1/",
        "x",
    ],
)
async def test_address_that_leads_nowhere_costs_nothing_and_is_not_told(address: str) -> None:
    failure = await unreached(Backend(wss_url=address))
    assert "127.0.0.1" not in str(failure)
    assert "pw" not in str(failure)


async def test_cancelled_caller_leaves_nothing_behind_while_it_connects() -> None:
    async with scene(Backend(greeting=None), limits=SHORT_LIVED) as here:
        task = here.talk().start()
        await eventually(lambda: bool(here.backend.peers))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(here.backend.peers[0].gone.wait(), 20)


async def test_idle_socket_is_closed_and_a_busy_one_is_not() -> None:
    async def slow(peer: Peer) -> None:
        await peer.backend.posted.wait()
        for number, piece in enumerate(PIECES, 1):
            await asyncio.sleep(0.02)
            await peer.send(number, piece)

    async with scene(Backend([slow]), limits=SHORT_LIVED) as here:
        assert (await here.talk().run()).said == TEXT
        assert not here.backend.peers[0].gone.is_set()
        await asyncio.wait_for(here.backend.peers[0].gone.wait(), 20)
