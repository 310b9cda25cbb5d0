"""Addresses on the web: fetched within limits, and never a way into the network that the service is in."""

import asyncio
import logging
import socket
import ssl
import threading
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from media.addresses import IPAddress
from media.errors import FetchFailed, TooBig, Unusable, UrlRefused, WrongType
from media.fetch import MAX_FETCHES, MAX_REDIRECTS, Fetcher
from runtime import ByteBudget, NoRoom
from runtime.held_bytes import SMALL
from tests.eventually import eventually
from tests.media.pictures import png
from tests.plenty import held
from tests.scripted_server import (
    Connection,
    ScriptedServer,
    Verb,
    chunk,
    flood,
    last_chunk,
    rst,
    send,
    stall,
    status,
    trickle,
)
from tests.transport.tunnels import CREDENTIALS, tunnels
from transport import Proxy

PNG = png()
LIMIT = 100_000
HERE = ip_address("127.0.0.1")


def answer(body: bytes = PNG, code: int = 200, **headers: str) -> list[Verb]:
    """A whole answer with its length."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [status(code, {"Content-Length": str(len(body)), **named}), send(body)]


def redirect(location: str, code: int = 302) -> list[Verb]:
    return answer(b"elsewhere", code, Location=location)


def only_here(address: IPAddress) -> bool:
    """What the tests let in: the very address of their own server, and no other loopback one."""
    return address == HERE


def fetcher_for(server: ScriptedServer, *, total_seconds: float = 10) -> Fetcher:
    """A fetcher that may talk to `server`."""
    ports = frozenset({server.port})
    return Fetcher(max_bytes=LIMIT, total_seconds=total_seconds, is_allowed=only_here, ports=ports)


async def all_gone(server: ScriptedServer) -> bool:
    """Whether all connections are closed soon; if the time was over early there may have been none."""
    return all([await connection.gone_within(5) for connection in server.connections])


async def test_picture_is_taken_whatever_the_header_says() -> None:
    async with ScriptedServer(answer(Content_Type="text/html")) as server:
        assert await fetcher_for(server).fetch(server.url + "/a.jpg", held()) == PNG


@pytest.mark.parametrize("body", [b"%PDF-1.7\n", b"a,b\n"], ids=["PDF", "text"])
async def test_pdf_and_text_are_taken(body: bytes) -> None:
    async with ScriptedServer(answer(body)) as server:
        assert await fetcher_for(server).fetch(server.url, held()) == body


@pytest.mark.parametrize(
    "body",
    [b"<!doctype html><p>", b"<svg onload=x>", b"\x7fELF\0", b"PK\x03\x04\0", b"", b"\x1f\x8b\x08\0\0"],
)
async def test_other_types_are_refused_whatever_the_header_says(body: bytes) -> None:
    async with ScriptedServer(answer(body, Content_Type="image/png")) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(WrongType):
            await fetcher.fetch(server.url + "/a.png", held())


async def test_body_in_chunks_and_body_that_ends_by_closing_are_read() -> None:
    chunked = [status(200, {"Transfer-Encoding": "chunked"}), chunk(PNG[:9]), chunk(PNG[9:]), last_chunk()]
    closing = [status(200), send(PNG)]
    async with ScriptedServer(chunked, closing) as server:
        fetcher = fetcher_for(server)
        for _ in range(2):
            assert await fetcher.fetch(server.url, held()) == PNG


async def test_early_hints_are_passed_over() -> None:
    hints = send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    async with ScriptedServer([hints, *answer()]) as server:
        assert await fetcher_for(server).fetch(server.url, held()) == PNG


async def test_request_tells_nothing_of_the_user_and_asks_for_no_compression() -> None:
    async with ScriptedServer(answer()) as server:
        await fetcher_for(server).fetch(server.url + "/p?q=1#fragment", held())
        request = server.connections[0].request
        assert request is not None
        assert (request.method, request.path) == ("GET", "/p?q=1")
        assert set(request.headers) == {"host", "connection", "user-agent", "accept", "accept-encoding"}
        assert request.headers["accept-encoding"] == "identity"
        assert request.headers["user-agent"] == "pandora-to-v1"


async def test_compression_bomb_is_not_unpacked() -> None:
    bomb = b"\x1f\x8b\x08\0\0\0\0\0" + bytes(100)
    async with ScriptedServer(answer(bomb, Content_Encoding="gzip")) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(WrongType, match="gzip"):
            await fetcher.fetch(server.url, held())


async def test_path_in_chinese_and_with_spaces_is_sent_encoded_and_escapes_are_left() -> None:
    async with ScriptedServer(answer()) as server:
        await fetcher_for(server).fetch(server.url + "/图 1.png?a=%2F&b=图", held())
        request = server.connections[0].request
        assert request is not None
        assert request.path == "/%E5%9B%BE%201.png?a=%2F&b=%E5%9B%BE"


SPELLINGS = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "localhost",
    "LOCALHOST",
    "0.0.0.0",
    "0",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "%31%32%37.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "100.100.100.200",
    "10.1.2.3",
    "192.168.1.1",
    "172.16.0.1",
    "224.0.0.1",
]


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_an_inner_address_is_connected_to(host: str) -> None:
    async with ScriptedServer(answer()) as server:
        fetcher = Fetcher(max_bytes=LIMIT, ports=frozenset({server.port}))
        with pytest.raises(UrlRefused):
            await fetcher.fetch(f"http://{host}:{server.port}/", held())
        assert server.connections == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://example.org:33333/", "http://user:pw@example.org/"]
)
async def test_refusal_of_an_address_tells_what_to_send_instead(url: str) -> None:
    with pytest.raises(UrlRefused, match=r"; send the content itself as a data: URL\.$"):
        await Fetcher(max_bytes=LIMIT).fetch(url, held())


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.2", "0x7f000002", "[::1]", "[::ffff:7f00:1]", "169.254.169.254"])
async def test_redirect_to_an_inner_address_is_refused(code: int, host: str) -> None:
    async def redirect_inwards(connection: Connection) -> None:
        for verb in redirect(f"http://{host}:{server.port}/secret", code):
            await verb(connection)

    async with ScriptedServer([redirect_inwards]) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(UrlRefused):
            await fetcher.fetch(server.url, held())
        assert len(server.connections) == 1


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1:70/",
        "//user:pw@127.0.0.1/",
        "http://127.0.0.1:22/",
        "http://[::1/",
        "http://127.0.0.1:0/",
        "javascript:alert(1)",
    ],
)
async def test_redirect_to_something_that_is_not_fetched_is_refused(location: str) -> None:
    async with ScriptedServer(redirect(location)) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(UrlRefused):
            await fetcher.fetch(server.url, held())
        assert len(server.connections) == 1


async def test_few_redirects_are_followed_relative_ones_too() -> None:
    async def redirect_to_the_same_host(connection: Connection) -> None:
        for verb in redirect(f"//127.0.0.1:{server.port}/fourth", 301):
            await verb(connection)

    hops: list[list[Verb]] = [
        redirect("/second"),
        redirect("third?x=1", 307),
        [redirect_to_the_same_host],
        answer(),
    ]
    async with ScriptedServer(*hops) as server:
        assert await fetcher_for(server).fetch(server.url + "/first", held()) == PNG
        paths = [connection.request.path for connection in server.connections if connection.request]
        assert paths == ["/first", "/second", "/third?x=1", "/fourth"]


async def test_redirects_without_end_are_given_up() -> None:
    async with ScriptedServer(redirect("/again")) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(FetchFailed, match="too often"):
            await fetcher.fetch(server.url, held())
        assert len(server.connections) == MAX_REDIRECTS + 1


def resolving_to(*answers: list[str]) -> tuple[Any, list[str]]:
    """A stand-in for the system's resolver, and the names it was asked for; the last answer stays."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any) -> list[Any]:
        addresses = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo, asked


