"""A front door with a small application behind it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import tornado.web

from front import ConnectionTimes, FrontDoor, Listeners
from metrics import Metrics

Route = tuple[str, type[tornado.web.RequestHandler], dict[str, Any]]


class Echo(tornado.web.RequestHandler):
    """Answers with the body it got."""

    def get(self) -> None:
        self.write(b"hello")

    def post(self) -> None:
        self.write(self.request.body)


class Target(tornado.web.RequestHandler):
    """Tells what was asked for."""

    def get(self) -> None:
        self.write(f"{self.request.host} {self.request.uri}")


class Waits(tornado.web.RequestHandler):
    """Answers when the test lets it."""

    def initialize(self, rig: "Rig") -> None:
        self.rig = rig

    async def get(self) -> None:
        self.rig.waiting += 1
        await self.rig.go_on.wait()
        self.write(b"done")

    def on_connection_close(self) -> None:
        self.rig.gone += 1


@tornado.web.stream_request_body
class Early(tornado.web.RequestHandler):
    """Answers before it has read the body."""

    def prepare(self) -> None:
        self.finish(b"early")


@dataclass(slots=True)
class Rig:
    """The door, and what the handlers have seen."""

    metrics: Metrics = field(default_factory=lambda: Metrics(("chat",), []))
    waiting: int = 0
    gone: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    door: FrontDoor = field(init=False)

    def counted(self, name: str, **labels: str) -> float:
        """A value of the metrics."""
        value = self.metrics.registry.get_sample_value(f"pandora_{name}", labels)
        assert value is not None, "no such metric"
        return value

    def faults(self) -> dict[str, int]:
        """How many faults of each kind were counted."""
        return {
            sample.labels["reason"]: int(sample.value)
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "pandora_protocol_faults_total" and sample.value
        }

    async def ask(self, data: bytes, seconds: float = 10.0) -> bytes:
        """Send this on a connection of its own; return all that comes until the door closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.door.port)
        try:
            writer.write(data)
            async with asyncio.timeout(seconds):
                return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def opened(
    limit: int = 100, times: ConnectionTimes | None = None, routes: Sequence[Route] = ()
) -> AsyncIterator[Rig]:
    """A door on a free port, with these routes beside its own."""
    rig = Rig()
    own: list[Any] = [("/", Echo), ("/target", Target), ("/waits", Waits, {"rig": rig}), ("/early", Early)]
    application = tornado.web.Application([*own, *routes], log_function=lambda handler: None)
    listeners = Listeners.open("127.0.0.1", 0, reuse_port=False, environ={})
    rig.door = FrontDoor(application, listeners, rig.metrics, limit, times)
    try:
        yield rig
    finally:
        rig.go_on.set()
        await rig.door.stop_listening()
        await rig.door.close()


def lines_of_faults(records: Sequence[logging.LogRecord]) -> list[dict[str, object]]:
    """The fields of each log line about a fault."""
    return [record.__dict__["fields"] for record in records if record.getMessage() == "protocol fault"]
