"""What can go wrong with the account's socket, step by step."""

import asyncio
import re
import ssl

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from accounts import Credential
from tests.upstream.rig import ME, PATIENT, Client, eventually
from tests.upstream.socket.scripted import PIECES, TEXT, Backend, Peer, Script, kept, scene
from tests.upstream.test_tls import CERTIFICATE, NAME, _name_is_local
from translate.backend.websocket_frames import SUBPROTOCOL, Handover
from upstream import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    IdleTimeout,
    ResponseRefused,
    Timeouts,
    TotalTimeout,
)
from upstream.socket import SocketLimits, SocketTimes
from upstream.socket.websocket import WebSocket

__all__ = ["_name_is_local"]

SHORT_LIVED = SocketLimits(times=SocketTimes(idle=0.05))

pytestmark = pytest.mark.timeout(seconds=10)


def plays(*numbers: int, drops: bool = False) -> Script:
    """Send the pieces of the answer with these numbers (from 1), once it was posted."""

    async def script(peer: Peer) -> None:
        await peer.backend.posted.wait()
        for number in numbers:
            await peer.send(number, PIECES[number - 1], more=number < len(PIECES))
        if drops:
            peer.drop()

    return script


ALL = range(1, len(PIECES) + 1)


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


async def test_frames_that_stay_missing_are_made_up_for_by_the_stored_conversation() -> None:
    async with scene(Backend([plays(1, 2, 3, 5, 6, 7)], kept=kept())) as here:
        talk = await here.talk().run()
        assert talk.said == TEXT
        assert len(here.backend.peers) == 2
        assert here.backend.calls[-1] == "conversation/c1"


async def test_frames_that_stay_missing_fail_the_turn_where_nothing_is_stored() -> None:
    async with scene(Backend([plays(1, 2, 3, 5, 6, 7)])) as here:
        with pytest.raises(ConnectionLost) as lost:
            await here.talk().run()
        assert lost.value.phase == "body"


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


async def test_backend_that_marks_frames_in_its_own_way_is_followed() -> None:
    async def own(peer: Peer) -> None:
        await peer.backend.posted.wait()
        for number, piece in enumerate(PIECES, 1):
            await peer.send(number, piece)

    backend = Backend([own], kept=kept())
    async with scene(backend) as here:
        calls = here.backend.calls
        talk = await here.talk().run()
        assert talk.said == TEXT
        assert calls[-1] == "conversation"


async def test_account_that_may_not_register_is_refused_before_anything_is_posted() -> None:
    async with scene(Backend(register=401)) as here:
        with pytest.raises(ResponseRefused) as refused:
            await here.talk().run()
        assert refused.value.status == 401
        assert here.backend.calls == ["register-websocket"]


async def test_backend_without_registration_is_just_asked() -> None:
    async with scene(Backend([plays(*ALL)], register=404, kept=kept())) as here:
        assert (await here.talk().run()).said == TEXT
        assert here.backend.calls[:2] == ["register-websocket", "conversation"]


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
    failure = await unreached(Backend(greeting=None), Timeouts(connect=0.1, first_byte=5, idle=5))
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


async def test_first_answer_at_an_address_that_leads_nowhere_is_read_from_the_stored_conversation() -> None:
    async with scene(Backend(wss_url="ws://127.0.0.1:1/", kept=kept()), learnt=False) as here:
        assert (await here.talk().run()).said == TEXT


async def test_first_answer_that_nobody_heard_and_nobody_stored_fails_as_lost() -> None:
    async with scene(Backend(wss_url="ws://127.0.0.1:1/"), learnt=False) as here:
        with pytest.raises(ConnectionLost, match="pieces of the answer were lost"):
            await here.talk().run()
        assert here.backend.calls[-1] == "stop_conversation"


@pytest.mark.parametrize(
    ("timeouts", "expected"),
    [(Timeouts(5, 5, idle=0.1), IdleTimeout), (Timeouts(5, 5, 5, total=0.15), TotalTimeout)],
    ids=["idle", "total"],
)
async def test_silent_socket_runs_into_the_same_limits_as_a_silent_stream(
    timeouts: Timeouts, expected: type[Exception]
) -> None:
    async with scene(Backend([plays(1, 2, 3)]), timeouts) as here:
        with pytest.raises(expected):
            await here.talk().run()
        assert here.backend.calls[-1] == "stop_conversation"


async def test_time_the_reader_takes_is_no_silence() -> None:
    async with scene(Backend([plays(*ALL)]), Timeouts(5, 5, idle=0.1)) as here:
        talk = here.talk()

        async def slowly() -> None:
            if len(talk.pieces) == 1:
                await asyncio.sleep(0.3)

        talk.reads = slowly
        assert (await talk.run()).said == TEXT


