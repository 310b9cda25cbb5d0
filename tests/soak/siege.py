"""Crowds before a service with the memory of the shipped compose file, one after the other and together."""

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tests.processes import PLAIN, ROOT, ask, listening_port, running
from tests.scripted_server import EVENT_STREAM, ScriptedServer, chunk, send, stall, status
from tests.soak.crowds import EACH, Crowd, everybody
from tests.soak.limited import raise_open_files, remove_group
from tests.soak.samples import Sample, take
from tests.soak.verdict import not_back
from tests.soak.world import World
from tests.stalled_readers import growing_answer
from turns.token_counter import KEEP_SECONDS

HOLDS_FOR = 3.0
"""Seconds that a crowd stays once it is there."""
ANSWERED_WITHIN = 15.0
"""Seconds in which `/healthz` must answer on a machine that does much beside; what it took is printed."""
BACK_WITHIN = KEEP_SECONDS + 60.0
"""Seconds. A vocabulary is held for a while after the last answer; then a busy machine needs time."""
GROWTH_MIB = 240.0
"""How much a crowd may leave behind at first: the C library keeps what it got until it is trimmed."""
LEFT_MIB = 64.0
"""How much more than before all crowds there may be in the end."""


def shipped_memory_mib() -> int:
    """The limit of memory in the compose files."""
    found = re.search(r"mem_limit: (\d+)m", (ROOT / "deploy" / "common.yaml").read_text())
    assert found is not None
    return int(found[1])


@dataclass(slots=True)
class Siege:
    """What came of it. `problems` is empty if all is well."""

    problems: list[str] = field(default_factory=list)


class HealthChecks:
    """Asks `/healthz` all the time while used with `with`, in a thread; `worst` is the longest wait."""

    def __init__(self, port: int) -> None:
        self.worst = 0.0
        self.failed = 0
        self._port = port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            began = time.monotonic()
            try:
                self.failed += ask(self._port, "GET", "/healthz").status != 200
            except OSError:
                self.failed += 1
            self.worst = max(self.worst, time.monotonic() - began)


@asynccontextmanager
async def _besieged() -> AsyncIterator[tuple[World, str]]:
    """The service under its limit, over a backend whose answers are long; and how it is limited."""
    raise_open_files()
    script = [status(200, EVENT_STREAM), send(growing_answer()), chunk(b": over\n\n"), stall()]
    with TemporaryDirectory(prefix="siege-") as folder:
        async with ScriptedServer(script) as backend:
            settings = {**PLAIN, "BASE_URL": backend.url, "PORT": "0", "STATE_DIR": folder}
            command = ["-m", "tests.soak.limited", str(shipped_memory_mib()), "server.py"]
            with running(command, settings) as service:
                port = await asyncio.to_thread(listening_port, service)
                how = service.wait_for(r"limit: (.*)")[1]
                yield World(service, port, 0, Path(folder), Path(folder) / "gpts.json"), how
    remove_group(service.pid)


async def besiege() -> Siege:
    """Let each crowd come and go; a line is printed for each."""
    siege = Siege()
    async with _besieged() as (world, how):
        print(f"limit: {how}", flush=True)
        before = await take(world)
        for crowd in (*EACH, everybody):
            name = getattr(crowd, "__name__", "")
            try:
                await _one(world, crowd, name, before, siege)
            except (OSError, EOFError) as error:
                siege.problems.append(f"{name}: the service is gone ({type(error).__name__})")
                return siege
        after = await _back(world, before, LEFT_MIB)
        print(f"in the end {after}", flush=True)
        siege.problems += [f"in the end: {problem}" for problem in not_back(before, after, mib=LEFT_MIB)]
    return siege


async def _one(world: World, crowd: Crowd, name: str, before: Sample, siege: Siege) -> None:
    """Let a crowd come and go."""
    with HealthChecks(world.port) as checks:
        async with crowd(world):
            await asyncio.sleep(HOLDS_FOR)
            there = await take(world)
        gone = await _back(world, before, GROWTH_MIB)
    siege.problems += [f"{name}: {problem}" for problem in not_back(before, gone, mib=GROWTH_MIB)]
    if checks.failed or checks.worst > ANSWERED_WITHIN:
        siege.problems.append(
            f"{name}: {checks.failed} health checks failed, the longest took {checks.worst:.1f} s"
        )
    print(f"{name}: /healthz after {checks.worst:.2f} s at most\n  there {there}\n  gone  {gone}", flush=True)


async def _back(world: World, before: Sample, limit_mib: float) -> Sample:
    until = time.monotonic() + BACK_WITHIN
    while True:
        await asyncio.sleep(0.5)
        now = await take(world)
        if not not_back(before, now, mib=limit_mib) or time.monotonic() > until:
            return now
