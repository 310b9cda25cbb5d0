"""Tornado's client interface: what callers may rely on, beside what the differential test shows."""

import asyncio
import gc
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError

from tests.eventually import eventually
from tests.scripted_server import ScriptedServer, flood, send, stall, status, wait
from tests.upstream.rig import nothing_left, unanswering_address
from transport import FetchHandle, HandledRequest, StreamingClient

pytestmark = pytest.mark.timeout(seconds=60)

OK = send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@asynccontextmanager
async def client(**kwargs: Any) -> AsyncIterator[StreamingClient]:
    async with nothing_left():
        made = StreamingClient(force_instance=True, **kwargs)
        yield made
        made.close()


async def test_configured_client_is_the_one_that_everybody_gets() -> None:
    AsyncHTTPClient.configure(StreamingClient, max_clients=7)
    try:
        async with nothing_left(), ScriptedServer([OK]) as server:
            made = AsyncHTTPClient()
            assert isinstance(made, StreamingClient)
            assert made is AsyncHTTPClient()
            assert (await made.fetch(server.url)).body == b"ok"
            made.close()
    finally:
        AsyncHTTPClient.configure(None)


async def test_error_status_is_raised_unless_it_is_not_wanted() -> None:
    async with ScriptedServer([status(404, {"Content-Length": "0"})]) as server, client() as http:
        with pytest.raises(HTTPClientError) as caught:
            await http.fetch(server.url)
        assert caught.value.code == 404
        assert (await http.fetch(server.url, raise_error=False)).code == 404


@pytest.mark.parametrize("reuse", [True, False])
async def test_address_is_forgotten_after_the_request(reuse: bool) -> None:
    async with ScriptedServer([OK]) as server, client() as http:
        url = f"{server.url}/signed?sig={'s' * 9}"
        request = HandledRequest(url, "GET", handle=FetchHandle(), reuse=reuse)
        before = sys.getrefcount(url)
        await http.exchange(request)
        await asyncio.sleep(0)
        gc.collect()
        assert sys.getrefcount(url) == before
        assert server.connections[0].request is not None


@pytest.mark.parametrize(
    ("rest", "asked"),
    [
        ("", "/"),
        ("?", "/"),
        ("/?", "/"),
        ("?a=b", "/?a=b"),
        ("/a//b?c=?d#e?f", "/a//b?c=?d"),
        ("#a/b?c", "/"),
    ],
)
async def test_what_is_asked_of_the_server_is_all_between_its_name_and_a_fragment(
    rest: str, asked: str
) -> None:
    async with ScriptedServer([OK]) as server, client() as http:
        await http.fetch(server.url + rest)
        seen = server.connections[0].request
    assert seen is not None
    assert seen.path == asked


@pytest.mark.parametrize(
    "url", ["", "/a", "host/a", "http:/a", "http://", "http:///a", "ftp://h/", "http://h/a b"]
)
async def test_address_that_cannot_be_asked_is_refused(url: str) -> None:
    async with client() as http:
        with pytest.raises(ValueError, match=r"URL|address"):
            await http.fetch(url)


async def test_request_line_headers_and_body_are_those_of_the_request() -> None:
    async with ScriptedServer([OK]) as server, client() as http:
        url = server.url.replace("//", "//me:pass%20word@") + "/a%20b?c=d#e"
        request = HTTPRequest(url, "PUT", headers={"X-A": "1"}, body="你", user_agent="agent")
        await http.fetch(request)
        seen = server.connections[0].request
    assert seen is not None
    assert (seen.method, seen.path, seen.body) == ("PUT", "/a%20b?c=d", "你".encode())
    assert seen.headers["host"] == server.url.removeprefix("http://")
    assert seen.headers["authorization"] == "Basic bWU6cGFzcyUyMHdvcmQ="
    assert (seen.headers["x-a"], seen.headers["user-agent"], seen.headers["connection"]) == (
        "1",
        "agent",
        "close",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://127.0.0.1/"},
        {"url": "http:///x"},
        {"url": "http://127.0.0.1:99999/"},
        {"method": "BREW"},
        {"method": "POST"},
        {"headers": {"X": "a\r\nY: b"}},
        {"headers": {"X": "你"}},
        {"url": "http://127.0.0.1/ü"},
        {"follow_redirects": True},
        {"decompress_response": True},
        {"proxy_host": "proxy", "proxy_port": 1},
        {"validate_cert": False},
        {"expect_100_continue": True},
    ],
    ids=str,
)
async def test_request_that_can_not_be_sent_as_it_is_meant_is_refused(wrong: dict[str, Any]) -> None:
    async with ScriptedServer([OK]) as server, client() as http:
        with pytest.raises((ValueError, HTTPClientError)):
            await http.fetch(HTTPRequest(**({"url": server.url} | wrong)))
        assert not server.connections


