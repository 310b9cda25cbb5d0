"""Plays one cell: a service of its own over its backend, and what is to be seen of it afterwards."""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from tests.eventually import eventually
from tests.faults.backend import Backend, scripted
from tests.faults.cells import Cell
from tests.faults.clients import asks
from tests.faults.play import Play
from tests.raw_client import Answer
from tests.service.deployment import SOCKET_LIMITS, Deployment, deployed

ENV = {
    "UPSTREAM_RETRIES": "1",
    "KEY_CONCURRENCY": "1",
    "CONNECT_TIMEOUT": "20",
    "FIRST_BYTE_TIMEOUT": "20",
    "IDLE_TIMEOUT": "20",
    "HISTORY": "keep",
    "PROXY_API_PREFIX": "",
}
SOCKETS_SOON_CLOSED = replace(SOCKET_LIMITS, times=replace(SOCKET_LIMITS.times, idle=0.3))
"""An account's WebSocket stays open when its answer is over; here it is soon gone like everything else."""
SETTLES_WITHIN = 20.0

_cell_log: ContextVar["list[logging.LogRecord] | None"] = ContextVar("cell_log", default=None)
"""Where the records of this cell go. A service inherits it from the task that starts it, in all it does."""


class CellLog(logging.Handler):
    """Gives each record to the cell whose service wrote it."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        records = _cell_log.get()
        if records is not None:
            records.append(record)


@contextmanager
def logs_by_cell() -> Iterator[None]:
    """Within, cells that run at the same time have logs of their own."""
    handler = CellLog()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


@dataclass(slots=True)
class Stage:
    """A cell, the service and the backend that play it, and the service's log."""

    cell: Cell
    service: Deployment
    backend: Backend
    log: list[logging.LogRecord]
    answer: Answer | None = None

    async def play(self) -> None:
        """Have the client do what it does, and wait until the service has nothing more to do."""
        behaviour = self.cell.fault.client or asks
        receive_buffer = 4096 if self.cell.fault.client is not None else 0
        async with self.service.connect(receive_buffer=receive_buffer) as client:
            self.answer = await behaviour(self, client)
        await eventually(lambda: len(self.lines) >= self.requests, SETTLES_WITHIN)
        await eventually(lambda: self.service.in_flight == 0, SETTLES_WITHIN)

    @property
    def requests(self) -> int:
        """All that the client sends."""
        return self.cell.fault.answered_before + self.cell.fault.requests

    @property
    def waiting(self) -> int:
        """How many requests wait for their key."""
        return int(self.metric("pandora_queue_waiting"))

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of requests for answers, and of requests that never were, as fields."""
        told = [record for record in self.log if record.msg in ("request", "protocol fault")]
        return [dict(vars(record)["fields"]) for record in told]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of that name whose labels are among these."""
        return sum(
            sample.value
            for family in self.service.server.service.metrics.registry.collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def booked_units(self) -> int:
        """What the ledger says was spent."""
        ledger = self.service.server.service.charges.ledger
        return sum(row.units for row in await ledger.usage(0, time.time() + 86400))


@asynccontextmanager
async def stage(cell: Cell) -> AsyncIterator[Stage]:
    """Everything that plays the cell, ready for the client."""
    log: list[logging.LogRecord] = []
    fault = cell.fault
    behind = scripted(cell) if fault.behind is None else fault.behind(Play(cell.shape))
    async with behind as backend:
        token = _cell_log.set(log)
        try:
            async with deployed(
                {**ENV, "BASE_URL": backend.url, **fault.env},
                progress_timeout=fault.progress,
                socket_limits=SOCKETS_SOON_CLOSED,
            ) as service:
                await service.server.service.starting.wait()
                await service.server.service.charges.ledger.wait_until_loaded()
                yield Stage(cell, service, backend, log)
        finally:
            _cell_log.reset(token)
