"""Answers that are not the event stream asked for."""

import pytest

from tests.scripted_server import EVENT_STREAM, JSON, chunk, flood, last_chunk, rst, send, stall, status
from tests.upstream.rig import ANSWER, SECRET_TEXT, Reader, rig
from upstream import Exchange, ResponseRefused
from upstream.http import CallLimits

pytestmark = pytest.mark.timeout(seconds=10)

KEPT = 64 * 1024


async def refusal_of(*script: object, reader: Reader | None = None) -> ResponseRefused:
    """What a conversation with this script is refused with; the reader must not have seen any of it."""
    reader = reader or Reader()
    async with rig(script) as world:  # type: ignore[arg-type]
        with pytest.raises(ResponseRefused) as caught:
            await world.converse(reader)
    assert reader.pieces == []
    return caught.value


async def test_error_status_comes_with_its_body_and_retry_after() -> None:
    headers = {"Content-Type": "application/json; charset=utf-8", "Retry-After": "90", "Set-Cookie": "a=b"}
    body = b'{"detail":{"clears_in":5400}}'
    refused = await refusal_of(status(429, {**headers, "Content-Length": str(len(body))}), send(body))
    assert refused.status == 429
    assert refused.content_type == "application/json"
    assert refused.headers == {"retry-after": "90"}
    assert refused.body == body


async def test_error_in_the_shape_of_an_event_stream_never_reaches_the_reader() -> None:
    refused = await refusal_of(status(500, EVENT_STREAM), chunk(b"data: oops\n\n"), last_chunk())
    assert (refused.status, refused.content_type, refused.body) == (
        500,
        "text/event-stream",
        b"data: oops\n\n",
    )


async def test_successful_json_is_refused_with_its_body() -> None:
    refused = await refusal_of(status(200, JSON), send(b'{"wss_url":"wss://x"}'))
    assert (refused.status, refused.body) == (200, b'{"wss_url":"wss://x"}')


async def test_successful_html_is_refused() -> None:
    refused = await refusal_of(status(200, {"Content-Type": "Text/HTML"}), send(b"<!DOCTYPE html>"))
    assert (refused.status, refused.content_type) == (200, "text/html")


async def test_answer_without_a_content_type_is_refused() -> None:
    refused = await refusal_of(status(200), send(b"data: x\n\n"))
    assert (refused.content_type, refused.body) == ("", b"data: x\n\n")


async def test_answer_without_a_body_is_refused() -> None:
    refused = await refusal_of(status(204))
    assert (refused.status, refused.body) == (204, b"")


async def test_compressed_stream_that_nobody_asked_for_is_refused() -> None:
    refused = await refusal_of(
        status(200, {**EVENT_STREAM, "Content-Encoding": "gzip"}), chunk(b"\x1f\x8b"), last_chunk()
    )
    assert refused.status == 200


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(code: int) -> None:
    async with rig([status(code, {"Location": "/elsewhere", "Content-Length": "0"})], ANSWER) as world:
        with pytest.raises(ResponseRefused) as caught:
            await world.converse()
        assert len(world.server.connections) == 1
    assert caught.value.status == code


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
        with pytest.raises(ResponseRefused) as caught:
            await world.converse()
        assert await world.server.connections[0].gone_within(1)
    assert len(caught.value.body) == KEPT
    assert caught.value.body == (page * 30)[:KEPT]


async def test_error_body_of_just_64_kib_is_whole() -> None:
    body = b"e" * KEPT
    refused = await refusal_of(status(500, {**JSON, "Content-Length": str(KEPT)}), send(body))
    assert refused.body == body


@pytest.mark.parametrize("ending", [rst, stall], ids=["reset", "silence"])
async def test_status_survives_when_the_error_body_does_not(
    ending: object,
) -> None:
    exchange = Exchange()
    script = [status(401, {**JSON, "Content-Length": "500"}), send(b'{"detail":'), ending()]  # type: ignore[operator]
    async with rig(script, call_limits=CallLimits(refused_seconds=0.1)) as world:
        with pytest.raises(ResponseRefused) as caught:
            await world.converse(exchange=exchange)
    assert caught.value.status == 401
    assert exchange.status == 401


async def test_text_of_a_refusal_tells_nothing_of_the_body() -> None:
    refused = await refusal_of(status(500, JSON), send(SECRET_TEXT.encode()))
    assert SECRET_TEXT.encode() in refused.body
    assert SECRET_TEXT not in str(refused)
    assert SECRET_TEXT not in repr(refused)
