"""Answers that are not the event stream asked for."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from tests.scripted_server import (
    EVENT_STREAM,
    JSON,
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
from tests.upstream.rig import DEFAULT_CALL_LIMITS, KEY, PREFIX, SECRET_TEXT, Reader, rig
from upstream.http import CallLimits, JsonAnswer, UnusableAnswer

pytestmark = pytest.mark.timeout(seconds=60)

KEPT = 64 * 1024


async def kept_of(*script: Verb, call_limits: CallLimits = DEFAULT_CALL_LIMITS) -> JsonAnswer:
    """What is kept of an answer; the reader must not have seen any of it."""
    reader = Reader()
    async with rig(script, call_limits=call_limits) as world:
        answer = await world.stream(reader)
        assert len(world.server.connections) == 1
    assert reader.pieces == []
    assert answer is not None
    return answer


async def test_error_status_is_kept_with_its_body_and_retry_after() -> None:
    headers = {"Content-Type": "application/json; charset=utf-8", "Retry-After": "90", "Set-Cookie": "a=b"}
    body = b'{"detail":{"clears_in":5400}}'
    kept = await kept_of(status(429, {**headers, "Content-Length": str(len(body))}), send(body))
    assert kept.status == 429
    assert kept.content_type == "application/json"
    assert kept.headers == {"retry-after": "90"}
    assert kept.body == body


async def test_error_in_the_shape_of_an_event_stream_never_reaches_the_reader() -> None:
    kept = await kept_of(status(500, EVENT_STREAM), chunk(b"data: oops\n\n"), last_chunk())
    assert (kept.status, kept.content_type, kept.body) == (
        500,
        "text/event-stream",
        b"data: oops\n\n",
    )


async def test_successful_json_is_kept_with_its_body() -> None:
    kept = await kept_of(status(200, JSON), send(b'{"wss_url":"wss://x"}'))
    assert (kept.status, kept.body) == (200, b'{"wss_url":"wss://x"}')


async def test_successful_html_is_kept() -> None:
    kept = await kept_of(status(200, {"Content-Type": "Text/HTML"}), send(b"<!DOCTYPE html>"))
    assert (kept.status, kept.content_type) == (200, "text/html")


async def read_from(*script: Verb) -> bytes:
    """What the reader gets of an answer; nothing of it may be kept."""
    reader = Reader()
    async with rig(script) as world:
        assert await world.stream(reader) is None
    return reader.content


@pytest.mark.parametrize("body", [b"", b"dat", b"<html>", b"datum: x", b'{"detail": "x"}'])
async def test_answer_without_a_content_type_is_kept(body: bytes) -> None:
    kept = await kept_of(status(200), send(body))
    assert (kept.content_type, kept.body) == ("", body)


@pytest.mark.parametrize("named", [{}, {"Content-Type": "text/plain"}])
@pytest.mark.parametrize("start", [b"data: x", b"\xef\xbb\xbfdata: x", b"\r\nevent: ping", b": hi", b"id:1"])
async def test_answer_that_names_no_type_is_an_event_stream_if_it_looks_like_one(
    start: bytes, named: dict[str, str]
) -> None:
    body = start + b"\n\ndata: y\n\n" + b"x" * (2 * KEPT)
    assert await read_from(status(200, named), trickle(body[:30]), send(body[30:])) == body
    assert await read_from(status(200, named), send(body)) == body


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_coded_event_stream_is_decoded(coding: str) -> None:
    body = b"".join(b"data: %d\n\n" % number for number in range(20_000))
    coded = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
    headers = {**EVENT_STREAM, "Content-Encoding": coding}
    script = [status(200, headers), chunk(coded[:5]), chunk(coded[5:]), last_chunk()]
    assert await read_from(*script) == body


async def test_damaged_coding_ends_the_stream_with_an_error() -> None:
    headers = {**EVENT_STREAM, "Content-Encoding": "gzip"}
    with pytest.raises(UnusableAnswer):
        await read_from(status(200, headers), chunk(b"no gzip at all"), stall())


async def test_coded_error_is_decoded_up_to_the_limit() -> None:
    for body in (b'{"detail": "x"}', b"x" * 10 * KEPT):
        coded = gzip.compress(body)
        headers = {**JSON, "Content-Encoding": "GZIP", "Content-Length": str(len(coded))}
        assert (await kept_of(status(500, headers), send(coded))).body == body[:KEPT]
    damaged = await kept_of(status(500, {**JSON, "Content-Encoding": "gzip"}), send(b"no gzip"))
    assert damaged.body == b""


async def test_refusal_shows_neither_the_key_nor_the_prefix() -> None:
    body = f'{{"detail": "no {KEY} at /{PREFIX}/backend-api"}}'.encode()
    kept = await kept_of(status(404, {**JSON, "Content-Length": str(len(body))}), send(body))
    assert kept.refusal().body == b'{"detail": "no *** at /***/backend-api"}'


async def test_answer_without_a_body_is_kept() -> None:
    kept = await kept_of(status(204))
    assert (kept.status, kept.body) == (204, b"")


async def test_stream_in_a_coding_that_is_not_understood_is_kept() -> None:
    kept = await kept_of(status(200, {**EVENT_STREAM, "Content-Encoding": "br"}), chunk(b"?"), last_chunk())
    assert kept.status == 200


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(code: int) -> None:
    assert (await kept_of(status(code, {"Location": "/elsewhere", "Content-Length": "0"}))).status == code


@pytest.mark.parametrize("framing", ["chunked", "length", "none"])
async def test_endless_error_body_is_cut_at_64_kib_and_its_connection_closed(framing: str) -> None:
    headers = {
        "chunked": {"Content-Type": "text/html", "Transfer-Encoding": "chunked"},
        "length": {"Content-Type": "text/html", "Content-Length": str(1 << 40)},
        "none": {"Content-Type": "text/html"},
    }[framing]
    page = b"<p>" * 1000
    piece = b"%x\r\n%s\r\n" % (len(page), page) if framing == "chunked" else page
    async with rig([status(503, headers), flood(piece)]) as world:
        kept = await world.stream()
        assert await world.server.connections[0].gone_within(1)
    assert kept is not None
    assert kept.body == (page * 30)[:KEPT]


async def test_error_body_of_just_64_kib_is_whole() -> None:
    body = b"e" * KEPT
    kept = await kept_of(status(500, {**JSON, "Content-Length": str(KEPT)}), send(body))
    assert kept.body == body


@pytest.mark.parametrize("ending", [rst, stall], ids=["reset", "silence"])
async def test_status_survives_when_the_error_body_does_not(ending: Callable[[], Verb]) -> None:
    script = [status(401, {**JSON, "Content-Length": "500"}), send(b'{"detail":'), ending()]
    kept = await kept_of(*script, call_limits=CallLimits(refused_seconds=0.1))
    assert kept.status == 401


async def test_text_of_a_refusal_tells_nothing_of_the_body() -> None:
    refusal = (await kept_of(status(500, JSON), send(SECRET_TEXT.encode()))).refusal()
    assert SECRET_TEXT.encode() in refusal.body
    assert SECRET_TEXT not in str(refusal)
    assert SECRET_TEXT not in repr(refusal)
