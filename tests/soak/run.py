"""A soak: mixed traffic for so many seconds, sampled, and judged at the end."""

import asyncio
import re
import time
from dataclasses import dataclass, field

from tests.processes import ask
from tests.soak.samples import Sample, take
from tests.soak.traffic import HUNG, Traffic
from tests.soak.verdict import BOUNDS, growth, not_back, not_flat, slope_per_hour, wrongly_booked
from tests.soak.world import OFFERED, World, world

SAMPLES = 120
"""So many samples are taken in all, but not more than one in a second."""
TRACEBACK_LINES = 60
QUIET_WITHIN = 40.0
"""Seconds within which everything that clients left is gone: queues, stalled answers, sockets of accounts."""


@dataclass(slots=True)
class Soaked:
    """What came of it. `problems` is empty if all is well."""

    samples: list[Sample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)


async def soak(seconds: float) -> Soaked:
    """Run it; a line is printed each minute."""
    soaked = Soaked()
    async with world() as here:
        await _warm(here)
        before = await take(here)
        print(f"before    {before}", flush=True)
        traffic, stopped = Traffic(here), asyncio.Event()
        running = asyncio.create_task(traffic.run(stopped))
        try:
            await _sample(here, seconds, soaked, running)
        finally:
            stopped.set()
            await running
        after = await _quiet(here, before)
        print(f"after     {after}", flush=True)
        soaked.problems += not_flat(soaked.samples)
        soaked.problems += not_back(before, after)
        soaked.problems += await _booking(here, soaked)
        soaked.problems += _loud_lines(here)
    hung = {kind: count for (kind, outcome), count in traffic.seen.items() if outcome == HUNG}
    soaked.problems += [f"{kind}: {count} visits never came to an end" for kind, count in hung.items()]
    soaked.summary += [
        f"{name}: {growth(soaked.samples, measure):+.1f} (at most {bound:g}),"
        f" {slope_per_hour(soaked.samples, measure):+.1f} an hour"
        for name, measure, bound in BOUNDS
    ]
    visits = sorted(traffic.seen.items())
    soaked.summary += [f"{kind}, {outcome}: {count}" for (kind, outcome), count in visits]
    return soaked


async def _warm(here: World) -> None:
    """Each kind of answer once, so that nothing is loaded for the first time later."""
    for text in ("Hello", "Draw a cat", "Hello [[sim age=2025 transport=ws allow_sse=0]]"):
        await here.chat(0, text, stream=True)
    here.offer_gpts(range(OFFERED))


async def _sample(here: World, seconds: float, soaked: Soaked, running: "asyncio.Task[None]") -> None:
    began, pause = time.monotonic(), max(1.0, seconds / SAMPLES)
    told = 0
    while (elapsed := time.monotonic() - began) < seconds:
        await asyncio.sleep(min(pause, seconds - elapsed))
        if running.done():
            await running  # raises what ended it
        soaked.samples.append(await take(here))
        if elapsed // 60 >= told:
            told += 1
            print(f"{elapsed:7.0f} s {soaked.samples[-1]}", flush=True)


async def _quiet(here: World, before: Sample) -> Sample:
    """The service when it has let go of what clients left, or does not in time."""
    until = time.monotonic() + QUIET_WITHIN
    while True:
        await asyncio.sleep(1)
        now = await take(here)
        if not not_back(before, now) or time.monotonic() > until:
            return now


async def _booking(here: World, soaked: Soaked) -> list[str]:
    """What the ledger says beside what the backend accepted."""
    backend = await here.backend()
    usage = (await asyncio.to_thread(ask, here.port, "GET", "/v1/usage", key="")).json
    spent = sum(
        int(hour["units"]) for hour in usage["hours"]
    )  # of today alone, they would go at midnight UTC
    unknown = _attempts((await here.ask("/metrics")).body.decode(), "unknown")
    soaked.summary.append(
        f"{backend['accepted']} conversations accepted, {spent} units booked, {unknown} left in the unknown"
    )
    return wrongly_booked(spent, backend["accepted"], unknown)


def _attempts(metrics: str, outcome: str) -> int:
    found = re.search(rf'pandora_upstream_attempts_total{{outcome="{outcome}"}} (\S+)', metrics)
    return int(float(found[1])) if found else 0


def _loud_lines(here: World) -> list[str]:
    """Errors in the log: there are bugs behind them."""
    lines = here.service.output.splitlines()
    loud = [at for at, line in enumerate(lines) if " ERROR " in line or line.startswith("Traceback")]
    if not loud:
        return []
    first = "\n".join(lines[loud[0] : loud[0] + TRACEBACK_LINES])
    return [f"{len(loud)} errors in the log, the first:\n{first}"]
