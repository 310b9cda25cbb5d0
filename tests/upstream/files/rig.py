"""Files of a client wired to a scripted backend, and answers such as the backend gives."""

import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.scripted_server import JSON, Request, ScriptedServer, Verb, send, status
from tests.upstream.rig import KEY, PATIENT, PREFIX, nothing_left
from upstream import HttpClient, Timeouts
from upstream.files import BackendFiles, FileTimeouts

SIGNATURE = "canary-signature"
NAME = "canary name.txt"
DATA = b"canary-content"
SECRETS = (KEY, PREFIX, SIGNATURE, NAME, DATA.decode())

API = f"/{PREFIX}/backend-api"
MAX_BYTES = 100_000
SHORT_PAUSES = FileTimeouts(address_pauses=(0.001, 0.001, 0.001), index_pauses=(0.001, 0.002))
"""Trying again is what is tested, not waiting for it."""

Script = Sequence[Verb]


@dataclass
class World:
    """The files, and the backend that they are asked of."""

    files: BackendFiles
    client: HttpClient
    server: ScriptedServer

    @property
    def requests(self) -> list[Request]:
        return requests_of(self.server)

    @property
    def lines(self) -> list[str]:
        """What was asked for, as `GET /files/file-1`, without the address's constant beginning."""
        return [f"{request.method} {request.path.removeprefix(API)}" for request in self.requests]


@asynccontextmanager
async def world(
    *scripts: Script,
    timeouts: Timeouts = PATIENT,
    clock: Callable[[], float] = lambda: 0.0,
    **seconds: float,
) -> AsyncIterator[World]:
    """Yield files over a backend with these scripts; afterwards, no fd and no task may be left.

    `seconds` are other `FileTimeouts`, by name.
    """
    async with nothing_left(), ScriptedServer(*scripts) as server:
        client = HttpClient(server.url, PREFIX, timeouts)
        file_timeouts = dataclasses.replace(SHORT_PAUSES, **seconds)  # type: ignore[arg-type]
        files = BackendFiles(client, max_bytes=MAX_BYTES, timeouts=file_timeouts, clock=clock)
        yield World(files, client, server)
        client.close()


@asynccontextmanager
async def storage(*scripts: Script) -> AsyncIterator[ScriptedServer]:
    """Yield another host, where the bytes are."""
    async with ScriptedServer(*scripts) as server:
        yield server


def requests_of(server: ScriptedServer) -> list[Request]:
    """The requests that arrived, in order."""
    return [connection.request for connection in server.connections if connection.request is not None]


def signed(server: ScriptedServer, path: str = "/blob", **query: str) -> str:
    """A signed address on a server."""
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{server.url}{path}?sig={SIGNATURE}{more}"


def reply(content: Mapping[str, Any] | bytes, code: int = 200) -> Script:
    """Answer with JSON, or with bytes that should have been JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return [status(code, {**JSON, "Content-Length": str(len(body))}), send(body)]


def success(**more: object) -> Script:
    """Answer that it went well."""
    return reply({"status": "success", **more})


def failure(error_code: str, code: int = 200) -> Script:
    """Answer that it did not, as the calls about files do."""
    return reply({"status": "error", "error_code": error_code, "error_message": None}, code)


def content(data: bytes, headers: Mapping[str, str] | None = None) -> Script:
    """Answer with the bytes of a file."""
    return [status(200, {"Content-Length": str(len(data)), **(headers or {})}), send(data)]


def assert_discreet(caught: pytest.ExceptionInfo[Exception]) -> None:
    """The text of an error may be logged."""
    for secret in SECRETS:
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