async def test_silent_stored_conversation_runs_into_the_limit_too() -> None:
    half = re.sub(b'"finished_successfully", "end_turn": true', b'"in_progress", "end_turn": null', kept())
    async with scene(Backend([plays(1, 2, 3, 5)], kept=half), Timeouts(5, 5, idle=0.2)) as here:
        with pytest.raises(IdleTimeout):
            await here.talk().run()


@pytest.mark.parametrize("state", ["connecting", "silent", "recovering", "late"])
async def test_abort_ends_it_in_every_state(state: str) -> None:
    half = re.sub(b'"finished_successfully", "end_turn": true', b'"in_progress", "end_turn": null', kept())
    scripts = {"silent": [plays(1, 2, 3)], "recovering": [plays(1, 2, 3, 5)]}.get(state, [])
    backend = Backend(scripts, kept=half)
    if state == "connecting":
        backend.greeting = None
    async with scene(backend, learnt=state != "late") as here:
        talk = here.talk()
        task = talk.start()
        await asyncio.sleep(0.2)
        assert not task.done()
        talk.exchange.abort()
        talk.exchange.abort()
        with pytest.raises(Aborted):
            await asyncio.wait_for(task, 1)
        assert ("stop_conversation" in backend.calls) == (state != "connecting")


async def test_cancelled_caller_leaves_nothing_behind_while_it_connects() -> None:
    async with scene(Backend(greeting=None), limits=SHORT_LIVED) as here:
        task = here.talk().start()
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(here.backend.peers[0].gone.wait(), 1)


async def test_closing_the_client_ends_everything_at_once() -> None:
    async with scene(Backend([plays(1, 2, 3)])) as here:
        talk = here.talk()
        task = talk.start()
        await talk.started.wait()
        here.client.close()
        with pytest.raises(Aborted):
            await asyncio.wait_for(task, 1)
        await asyncio.wait_for(here.backend.peers[0].gone.wait(), 1)


async def test_idle_socket_is_closed_and_a_busy_one_is_not() -> None:
    async def slow(peer: Peer) -> None:
        await peer.backend.posted.wait()
        for number, piece in enumerate(PIECES, 1):
            await asyncio.sleep(0.02)
            await peer.send(number, piece)

    async with scene(Backend([slow]), limits=SHORT_LIVED) as here:
        assert (await here.talk().run()).said == TEXT
        assert not here.backend.peers[0].gone.is_set()
        await asyncio.wait_for(here.backend.peers[0].gone.wait(), 1)


async def test_only_so_many_accounts_are_remembered_and_the_oldest_is_forgotten_first() -> None:
    accounts = [Credential(f"fk-{number}") for number in range(10)]
    async with scene(Backend(), limits=SocketLimits(accounts=3), learnt=False) as here:
        sockets = here.client.sockets
        for account in accounts:
            sockets.remember(account, "ws://h/")
        assert [sockets.expects(account) for account in accounts] == [False] * 7 + [True] * 3


async def test_tornado_still_lets_a_socket_be_closed_at_once() -> None:
    """Contract of the private `WebSocketProtocol._abort`, behind `WebSocketClientConnection.protocol`."""
    async with scene(Backend(greeting=None)) as here:
        socket = await WebSocket.connect(here.backend.wss_url, SUBPROTOCOL, None, 5)
        protocol = socket._connection.protocol
        assert protocol is not None
        assert callable(protocol._abort)
        socket.abort()
        socket.abort()
        assert await asyncio.wait_for(socket.read(), 1) is None
        await asyncio.wait_for(here.backend.peers[0].gone.wait(), 1)


async def test_temporary_chat_that_was_over_before_anybody_listened_fails_as_lost() -> None:
    async with scene(Backend(), learnt=False) as here:
        with pytest.raises(ConnectionLost, match="pieces of the answer were lost"):
            await here.talk().run()
        assert here.backend.calls.count("conversation/c1") > 5, "it may have been about to begin"


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.usefixtures("_name_is_local")
async def test_certificate_of_a_socket_is_checked(monkeypatch: pytest.MonkeyPatch, trusted: bool) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_suffix(".key"))
    backend = Backend()
    server = HTTPServer(Application([("/socket", Peer, {"backend": backend})]), ssl_options=context)
    listeners = bind_sockets(0, "127.0.0.1")
    server.add_sockets(listeners)
    address = f"wss://{NAME}:{listeners[0].getsockname()[1]}/socket"
    client = Client("http://127.0.0.1:1")
    try:
        buffer = await client.sockets.open_late(ME, Handover(address, "c1", "r1", "w1"))
        assert buffer.incomplete is not trusted
    finally:
        client.close()
        server.stop()
        await server.close_all_connections()