async def test_name_with_one_inner_address_among_its_addresses_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    getaddrinfo, _ = resolving_to(["127.0.0.1", "127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with ScriptedServer(answer()) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(UrlRefused):
            await fetcher.fetch(f"http://mixed.test:{server.port}/", held())
        assert server.connections == []


async def test_name_that_changes_its_address_cannot_slip_between_check_and_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    getaddrinfo, asked = resolving_to(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with ScriptedServer(redirect("/next")) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(UrlRefused):
            await fetcher.fetch(f"http://rebinding.test:{server.port}/", held())
        assert asked == ["rebinding.test"] * 2  # once for each hop, and that answer is the one used
        assert len(server.connections) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/a.png",
        "//example.com/a.png",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://:@example.com/",
        "http://example.com:22/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://exa mple.com/",
        "http://exam\\ple.com/",
        "http://[::1/",
        "http://[fe80::1%25lo]/",
        "http://" + "a" * 70 + ".com/",
        "http://example.com/\ud800",
        "http://example.com/" + "a" * 5000,
    ],
)
async def test_url_that_is_no_plain_web_address_is_refused(url: str) -> None:
    fetcher = Fetcher(max_bytes=LIMIT)
    with pytest.raises(UrlRefused):
        await fetcher.fetch(url, held())


async def test_declared_length_above_the_limit_is_refused_before_the_body() -> None:
    script = [status(200, {"Content-Length": str(LIMIT + 1)}), stall()]
    async with ScriptedServer(script) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(TooBig, match=str(LIMIT)):
            await fetcher.fetch(server.url, held())
        assert await server.connections[0].gone_within(5)


@pytest.mark.parametrize("chunked", [True, False])
async def test_endless_body_is_cut_at_the_limit(chunked: bool) -> None:
    piece = bytes(4096)
    if chunked:
        script = [status(200, {"Transfer-Encoding": "chunked"}), flood(b"1000\r\n" + piece + b"\r\n")]
    else:
        script = [status(200), flood(piece)]
    async with ScriptedServer(script) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(TooBig):
            await fetcher.fetch(server.url, held())
        assert await server.connections[0].gone_within(5)


async def test_body_of_exactly_the_limit_is_taken() -> None:
    async with ScriptedServer(answer(b"a" * LIMIT)) as server:
        assert len(await fetcher_for(server).fetch(server.url, held())) == LIMIT


async def test_slow_drip_ends_with_the_total_time() -> None:
    script = [status(200, {"Content-Length": "1000"}), trickle(PNG * 20, pause=0.02)]
    async with ScriptedServer(script) as server:
        fetcher = fetcher_for(server, total_seconds=0.2)
        with pytest.raises(FetchFailed, match="in time"):
            await fetcher.fetch(server.url, held())
        assert await all_gone(server)


async def test_silent_server_ends_with_the_total_time_and_the_connection_is_closed() -> None:
    async with ScriptedServer([stall()]) as server:
        fetcher = fetcher_for(server, total_seconds=0.1)
        with pytest.raises(FetchFailed, match="in time"):
            await fetcher.fetch(server.url, held())
        assert await all_gone(server)


async def test_total_time_covers_all_redirects_together() -> None:
    async def slowly(_: object) -> None:
        await asyncio.sleep(0.1)

    script = [slowly, *redirect("/again")]
    async with ScriptedServer(script) as server:
        fetcher = fetcher_for(server, total_seconds=0.25)
        with pytest.raises(FetchFailed, match="in time"):
            await fetcher.fetch(server.url, held())
        assert len(server.connections) <= 3


async def test_cancelled_fetch_stops_at_the_next_bytes() -> None:
    script = [status(200, {"Transfer-Encoding": "chunked"}), trickle(b"1\r\na\r\n" * 500, size=6, pause=0.01)]
    async with ScriptedServer(script) as server:
        fetcher = fetcher_for(server, total_seconds=60)
        fetch = asyncio.ensure_future(fetcher.fetch(server.url, held()))
        connection = await server.connected()
        fetch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetch
        assert await connection.gone_within(5)


@pytest.mark.parametrize("code", [201, 204, 304, 400, 401, 404, 500, 503])
async def test_answer_that_is_not_the_thing_itself_is_a_failure_with_its_status(code: int) -> None:
    script = [*answer(b"" if code in (204, 304) else b"<html>", code), stall()]
    async with ScriptedServer(script) as server:
        fetcher = fetcher_for(server)
        with pytest.raises(FetchFailed, match=str(code)):
            await fetcher.fetch(server.url, held())
        assert await server.connections[0].gone_within(5)


@pytest.mark.parametrize(
    "script",
    [
        [],
        [send(b"garbage\r\n\r\n")],
        [status(200, {"Content-Length": "1000"}), send(PNG)],
        [status(200, {"Content-Length": "x"}), send(PNG)],
        [status(200, {"X-Big": "x" * 20_000}), send(PNG)],
        [status(302)],
    ],
    ids=["no answer", "no HTTP", "cut", "odd length", "huge head", "redirect to nowhere"],
)
async def test_broken_answer_is_a_failure(script: list[Verb]) -> None:
    async with ScriptedServer(script) as server:
        fetcher = fetcher_for(server)
        with pytest.raises((FetchFailed, TooBig)):
            await fetcher.fetch(server.url, held())


async def test_connection_that_is_reset_in_mid_body_fails_in_time() -> None:
    script = [status(200, {"Content-Length": "1000"}), send(PNG), rst()]
    async with ScriptedServer(script) as server:
        fetcher = fetcher_for(server, total_seconds=0.3)
        with pytest.raises(FetchFailed):
            await fetcher.fetch(server.url, held())


async def test_refused_connection_and_unknown_name_are_failures() -> None:
    async with ScriptedServer() as server:
        pass
    fetcher = fetcher_for(server)
    with pytest.raises(FetchFailed):
        await fetcher.fetch(server.url, held())
    with pytest.raises(FetchFailed):
        await fetcher.fetch(f"http://name.invalid:{server.port}/", held())


async def test_certificate_that_nobody_signed_is_not_accepted() -> None:
    requests = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + PNG)
        writer.close()

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(Path(__file__).with_name("self_signed.pem"))
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    fetcher = Fetcher(max_bytes=LIMIT, is_allowed=only_here, ports=frozenset({port}))
    async with server:
        with pytest.raises(FetchFailed):
            await fetcher.fetch(f"https://127.0.0.1:{port}/", held())
    assert requests == []


