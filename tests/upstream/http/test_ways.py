"""Each account through its own proxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from accounts import Credential
from simulator import Knobs, Simulator
from tests.eventually import eventually, go_on
from tests.plenty import held
from tests.simulator.client import payload
from tests.transport.keeping_server import keeping_server, server_context
from tests.transport.tunnels import CREDENTIALS, Tunnels, tunnels
from tests.upstream.rig import CERTIFICATE, NAME, PATIENT, PREFIX, Reader, nothing_left, refusing_address
from tests.upstream.socket.rig import QUICK
from translate.backend import PostedConversation
from transport import Proxy
from upstream import AccountSockets, ConnectFailed, ConversationClient, Exchange, HttpClient
from upstream.elsewhere import UserSockets
from upstream.files import BackendFiles
from upstream.http.ways import MOST_WAYS

pytestmark = pytest.mark.timeout(seconds=60)

MODELS = "/backend-api/models"
ONLY_THROUGH_A_PROXY = "http://backend.invalid"


@dataclass
class Away:
    """A simulated backend that only a proxy finds, and an account that has one."""

    simulator: Simulator
    client: HttpClient
    credential: Credential
    proxy: Tunnels

    @property
    def asked_for(self) -> list[str]:
        return [f"{one.method} {one.path.partition('?')[0]}" for one in self.simulator.state.requests]


@asynccontextmanager
async def away(**knobs: object) -> AsyncIterator[Away]:
    async with nothing_left(), AsyncExitStack() as stack:
        simulator = Simulator(PREFIX, Knobs().set(knobs))
        await simulator.start()
        stack.push_async_callback(simulator.stop)
        proxy, port = await stack.enter_async_context(tunnels(simulator.port, "socks5"))
        client = HttpClient(ONLY_THROUGH_A_PROXY, PREFIX, PATIENT)
        stack.callback(client.close)
        credential = Credential("fk-away", proxy=f"socks5://{CREDENTIALS}@127.0.0.1:{port}")
        yield Away(simulator, client, credential, proxy)


@pytest.mark.usefixtures("name_is_local")
@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_two_accounts_of_one_server_meet_at_no_proxy_and_on_no_connection(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with (
        nothing_left(),
        keeping_server(tls=server_context()) as server,
        tunnels(server.port, kind) as (first_proxy, first_port),
        tunnels(server.port, kind) as (second_proxy, second_port),
    ):
        client = HttpClient(f"https://{NAME}:{server.port}", PREFIX, PATIENT)
        first, second = (
            Credential(f"fk-{port}", proxy=f"{kind}://{CREDENTIALS}@127.0.0.1:{port}")
            for port in (first_port, second_port)
        )
        direct = Credential("fk-direct")
        for credential in (first, second, direct, second, first, direct):
            assert (await client.call("GET", MODELS, credential)).status == 200
            await go_on(0.15)  # so that the connection has settled, and would serve the next one
        keys = [
            {line for request in peer.requests for line in request.split(b"\r\n") if b"Bearer" in line}
            for peer in server.peers
        ]
        assert len(first_proxy.writers) == len(second_proxy.writers) == 2  # both ends of one connection
        assert keys == [{f"Authorization: Bearer {one.secret}".encode()} for one in (first, second, direct)]
        assert server.requests == [2, 2, 2]
        client.close()


async def test_dead_proxy_of_one_account_fails_that_account_alone() -> None:
    dead = Credential("fk-dead-way", proxy=refusing_address())
    async with nothing_left(), keeping_server() as server:
        client = HttpClient(server.url.rstrip("/"), PREFIX, PATIENT)
        exchange = Exchange()
        with pytest.raises(ConnectFailed) as failed:
            await client.stream(MODELS, dead, b"{}", Reader(), exchange.begin())
        assert not exchange.reached_backend
        assert dead.proxy.rpartition(":")[2] not in str(failed.value)
        assert (await client.call("GET", MODELS, Credential("fk-alive"))).status == 200
        client.close()
    assert server.requests == [1]


async def test_proxy_of_an_account_comes_before_that_of_all() -> None:
    async with nothing_left(), keeping_server() as own, keeping_server() as of_all:
        client = HttpClient("http://backend.test", PREFIX, PATIENT, proxy=Proxy.parse(of_all.url))
        await client.call("GET", MODELS, Credential("fk-a", proxy=own.url))
        await client.send("GET", MODELS, Credential("fk-b"), limit=10, seconds=5)
        client.close()
    assert b"fk-a" in own.peers[0].requests[0]
    assert b"fk-b" in of_all.peers[0].requests[0]
    assert own.requests == of_all.requests == [1]


async def test_connection_that_is_opened_early_is_for_those_without_a_proxy() -> None:
    async with nothing_left(), keeping_server() as server, keeping_server() as proxy:
        client = HttpClient(server.url.rstrip("/"), PREFIX, PATIENT)
        client.warm()
        await eventually(lambda: len(server.peers) == 1)
        await client.call("GET", MODELS, Credential("fk-a", proxy=proxy.url))
        await client.call("GET", MODELS, Credential("fk-b"))
        assert (server.requests, proxy.requests) == ([1], [1])
        client.close()


async def test_no_connection_is_opened_early_where_accounts_have_proxies_of_their_own() -> None:
    async with nothing_left(), keeping_server() as server, keeping_server() as proxy:
        client = HttpClient(server.url.rstrip("/"), PREFIX, PATIENT)
        own = Credential("fk-a", proxy=proxy.url)
        await client.stream(MODELS, own, b"{}", Reader(), Exchange().begin())
        client.warm()
        await client.call("GET", MODELS, own)
        assert (server.peers, sum(proxy.requests)) == ([], 2)
        client.close()


@pytest.mark.parametrize("proxy", ["canary:3128", "ftp://canary", "http://canary/path"])
async def test_unusable_address_of_a_proxy_is_an_error_that_does_not_show_it(proxy: str) -> None:
    async with nothing_left(), keeping_server() as server:
        client = HttpClient(server.url.rstrip("/"), PREFIX, PATIENT)
        credential = Credential("fk-a", proxy=proxy)
        with pytest.raises(ValueError, match="proxy") as call:
            await client.call("GET", MODELS, credential)
        with pytest.raises(ValueError, match="proxy") as stream:
            await client.stream(MODELS, credential, b"{}", Reader(), Exchange().begin())
        client.close()
        assert server.peers == []
    assert "canary" not in f"{call.value}{stream.value}"


async def test_connections_of_the_proxy_that_was_used_longest_ago_are_not_kept_for_ever() -> None:
    async with nothing_left(), keeping_server() as proxy:
        client = HttpClient("http://backend.test", PREFIX, PATIENT)
        for number in range(MOST_WAYS + 1):
            mine = Credential("fk-a", proxy=f"http://user{number}@127.0.0.1:{proxy.port}")
            await client.call("GET", MODELS, mine)
        await asyncio.wait_for(proxy.peers[0].closed.wait(), 3)
        assert not any(peer.closed.is_set() for peer in proxy.peers[1:])
        client.close()


async def test_uploads_and_downloads_go_through_the_proxy_of_the_account() -> None:
    async with away(age="2026", estuary="own") as here:
        files = BackendFiles(here.client, max_bytes=1000)
        file = await files.upload(here.credential, b"tea", "tea.txt", "text/plain")
        address = await files.download_url(here.credential, file.file_id)
        got = await files.fetch(address, held(), here.credential)
        assert got.data == b"tea"
        assert any(line.startswith("PUT ") for line in here.asked_for)
        [stored] = here.simulator.state.files
        assert not stored.authorization_on_put
        assert len(here.proxy.wanted) == len(here.proxy.writers) // 2
        assert {host for host, _ in here.proxy.wanted} == {"backend.invalid"}


async def test_websocket_of_an_account_goes_through_its_proxy() -> None:
    async with away(transport="ws", cap=0) as here:
        conversations = ConversationClient(here.client, AccountSockets(here.client, QUICK))
        body = payload("say exactly: ready")
        posted = PostedConversation(lambda _: dict(body), body["parent_message_id"])
        for _ in range(2):  # once before the socket is known, once on it
            reader = Reader()
            await conversations.converse(here.credential, posted, reader, Exchange())
            assert b"[DONE]" in reader.content
        assert here.simulator.state.sockets_opened == 1
        conversations.close()


async def test_socket_of_a_user_goes_through_the_proxy_of_the_account() -> None:
    async with away(age="2026") as here:
        sockets = UserSockets(here.client)
        subscription = sockets.subscribe(here.credential, "conversations", lambda: None)
        await eventually(lambda: any(line.endswith("/celsius/ws/user") for line in here.asked_for))
        await eventually(lambda: len(here.proxy.wanted) == 2)  # the question for its address, and itself
        sockets.release(here.credential, subscription)
        sockets.close()
