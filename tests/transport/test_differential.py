"""Our client beside Tornado's own: the same answers lead to the same, whatever the client is called with."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from tests.scripted_server import ScriptedServer, Verb, rst, send, trickle, wait
from transport import StreamingClient

pytestmark = pytest.mark.timeout(seconds=60)

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD: dict[str, bytes] = {
    "length": OK + b"Content-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
    "length 0": OK + b"Content-Length: 0\r\n\r\n",
    "equal lengths": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "more than the length": OK + b"Content-Length: 5\r\n\r\nhello, world",
    "no length": OK + b"\r\nhello",
    "nothing at all": OK + b"\r\n",
    "old version": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "chunks": CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    "chunks of odd sizes": CHUNKED + b"005\r\nhello\r\nB\r\nhello world\r\n0\r\n\r\n",
    "no chunk": CHUNKED + b"0\r\n\r\n",
    "informational": b"HTTP/1.1 103 Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 100 \r\n\r\n"
    + OK
    + b"Content-Length: 2\r\n\r\nab",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "not found": b"HTTP/1.1 404 Nothing Here\r\nContent-Length: 4\r\n\r\nnope",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
    "odd status": b"HTTP/1.1 799 What\r\nContent-Length: 2\r\n\r\nab",
    "headers twice": OK + b"A: 1\r\na: 2\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
    "empty line before": b"\r\n" + OK + b"Content-Length: 2\r\n\r\nab",
    "upper case coding": OK + b"transfer-encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
}
BAD: dict[str, bytes] = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nA: 1\r\n",
    "not HTTP": b"SSH-2.0-x\r\n\r\n",
    "version 2": b"HTTP/2 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "no colon": OK + b"abc\r\n\r\n",
    "folded": OK + b"A: 1\r\n b\r\n\r\n",
    "control character": OK + b"A: \x01\r\n\r\n",
    "name with a space": OK + b"A b: 1\r\n\r\n",
    "cut length": OK + b"Content-Length: 9\r\n\r\nhello",
    "length no number": OK + b"Content-Length: x\r\n\r\nhello",
    "negative length": OK + b"Content-Length: -5\r\n\r\nhello",
    "unequal lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "two framings": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "unknown coding": OK + b"Transfer-Encoding: gzip\r\n\r\nhello",
    "no content but a length": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "informational with a length": b"HTTP/1.1 103 Hints\r\nContent-Length: 5\r\n\r\nhello" + OK + b"\r\n",
    "too many informational": b"HTTP/1.1 103 Hints\r\n\r\n" * 50 + OK + b"\r\n",
    "cut chunk": CHUNKED + b"5\r\nhel",
    "cut after a chunk": CHUNKED + b"5\r\nhello\r\n",
    "cut before the last line": CHUNKED + b"5\r\nhello\r\n0\r\n",
    "size no number": CHUNKED + b"xyz\r\nhello\r\n0\r\n\r\n",
    "no size": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "longer than its size": CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
    "huge head": OK + b"A: " + b"x" * 70_000 + b"\r\n\r\n",
}
OUR_OWN: dict[str, tuple[bytes, bytes]] = {
    "extensions of chunks": (CHUNKED + b"5;a=b\r\nhello\r\n0;c\r\n\r\n", b"hello"),
    "trailer": (CHUNKED + b"5\r\nhello\r\n0\r\nA: 1\r\nB: 2\r\n\r\n", b"hello"),
}
"""Good answers by the RFC that Tornado refuses."""


@dataclass
class Seen:
    """What a client made of an answer."""

    code: int = 0
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    failed: bool = False
    streamed: bytes = b""
    lines: list[str] = field(default_factory=list)


@asynccontextmanager
async def configured(implementation: type[AsyncHTTPClient]) -> AsyncIterator[AsyncHTTPClient]:
    AsyncHTTPClient.configure(implementation)
    client = AsyncHTTPClient(force_instance=True)
    try:
        assert isinstance(client, implementation)
        yield client
    finally:
        client.close()
        AsyncHTTPClient.configure(None)


async def seen_by(
    implementation: type[AsyncHTTPClient], script: Sequence[Verb], method: str, *, streaming: bool
) -> Seen:
    seen, body = Seen(), b"x" if method == "POST" else None

    async def take(piece: bytes) -> None:
        seen.streamed += piece

    async with ScriptedServer(script) as server, configured(implementation) as client:
        request = HTTPRequest(
            server.url + "/a?b",
            method,
            body=body,
            follow_redirects=False,
            decompress_response=False,
            header_callback=seen.lines.append,
            streaming_callback=take if streaming else None,
        )
        try:
            response = await client.fetch(request, raise_error=False)
        except Exception:
            return Seen(failed=True)
    seen.code, seen.reason, seen.body = response.code, response.reason, response.body
    seen.headers = tuple(sorted(response.headers.get_all()))
    return seen


async def both(script: Sequence[Verb], method: str, *, streaming: bool) -> tuple[Seen, Seen]:
    ours = await seen_by(StreamingClient, script, method, streaming=streaming)
    return ours, await seen_by(SimpleAsyncHTTPClient, script, method, streaming=streaming)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("name", GOOD)
async def test_good_answer_is_read_as_by_tornado(name: str, method: str) -> None:
    wire = GOOD[name]
    if method == "HEAD":
        wire = wire[: wire.rindex(b"\n\r\n") + 3] if name != "bare line feeds" else wire
    for streaming in (False, True):
        ours, theirs = await both([send(wire)], method, streaming=streaming)
        assert not ours.failed
        if name == "equal lengths":
            theirs.headers = ours.headers  # it changes them
        assert ours == theirs


@pytest.mark.parametrize("name", GOOD)
async def test_good_answer_in_small_pieces_is_read_as_by_tornado(name: str) -> None:
    ours, theirs = await both([trickle(GOOD[name], size=3)], "GET", streaming=True)
    if name == "equal lengths":
        theirs.headers = ours.headers
    assert ours == theirs


@pytest.mark.parametrize("name", BAD)
async def test_bad_answer_fails_as_with_tornado(name: str, caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = await both([send(BAD[name])], "GET", streaming=True)
    assert ours.failed
    assert theirs.failed
    caplog.clear()  # Tornado tells its own


@pytest.mark.parametrize("name", OUR_OWN)
async def test_parts_of_chunked_bodies_that_tornado_refuses_are_skipped(name: str) -> None:
    wire, content = OUR_OWN[name]
    ours = await seen_by(StreamingClient, [send(wire)], "GET", streaming=True)
    assert ours.streamed == content
    assert not ours.failed


async def test_reset_in_mid_body_fails_here_and_hangs_there() -> None:
    script = [send(OK + b"Content-Length: 9\r\n\r\nhello"), wait(0.05), rst()]
    assert (await seen_by(StreamingClient, script, "GET", streaming=True)).failed