async def test_no_error_and_no_log_line_holds_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scripts = [answer(code=404), answer(b"\0"), [status(200, {"Content-Length": "999999"})], [rst()]]
    scripts.append(redirect("http://10.0.0.1/canary"))
    async with ScriptedServer(*scripts) as server:
        fetcher = fetcher_for(server, total_seconds=0.3)
        for _ in scripts:
            with pytest.raises(Unusable) as failure:
                await fetcher.fetch(server.url + "/canary?sig=canary", held())
            assert "canary" not in str(failure.value)
    assert "canary" not in caplog.text


async def test_names_that_take_long_to_resolve_keep_nobody_else_from_resolving(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, answered = socket.getaddrinfo, threading.Event()

    def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        if host.endswith(".slow.test"):
            answered.wait(20)
            raise socket.gaierror("no such name")
        return list(real(host, *args, **kwargs))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    fetcher = Fetcher(max_bytes=1000)
    fetches = [
        asyncio.ensure_future(fetcher.fetch(f"http://{number}.slow.test/", held()))
        for number in range(MAX_FETCHES)
    ]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        assert await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    answered.set()
    results = await asyncio.gather(*fetches, return_exceptions=True)
    assert {type(result) for result in results} == {FetchFailed}


async def test_bytes_are_held_as_they_come_and_wait_for_room() -> None:
    body = PNG + bytes(3 * SMALL)
    room = ByteBudget(2 * SMALL, largest=10 * SMALL)
    other, kept = room.hold(), room.hold()
    assert other.grow_to(1) is None
    async with ScriptedServer(answer(body)) as server:
        fetcher = Fetcher(max_bytes=10 * SMALL, is_allowed=only_here, ports=frozenset({server.port}))
        fetching = asyncio.ensure_future(fetcher.fetch(server.url, kept))
        await eventually(lambda: kept.waits)
        assert 0 < kept.size <= 2 * SMALL
        other.release()
        assert await fetching == body
    assert kept.size == room.used == len(body)


async def test_fetch_for_which_there_is_no_room_in_time_says_so_and_ends() -> None:
    room = ByteBudget(100)
    other, kept = room.hold(), room.hold()
    assert other.grow_to(1) is None
    async with ScriptedServer([status(200), flood(bytes(1000))]) as server:
        with pytest.raises(NoRoom):
            await fetcher_for(server, total_seconds=3).fetch(server.url, kept)
        kept.release()
        assert await server.connections[0].gone_within(5)
    assert room.used == 1


async def test_fetch_whose_wait_for_room_is_over_ends_at_once() -> None:
    room = ByteBudget(100, patience=0.05)
    other, kept = room.hold(), room.hold()
    assert other.grow_to(1) is None
    async with ScriptedServer([status(200), flood(bytes(1000))]) as server:
        with pytest.raises(NoRoom):
            await fetcher_for(server).fetch(server.url, kept)
        assert await server.connections[0].gone_within(5)


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_proxy_is_told_the_address_that_was_checked_and_not_the_name(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *args: real("127.0.0.1", *args))
    async with ScriptedServer(answer()) as server, tunnels(server.port, kind) as (proxy, port):
        fetcher = Fetcher(
            max_bytes=LIMIT,
            is_allowed=only_here,
            ports=frozenset({server.port}),
            proxy=Proxy.parse(f"{kind}://{CREDENTIALS}@127.0.0.1:{port}"),
        )
        assert await fetcher.fetch(f"http://pictures.test:{server.port}/a.png", held()) == PNG
        request = server.connections[0].request
    assert request is not None
    assert request.headers["host"] == f"pictures.test:{server.port}"
    asked_for = [f"{host}:{port}".encode() for host, port in proxy.wanted]
    asked_for += [head.split()[1] for head in proxy.heads]
    assert asked_for == [f"127.0.0.1:{server.port}".encode()]


async def test_proxy_is_not_asked_for_an_address_of_our_own_network() -> None:
    async with ScriptedServer(answer()) as server, tunnels(server.port) as (proxy, port):
        fetcher = Fetcher(
            max_bytes=LIMIT,
            ports=frozenset({server.port}),
            proxy=Proxy.parse(f"http://127.0.0.1:{port}"),
        )
        with pytest.raises(UrlRefused):
            await fetcher.fetch(server.url, held())
        assert proxy.writers == []
