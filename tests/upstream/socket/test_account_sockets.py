"""All accounts with sockets: which are known, what they register, how they are remembered."""

import asyncio
import ssl

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from accounts import Credential
from tests.upstream.rig import CERTIFICATE, ME, NAME, Client
from tests.upstream.socket.scripted import ALL, TEXT, Backend, Peer, kept, plays, scene
from translate.backend import Handover
from upstream import (
    Aborted,
    ConnectFailed,
    ResponseRefused,
)
from upstream.socket import SocketLimits

pytestmark = pytest.mark.timeout(seconds=60)


async def test_account_that_may_not_register_is_refused_before_anything_is_posted() -> None:
    async with scene(Backend(register=401)) as here:
        with pytest.raises(ResponseRefused) as refused:
            await here.talk().run()
        assert refused.value.status == 401
        assert here.backend.calls == ["register-websocket"]


async def test_registration_without_an_address_costs_nothing() -> None:
    backend = Backend()
    async with scene(backend) as here:
        backend.wss_url = ""
        with pytest.raises(ConnectFailed, match="address"):
            await here.talk().run()
        assert backend.calls == ["register-websocket"]


async def test_backend_without_registration_is_just_asked() -> None:
    async with scene(Backend([plays(*ALL)], register=404, kept=kept())) as here:
        assert (await here.talk().run()).said == TEXT
        assert here.backend.calls[:2] == ["register-websocket", "conversation"]


async def test_only_so_many_accounts_are_remembered_and_the_oldest_is_forgotten_first() -> None:
    accounts = [Credential(f"fk-{number}") for number in range(10)]
    async with scene(Backend(), limits=SocketLimits(accounts=3), learnt=False) as here:
        sockets = here.client.sockets
        for account in accounts:
            sockets.remember(account)
        assert [sockets.expects(account) for account in accounts] == [False] * 7 + [True] * 3


async def test_account_that_answers_with_an_event_stream_meanwhile_needs_no_socket() -> None:
    async with scene(Backend(), learnt=False) as here:
        sockets = here.client.sockets
        sockets.remember(ME)
        opening = sockets.open(ME)
        sockets.forget(ME)
        assert await opening is None


async def test_closing_the_client_ends_everything_at_once() -> None:
    async with scene(Backend([plays(1, 2, 3)])) as here:
        talk = here.talk()
        task = talk.start()
        await talk.started.wait()
        here.client.close()
        with pytest.raises(Aborted):
            await asyncio.wait_for(task, 20)
        await asyncio.wait_for(here.backend.peers[0].gone.wait(), 20)


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.usefixtures("name_is_local")
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
