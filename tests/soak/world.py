"""The processes of a soak: a service over a simulated backend, and what clients need to talk to it."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator import GIZMOS
from tests.processes import Pair, Process, ask, service_over_simulator
from tests.raw_client import Answer, Connection, connect
from tests.scratch import scratch_folder
from tests.service.deployment import CHAT, JSON_TYPE, question

MIB = 1 << 20
KEYS = 40
GPTS = [gizmo.id for gizmo in GIZMOS]
OFFERED = 3
"""So many of them are offered at a time, always: each has some 200 series, and those of others have to go."""
ANSWERED_WITHIN = 30.0
"""Seconds in which metrics and probes come, however busy the machine is."""
SETTINGS = {
    "DRAIN_TIMEOUT": "5",
    "KEY_CONCURRENCY": "2",
    "QUEUE_LENGTH": "5",
    "QUEUE_WAIT": "20",
    "MAX_BODY_BYTES": str(4 * MIB),
    "MEDIA_MAX_TOTAL_BYTES": str(4 * MIB),
    "MEDIA_MAX_FILE_BYTES": str(2 * MIB),
    "IDLE_TIMEOUT": "5",
    "WRITE_TIMEOUT": "5",
    "KEEPALIVE_INTERVAL": "1",
    "UPSTREAM_RETRIES": "1",
}
"""Small limits, so that each is met often."""


@dataclass(frozen=True, slots=True)
class World:
    """A running service, the backend behind it, and the folder of its state."""

    service: Process
    port: int
    simulator_port: int
    state: Path
    gpts: Path

    def connect(self, number: int = 0, *, receive_buffer: int = 0) -> AbstractAsyncContextManager[Connection]:
        """A connection of client `number`, who has an address of its own."""
        return connect(self.port, receive_buffer=receive_buffer, source=address(number))

    async def chat(self, number: int, text: str, **fields: Any) -> Answer:
        """One question of client `number` with its key."""
        async with self.connect(number) as client:
            await client.send_raw(chat_request(number, text, **fields))
            return await client.answer()

    async def ask(self, path: str) -> Answer:
        """A GET without a key."""
        async with asyncio.timeout(ANSWERED_WITHIN), connect(self.port) as client:
            await client.send("GET", path, {})
            return await client.answer()

    def offer_gpts(self, numbers: Iterable[int]) -> None:
        """Have the service offer these of the backend's GPTs, from now on."""
        offered = {f"helper-{number}": {"id": GPTS[number]} for number in numbers}
        new = self.gpts.with_suffix(".new")
        new.write_text(json.dumps(offered))
        new.replace(self.gpts)  # the service may be reading it
        self.service.signal(signal.SIGHUP)

    async def backend(self) -> dict[str, Any]:
        """What the simulated backend has seen."""
        reply = await asyncio.to_thread(ask, self.simulator_port, "GET", "/__sim/state")
        state: dict[str, Any] = reply.json
        return state


def address(number: int) -> str:
    """Where client `number` comes from."""
    return f"127.1.{number // 250}.{1 + number % 250}"


def key(number: int) -> str:
    """The key of client `number`."""
    return f"fk-soak-{number % KEYS}"


def chat_request(number: int, text: str, *, bearer: str = "", **fields: Any) -> bytes:
    """A chat request as it goes over the wire."""
    return request("POST", CHAT, bearer or key(number), json.dumps(question(text, **fields)).encode())


def request(method: str, path: str, bearer: str, body: bytes, length: int | None = None) -> bytes:
    """A request with a JSON body, of which `length` bytes are announced."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {bearer}"]
    lines += [f"{name}: {value}" for name, value in JSON_TYPE.items()]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def _processes(
    settings: Mapping[str, str], command: Sequence[str], state: Path, gpts: Path
) -> Iterator[tuple[Pair, World]]:
    given = {**settings, "STATE_DIR": str(state), "GPTS_FILE": str(gpts)}
    with service_over_simulator(given, command=command) as pair:
        yield pair, World(pair.service, pair.port, pair.simulator_port, state, gpts)


@asynccontextmanager
async def world(
    settings: Mapping[str, str] | None = None, command: Sequence[str] = ("server.py",)
) -> AsyncIterator[World]:
    """Both processes, fresh; ended at the end. `command` starts the service."""
    with scratch_folder("soak-") as folder:
        state, gpts = Path(folder) / "state", Path(folder) / "gpts.json"
        gpts.write_text("{}")
        processes = _processes({**SETTINGS, **(settings or {})}, command, state, gpts)
        _, running = await asyncio.to_thread(processes.__enter__)
        try:
            yield running
        finally:
            await asyncio.to_thread(processes.__exit__, None, None, None)
