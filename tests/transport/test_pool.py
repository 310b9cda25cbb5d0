"""Connections that are kept, or opened before they are needed, and when they are not used."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tornado.simple_httpclient import HTTPStreamClosedError

from tests.eventually import eventually, go_on
from tests.scripted_server import EVENT_STREAM, ScriptedServer, chunk, last_chunk, status
from tests.transport.keeping_server import OK, KeepingServer, Peer, keeping_server, server_context
from tests.upstream.rig import NAME, nothing_left, refusing_address
from transport import Connector, FetchHandle, HandledRequest, KeepRules, Origin, Pool, StreamingClient

pytestmark = pytest.mark.timeout(seconds=60)

AT_ONCE = KeepRules(settling=0.0)
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def client(rules: KeepRules = AT_ONCE, **kwargs: int) -> AsyncIterator[StreamingClient]:
    async with nothing_left():
        made = StreamingClient(force_instance=True, pool=Pool(Connector(), rules), **kwargs)
        yield made
        made.close()


async def ask(client: StreamingClient, url: str, method: str = "POST", *, reuse: bool = True) -> bytes:
    body = b"question" if method == "POST" else None
    request = HandledRequest(url, method, handle=FetchHandle(), reuse=reuse, body=body)
    return (await client.fetch(request)).body


def origin(server: KeepingServer) -> Origin:
    return Origin(False, "127.0.0.1", server.port)


async def test_one_connection_serves_one_request_after_the_other() -> None:
    async with keeping_server() as server, client() as http:
        for _ in range(3):
            assert await ask(http, server.url) == b"ok"
        assert server.requests == [3]


async def test_requests_side_by_side_have_connections_of_their_own() -> None:
    async with keeping_server() as server, client() as http:
        await asyncio.gather(*(ask(http, server.url) for _ in range(3)))
        assert server.requests == [1, 1, 1]


async def test_connection_that_the_server_ends_is_not_used_again() -> None:
    async with keeping_server(lambda _: LAST) as server, client() as http:
        await ask(http, server.url)
        await ask(http, server.url)
        assert server.requests == [1, 1]


async def test_request_without_reuse_leaves_no_connection_behind_and_takes_none() -> None:
    async with keeping_server() as server, client() as http:
        await ask(http, server.url)
        await ask(http, server.url, reuse=False)
        assert server.requests == [1, 1]
        assert b"\r\nConnection: close\r\n" in server.peers[1].requests[0]
        assert await asyncio.wait_for(server.peers[1].closed.wait(), 20)


async def test_connection_with_something_behind_the_answer_is_not_used_again() -> None:
    async with keeping_server(lambda _: OK + b"HTTP/1.1 200 OK\r\n") as server, client() as http:
        await ask(http, server.url)
        await ask(http, server.url)
        assert server.requests == [1, 1]


async def test_connection_that_was_closed_meanwhile_is_not_used_and_does_not_stay() -> None:
    async with keeping_server() as server, client() as http:
        await ask(http, server.url)
        server.peers[0].writer.close()
        await eventually(server.peers[0].closed.is_set)
        await ask(http, server.url)
        assert server.requests == [1, 1]


async def test_fresh_answer_rests_before_its_connection_is_used() -> None:
    async with keeping_server() as server, client(KeepRules(settling=3)) as http:
        await ask(http, server.url)
        await ask(http, server.url)
        assert server.requests == [1, 1]
        await asyncio.sleep(3.1)
        await ask(http, server.url)
        assert sorted(server.requests) == [1, 2]


async def test_server_that_closes_without_saying_so_loses_no_message() -> None:
    script = [status(200, EVENT_STREAM), chunk(b"ok"), last_chunk()]
    async with ScriptedServer(script) as server, client(KeepRules()) as http:
        for _ in range(5):
            assert await ask(http, server.url) == b"ok"
        assert len(server.connections) == 5


@pytest.mark.parametrize(
    ("announced", "rules", "kept"),
    [
        ("", KeepRules(settling=0, unannounced=0.1), False),
        ("Keep-Alive: timeout=60, max=5\r\n", KeepRules(settling=0, unannounced=0.1), True),
        ("Keep-Alive: timeout=1\r\n", KeepRules(settling=0), False),
        ("Keep-Alive: max=5\r\n", KeepRules(settling=0), True),
        ("Keep-Alive: timeout=60\r\n", KeepRules(settling=0, longest=0.1), False),
    ],
)
async def test_idle_connection_is_kept_as_long_as_it_is_surely_alive(
    announced: str, rules: KeepRules, kept: bool
) -> None:
    answer = OK.replace(b"Content", announced.encode() + b"Content")
    async with keeping_server(lambda _: answer) as server, client(rules) as http:
        await ask(http, server.url)
        if kept:
            await go_on(0.3)
            assert not server.peers[0].closed.is_set()
        else:
            await eventually(server.peers[0].closed.is_set)
        await ask(http, server.url)
        assert server.requests == ([2] if kept else [1, 1])


async def test_only_so_many_idle_connections_are_kept() -> None:
    async with keeping_server() as server, client(KeepRules(settling=0, connections=2)) as http:
        await asyncio.gather(*(ask(http, server.url) for _ in range(4)))
        await eventually(lambda: sum(peer.closed.is_set() for peer in server.peers) == 2)


def close_on_second(peer: Peer) -> bytes | None:
    """Whoever asks a second time on the first connection gets no answer."""
    return None if len(peer.requests) == 2 else OK


async def test_post_on_a_kept_connection_is_never_sent_twice() -> None:
    async with keeping_server(close_on_second) as server, client() as http:
        await ask(http, server.url)
        with pytest.raises(HTTPStreamClosedError):
            await ask(http, server.url)
        assert server.requests == [2]


async def test_get_that_meets_the_end_of_a_kept_connection_is_asked_again() -> None:
    async with keeping_server(close_on_second) as server, client() as http:
        await ask(http, server.url)
        assert await ask(http, server.url, "GET") == b"ok"
        assert server.requests == [2, 1]


async def test_get_that_meets_the_end_of_a_warm_connection_is_asked_again() -> None:
    async with keeping_server() as server, client() as http:
        server.answer = lambda peer: None if peer is server.peers[0] else OK
        http.pool.warm(origin(server))
        await eventually(lambda: len(server.peers) == 1)
        await asyncio.sleep(0.05)
        assert await ask(http, server.url, "GET") == b"ok"
        assert server.requests == [1, 1]


async def test_get_on_a_new_connection_is_not_asked_again() -> None:
    async with keeping_server(lambda _: None) as server, client() as http:
        with pytest.raises(HTTPStreamClosedError):
            await ask(http, server.url, "GET")
        assert server.requests == [1]


async def test_get_that_was_half_answered_is_not_asked_again() -> None:
    half = b"HTTP/1.1 200 OK\r\nConte"

    def answer(peer: Peer) -> bytes | None:
        if len(peer.requests) == 1:
            return OK
        peer.writer.write(half)
        return None

    async with keeping_server(answer) as server, client() as http:
        await ask(http, server.url)
        with pytest.raises(HTTPStreamClosedError):
            await ask(http, server.url, "GET")
        assert server.requests == [2]


async def test_warm_connection_is_there_before_the_request() -> None:
    async with keeping_server() as server, client() as http:
        http.pool.warm(origin(server))
        await eventually(lambda: len(server.peers) == 1)
        await ask(http, server.url)
        assert server.requests == [1]


async def test_request_waits_for_the_connection_that_is_being_opened_for_it() -> None:
    async with keeping_server() as server, client() as http:
        http.pool.warm(origin(server))
        await ask(http, server.url)
        assert server.requests == [1]


async def test_each_expected_request_has_a_connection_and_kept_ones_count() -> None:
    async with keeping_server() as server, client() as http:
        await ask(http, server.url)
        for _ in range(3):
            http.pool.warm(origin(server))
        await eventually(lambda: len(server.peers) == 3)
        await asyncio.gather(*(ask(http, server.url) for _ in range(3)))
        assert sorted(server.requests) == [1, 1, 2]


async def test_warm_connection_that_nobody_needs_is_closed_after_a_while() -> None:
    async with keeping_server() as server, client(KeepRules(unannounced=0.1)) as http:
        http.pool.warm(origin(server))
        await eventually(lambda: len(server.peers) == 1 and server.peers[0].closed.is_set())


async def test_failed_warming_up_is_told_to_whoever_waits_for_it_and_to_nobody_else() -> None:
    port = int(refusing_address().rpartition(":")[2])
    async with client() as http:
        http.pool.warm(Origin(False, "127.0.0.1", port))
        with pytest.raises(ConnectionRefusedError):
            await ask(http, f"http://127.0.0.1:{port}/")
        http.pool.warm(Origin(False, "127.0.0.1", port))
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("turns", range(12))
async def test_stopping_while_a_warm_connection_is_awaited_leaves_nothing_open(turns: int) -> None:
    async with keeping_server(lambda _: b"") as server, client() as http:
        handle = FetchHandle()
        http.pool.warm(origin(server))
        fetched = http.fetch(HandledRequest(server.url, "POST", handle=handle, body=b""))
        for _ in range(turns):
            await asyncio.sleep(0)
        handle.stop(ConnectionAbortedError())
        with pytest.raises(ConnectionAbortedError):
            await fetched


@pytest.mark.usefixtures("trusted")
async def test_tls_connections_are_kept_and_warmed_too() -> None:
    async with keeping_server(tls=server_context()) as server, client() as http:
        url = f"https://{NAME}:{server.port}/"
        http.pool.warm(Origin(True, NAME, server.port))
        await eventually(lambda: len(server.peers) == 1)
        await go_on(0.1)  # its tickets come, which are no content
        for _ in range(3):
            assert await ask(http, url) == b"ok"
        assert server.requests == [3]
        tls = server.peers[0].writer.get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == "http/1.1"
        server.peers[0].writer.close()
        await eventually(server.peers[0].closed.is_set)
        await asyncio.sleep(0.05)
        assert await ask(http, url) == b"ok"
        assert server.requests == [3, 1]


async def test_closing_while_warming_up_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with client() as http:
            http.pool.warm(Origin(False, "127.0.0.1", listener.getsockname()[1]))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_server_that_knows_us_is_not_checked_anew_but_each_ticket_serves_once(
    version: ssl.TLSVersion,
) -> None:
    tls = server_context()
    tls.maximum_version = version
    async with keeping_server(tls=tls) as server, client() as http:
        url = f"https://{NAME}:{server.port}/"

        async def ask_anew() -> bytes:
            request = HandledRequest(url, "GET", handle=FetchHandle(), reuse=False)
            return (await http.fetch(request)).body

        assert await ask_anew() == b"ok"
        assert await ask_anew() == b"ok"
        assert set(await asyncio.gather(ask_anew(), ask_anew())) == {b"ok"}
        known = [peer.writer.get_extra_info("ssl_object").session_reused for peer in server.peers]
        assert known[:2] == [False, True]
        assert sorted(known[2:]) == [False, True]
