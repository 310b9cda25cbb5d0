"""Each request that goes wrong before a handler answers it is answered, logged and counted once."""

import asyncio
import json
import logging

import pytest

from front import ConnectionTimes
from front.client_stream import TORNADOS_CONTINUE
from tests.eventually import eventually
from tests.front.rig import lines_of_faults, opened

PATIENT = ConnectionTimes(linger=30.0)
"""A client that is refused gets to read it, though it stands still like all of this process."""
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "bare line feed": (b"GET / HTTP/1.1\nHost: x\n\n", 400, "line_end"),
    "request line": (b"GET / SPDY/3\r\nHost: x\r\n\r\n", 400, "request_line"),
    "folded header": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400, "header"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, "host"),
    "expectation": (POST + b"Expect: more\r\nContent-Length: 1\r\n\r\n", 417, "expectation"),
    "length and chunked": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "length"),
    "large head": (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70000 + b"\r\n\r\n", 431, "head_too_large"),
    "head without end": (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70000, 431, "head_too_large"),
    "chunk size": (CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", 400, "body"),
    "long chunk size": (CHUNKED + b"5;" + b"a" * 100 + b"\r\nhello\r\n0\r\n\r\n", 400, "body"),
    "chunk with a bare line feed": (CHUNKED + b"5\nhello\r\n0\r\n\r\n", 400, "body"),
    "end of a chunk": (CHUNKED + b"2\r\nhello\r\n0\r\n\r\n", 400, "body"),
    "trailer": (CHUNKED + b"0\r\nA: b\r\n\r\n", 400, "body"),
    "slow head": (b"GET / HT", 408, "head_timeout"),
    "slow body": (POST + b"Content-Length: 10\r\n\r\nhello", 408, "body_timeout"),
    "huge length": (POST + b"Content-Length: 99999999999999\r\n\r\nhello", 400, "body"),
}  # fmt: skip
QUICK = {"slow head": ConnectionTimes(head=0.4), "slow body": ConnectionTimes(body=0.4)}
"""Where a limit of time is what refuses the request, that one is short."""


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_request_is_answered_in_json_and_told_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pandora")
    data, status, reason = REFUSED[name]
    async with opened(times=QUICK.get(name, PATIENT)) as rig:
        reply = await rig.ask(data)
        head, _, body = reply.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"\r\nConnection: close" in head
        assert b"\r\nContent-Type: application/json" in head
        error = json.loads(body)["error"]
        assert error["type"] == "invalid_request_error"
        assert set(error) == {"message", "type", "param", "code"}
        await eventually(lambda: rig.counted("connections") == 0)
        (line,) = lines_of_faults(caplog.records)
        assert (line["reason"], line["status"]) == (reason, status)
        assert str(line["request_id"]).encode() in head
        assert rig.faults() == {reason: 1}


@pytest.mark.parametrize(
    "sent", [b"GET / HT", POST + b"Content-Length: 10\r\n\r\nhello", CHUNKED + b"5\r\nhe"]
)
async def test_request_that_its_client_breaks_off_is_told_once(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pandora")
    async with opened() as rig:
        _, writer = await asyncio.open_connection("127.0.0.1", rig.door.port)
        writer.write(sent)
        await eventually(lambda: rig.counted("connections") == 1)
        writer.close()
        await eventually(lambda: rig.counted("connections") == 0)
        await eventually(lambda: rig.faults() == {"incomplete": 1})
        (line,) = lines_of_faults(caplog.records)
        assert (line["reason"], line["status"]) == ("incomplete", None)


@pytest.mark.parametrize(
    "sent", [b"", b"\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n"]
)
async def test_connection_that_ends_between_requests_is_no_fault(sent: bytes) -> None:
    async with opened() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.door.port)
        writer.write(sent)
        if b"GET" in sent:
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        writer.close()
        await eventually(lambda: rig.counted("connections") == 0)
        assert rig.faults() == {}


@pytest.mark.parametrize(
    ("sent", "reason", "seconds"),
    [
        (b"", "silent", 0.4),
        (b"\r\n", "silent", 3.0),  # this process may stand still before it is sent
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "idle", 0.4),
    ],
)
async def test_connection_without_a_request_is_closed_in_time(
    sent: bytes, reason: str, seconds: float
) -> None:
    async with opened(times=ConnectionTimes(**{reason: seconds})) as rig:
        await rig.ask(sent)
        assert rig.counted("connections_closed_total", reason=reason) == 1
        assert rig.faults() == {}


async def test_second_request_that_is_refused_follows_the_answer_to_the_first() -> None:
    async with opened() as rig:
        reply = await rig.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\nHost: x\n\n")
    assert reply.count(b"HTTP/1.1 200 ") == reply.count(b"HTTP/1.1 400 ") == 1
    assert reply.index(b"hello") < reply.index(b"HTTP/1.1 400 ")


async def test_body_that_is_wrong_behind_its_answer_adds_nothing_to_it() -> None:
    async with opened() as rig:
        reply = await rig.ask(b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert reply.endswith(b"early")
        assert b"400" not in reply
        assert rig.faults() == {}


async def test_large_body_reaches_the_handler_and_large_heads_are_counted_without_it() -> None:
    body = b"x" * 300_000
    async with opened() as rig:
        request = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n"
        assert (await rig.ask(request + body)).endswith(body)
        assert rig.faults() == {}


@pytest.mark.parametrize("spelled", [b"100-continue", b"100-Continue", b" 100-CONTINUE "])
async def test_client_that_asks_to_go_on_gets_its_answer(spelled: bytes) -> None:
    """Also holds that Tornado still writes what `write` knows it by."""
    async with opened() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.door.port)
        writer.write(POST + b"Expect: " + spelled + b"\r\nContent-Length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == TORNADOS_CONTINUE
        writer.write(b"zz")
        assert (await reader.readuntil(b"zz")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_wrong_chunk_after_an_invitation_to_go_on_is_refused() -> None:
    async with opened() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.door.port)
        writer.write(POST + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == TORNADOS_CONTINUE
        writer.write(b"zz\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        assert rig.faults() == {"body": 1}


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        POST + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nzz",
        POST + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        POST + b"Connection: close\r\nExpect: 100-continue\r\n\r\n",
        POST.replace(b"/", b"/early", 1) + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    ],
    ids=["http 1.0", "body with the head", "empty body", "no body", "answered already"],
)
async def test_nobody_is_asked_to_go_on_who_does_not_wait(request_: bytes) -> None:
    async with opened() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.door.port)
        writer.write(request_)
        if b"HTTP/1.0" in request_:
            await asyncio.sleep(0.2)
            writer.write(b"zz")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert rig.faults() == {}


async def test_target_may_be_a_whole_address_whose_host_counts() -> None:
    async with opened() as rig:
        for target, told in (
            (b"http://a.example:81/target?q=1", b"a.example:81 /target?q=1"),
            (b"HTTPS://b/target", b"b /target"),
            (b"/target?http://c/", b"x /target?http://c/"),
        ):
            reply = await rig.ask(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert reply.endswith(b"\r\n\r\n" + told)
        empty = await rig.ask(b"GET http://a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert empty.endswith(b"hello")
