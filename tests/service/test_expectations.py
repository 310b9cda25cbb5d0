"""Clients that wait for leave to send the body (`Expect`): who is refused, is refused at once."""

import asyncio

import pytest

from tests.service.deployment import CHAT, JSON_TYPE, KEY, deployed

AUTHORIZED = {"Authorization": f"Bearer {KEY}", **JSON_TYPE}
LENGTH = {"Content-Length": "500"}
REFUSED = {
    "no key": ("POST", CHAT, JSON_TYPE | LENGTH, 401),
    "wrong type": ("POST", CHAT, AUTHORIZED | LENGTH | {"Content-Type": "text/plain"}, 415),
    "too large": ("POST", CHAT, AUTHORIZED | {"Content-Length": "3000"}, 413),
    "form without a key": ("POST", "/v1/images/edits", LENGTH, 401),
    "another method": ("PUT", CHAT, AUTHORIZED | LENGTH, 405),
    "method without a body": ("POST", "/v1/models", AUTHORIZED | LENGTH, 405),
    "unknown method": ("BREW", CHAT, AUTHORIZED | LENGTH, 405),
    "unknown path": ("POST", "/v1/nothing", AUTHORIZED | LENGTH, 404),
    "another expectation": ("POST", CHAT, AUTHORIZED | LENGTH | {"Expect": "200-ok"}, 417),
}
BODY = b'{"model": "gpt-4-s", "messages": [{"role": "user", "content": "Hello"}]}'


def head(method: str, path: str, headers: dict[str, str], version: str = "HTTP/1.1") -> bytes:
    lines = [f"{method} {path} {version}", "Host: x", *(f"{name}: {headers[name]}" for name in headers)]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_request_is_answered_before_its_body_and_closed(name: str) -> None:
    method, path, headers, status = REFUSED[name]
    async with deployed({"MAX_BODY_BYTES": "2048"}) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(head(method, path, {"Expect": "100-Continue"} | headers))
        async with asyncio.timeout(10):
            reply = await reader.read()
        writer.close()
        assert reply.startswith(b"HTTP/1.1 %d " % status)
        assert reply.count(b"HTTP/1.1 ") == 1
        assert b"x-request-id" in reply.lower()
        assert method == "BREW" or b"Connection: close" in reply
        assert service.server.service.app.common.bodies.used == 0


async def test_refused_client_that_does_not_wait_is_read_to_its_end_as_any_other() -> None:
    headers = {"Expect": "100-continue", "Content-Length": "2000000", **JSON_TYPE}
    async with deployed() as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(head("POST", CHAT, headers) + b"x" * 2_000_000)
        async with asyncio.timeout(10):
            reply = await reader.readuntil(b"\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 401 ")
        assert b"Connection: close" not in reply
        writer.close()


async def test_admitted_client_is_asked_for_the_body_and_answered() -> None:
    headers = {"Expect": "100-Continue", "Content-Length": str(len(BODY)), **AUTHORIZED}
    async with deployed() as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(head("POST", CHAT, headers))
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
            writer.write(BODY)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