async def test_connecting_has_a_limit() -> None:
    with unanswering_address() as silent:
        async with client() as http:
            with pytest.raises(HTTPTimeoutError, match="connecting"):
                await http.fetch(HTTPRequest(silent, connect_timeout=0.1))


async def test_whole_request_has_a_limit() -> None:
    slowly = [status(200, {"Content-Length": "9"}), send(b"a"), stall()]
    async with ScriptedServer(slowly) as server, client() as http:
        with pytest.raises(HTTPTimeoutError, match="request"):
            await http.fetch(HTTPRequest(server.url, request_timeout=3))
        assert await server.connections[0].gone_within(5)


async def test_no_limit_is_none() -> None:
    async with ScriptedServer([wait(0.2), OK]) as server, client() as http:
        request = HTTPRequest(server.url, connect_timeout=0, request_timeout=0)
        assert (await http.fetch(request)).body == b"ok"


async def test_body_that_is_kept_has_a_limit_and_one_that_is_streamed_has_none() -> None:
    answer = [status(200, {"Content-Length": "3000"}), send(b"x" * 3000)]
    got = bytearray()
    async with ScriptedServer(answer) as server, client(max_body_size=1000) as http:
        with pytest.raises(Exception, match="too long"):
            await http.fetch(server.url)
        await http.fetch(HTTPRequest(server.url, streaming_callback=got.extend))
    assert len(got) == 3000


async def test_what_a_callback_raises_ends_the_fetch_and_comes_out() -> None:
    def refuse(_: object) -> None:
        raise ArithmeticError

    async with ScriptedServer([status(200), flood(b"x")]) as server, client() as http:
        for request in (
            HTTPRequest(server.url, header_callback=refuse),
            HTTPRequest(server.url, streaming_callback=refuse),
        ):
            with pytest.raises(ArithmeticError):
                await http.fetch(request)
            assert await server.connections[-1].gone_within(5)


async def test_closing_ends_fetches_that_run_and_those_that_wait() -> None:
    async with ScriptedServer([stall()]) as server, client(max_clients=1) as http:
        fetched = [http.fetch(server.url) for _ in range(3)]
        await server.connected()
        http.close()
        for result in await asyncio.gather(*fetched, return_exceptions=True):
            assert isinstance(result, HTTPStreamClosedError)
        with pytest.raises(RuntimeError):
            await http.fetch(server.url)


async def test_stopping_without_an_error_makes_what_came_the_answer() -> None:
    handle, got = FetchHandle(), bytearray()

    def enough(piece: bytes) -> None:
        got.extend(piece)
        handle.stop()

    async with ScriptedServer([status(201), flood(b"x" * 100)]) as server, client() as http:
        request = HandledRequest(server.url, "GET", handle=handle, streaming_callback=enough)
        assert (await http.fetch(request)).code == 201
        assert await server.connections[0].gone_within(5)
        assert got
        handle.stop()  # too late, and harmless


async def test_what_was_sent_is_let_go_once_the_answer_has_begun() -> None:
    left: list[tuple[bytes, int]] = []

    def begun(_: bytes) -> None:
        left.append((request.body, len(request.headers)))

    async with ScriptedServer([OK]) as server, client() as http:
        request = HandledRequest(
            server.url, "POST", handle=FetchHandle(), body=b"x" * 1000, streaming_callback=begun
        )
        assert (request.body, left) == (b"x" * 1000, [])
        await http.fetch(request)
    assert left == [(b"", 0)]


async def test_answer_that_comes_before_the_request_is_out_is_read() -> None:
    async with (
        ScriptedServer(
            [status(413, {"Content-Length": "2"}), send(b"no"), stall()], reads_request=False
        ) as server,
        client() as http,
    ):
        request = HandledRequest(server.url, "POST", handle=FetchHandle(), body=b"x" * 20_000_000)
        response = await http.fetch(request, raise_error=False)
        assert (response.code, response.body) == (413, b"no")
        await eventually(lambda: server.connections[0].gone)  # it was not kept


async def test_request_that_is_stopped_before_it_begins_is_freed_without_the_collector() -> None:
    async with ScriptedServer([OK]) as server, client() as http:
        gc.disable()
        try:
            handle = FetchHandle()
            request = HandledRequest(server.url, "POST", handle=handle, body=b"x")
            freed = weakref.ref(request)
            fetched = http.fetch(request, raise_error=False)
            handle.stop()
            await asyncio.wait([fetched])
            assert isinstance(fetched.exception(), HTTPStreamClosedError)
            del request, fetched, handle
            await eventually(lambda: freed() is None)
        finally:
            gc.enable()
