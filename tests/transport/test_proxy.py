"""Through proxies of each kind, and what is told of them."""

import socket

import pytest

from tests.transport.keeping_server import keeping_server, server_context
from tests.transport.tunnels import AUTHORIZATION, CREDENTIALS, tunnels
from tests.upstream.rig import NAME, Reader, nothing_left, refusing_address, stream
from transport import Connector, FetchHandle, HandledRequest, Pool, Proxy, ProxyRefused, StreamingClient
from upstream import ConnectFailed, Exchange, HttpClient

pytestmark = pytest.mark.timeout(seconds=60)


async def ask(url: str, proxy: str) -> bytes:
    async with nothing_left():
        client = StreamingClient(force_instance=True, pool=Pool(Connector(proxy=Proxy.parse(proxy))))
        try:
            request = HandledRequest(url, "POST", handle=FetchHandle(), body=b"question")
            return (await client.fetch(request)).body
        finally:
            client.close()


async def test_http_goes_to_the_proxy_with_its_whole_url() -> None:
    async with keeping_server() as proxy:
        url = f"http://{CREDENTIALS}@127.0.0.1:{proxy.port}"
        assert await ask("http://backend.test:8181/a?b", url) == b"ok"
        request = proxy.peers[0].requests[0]
    assert request.startswith(b"POST http://backend.test:8181/a?b HTTP/1.1\r\n")
    assert b"\r\nHost: backend.test:8181\r\n" in request
    assert AUTHORIZATION in request


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
async def test_https_goes_through_a_tunnel_to_the_checked_server(kind: str) -> None:
    tls = server_context() if kind == "https" else None
    proxy_host = NAME if kind == "https" else "127.0.0.1"
    async with (
        keeping_server(tls=server_context()) as server,
        tunnels(server.port, kind, tls) as (proxy, port),
    ):
        url = f"{kind}://{CREDENTIALS}@{proxy_host}:{port}"
        assert await ask(f"https://{NAME}:{server.port}/", url) == b"ok"
        [request] = server.peers[0].requests
        assert b"Proxy-Authorization" not in request
        if kind == "socks5":
            assert proxy.wanted == [(NAME, server.port)]  # it looks the name up itself
        else:
            assert proxy.heads[0].startswith(f"CONNECT {NAME}:{server.port} HTTP/1.1\r\n".encode())
            assert AUTHORIZATION in proxy.heads[0]


async def test_plain_http_goes_through_socks_too() -> None:
    async with keeping_server() as server, tunnels(server.port, "socks5") as (proxy, port):
        assert await ask("http://backend.test/", f"socks5h://{CREDENTIALS}@127.0.0.1:{port}") == b"ok"
        assert proxy.wanted == [("backend.test", 80)]


async def test_socks_proxy_is_reached_at_whichever_of_its_addresses_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with keeping_server() as server, tunnels(server.port, "socks5") as (proxy, port):
        refusing = int(refusing_address().rpartition(":")[2])
        both = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", where)) for where in (refusing, port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        assert await ask("http://backend.test/", f"socks5://{CREDENTIALS}@proxy.test:{port}") == b"ok"
        assert proxy.wanted == [("backend.test", 80)]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"SSH-2.0\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\n\r\nand more",
    ],
)
async def test_proxy_that_does_not_connect_is_an_error(answer: bytes) -> None:
    async with keeping_server() as server, tunnels(server.port) as (proxy, port):
        proxy.answer = answer
        with pytest.raises(ProxyRefused) as caught:
            await ask("https://backend.test/", f"http://{CREDENTIALS}@127.0.0.1:{port}")
    assert "canary" not in str(caught.value)


async def test_wrong_password_at_a_socks_proxy_is_an_error() -> None:
    async with keeping_server() as server, tunnels(server.port, "socks5") as (proxy, port):
        proxy.password = b"another"
        with pytest.raises(ProxyRefused):
            await ask("http://backend.test/", f"socks5://{CREDENTIALS}@127.0.0.1:{port}")


async def test_refusal_of_a_proxy_is_a_failed_connect_that_says_so() -> None:
    exchange = Exchange()
    async with keeping_server() as server, tunnels(server.port) as (proxy, port), nothing_left():
        proxy.answer = b"HTTP/1.1 403 Forbidden\r\n\r\n"
        parsed = Proxy.parse(f"http://{CREDENTIALS}@127.0.0.1:{port}")
        client = HttpClient("https://backend.test", "prefix1234", proxy=parsed)
        with pytest.raises(ConnectFailed, match="the proxy refused with status 403"):
            await stream(client, Reader(), exchange)
        client.close()
    assert not exchange.reached_backend


@pytest.mark.parametrize(
    "url",
    ["canary:3128", "ftp://canary", "http://", "http://canary:x", "http://canary/path", "http://[canary"],
)
def test_unusable_address_of_a_proxy_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        Proxy.parse(url)
    assert "canary" not in str(caught.value)


def test_password_is_not_shown() -> None:
    proxy = Proxy.parse(f"socks5://{CREDENTIALS}@proxy")
    assert (proxy.port, proxy.password) == (1080, "canary@pass")
    assert "canary" not in repr(proxy)
