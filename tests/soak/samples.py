"""What a service holds at one moment, read from /proc and from its own metrics."""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.usage import cpu_seconds, resident_bytes
from tests.soak.world import MIB, World

SAMPLE = re.compile(r"^([a-z_]+)(\{.*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment. Sizes in bytes, times in seconds."""

    at: float
    rss: int
    files: int
    threads: int
    series: int
    ledger: int
    media: int
    metrics: dict[str, float]
    """The sums of its families, by the name of the sample."""
    lag: dict[float, float]
    """How often the loop was at most so late."""
    cpu: float

    def __str__(self) -> str:
        return (
            f"{self.rss / MIB:6.1f} MiB, {self.files:4d} files, {self.threads:3d} threads,"
            f" {self.series:5d} series,"
            f" ledger {self.ledger / 1024:6.0f} KiB, media {self.media / 1024:6.0f} KiB,"
            f" {self.metrics['pandora_in_flight']:3.0f} in flight,"
            f" {self.metrics['pandora_requests_total']:6.0f} requests"
        )


async def take(world: World) -> Sample:
    """The service as it is now."""
    pid = world.service.pid
    text = (await world.ask("/metrics")).body.decode()
    sums: dict[str, float] = {}
    lag: dict[float, float] = {}
    found = SAMPLE.findall(text)
    for name, labels, value in found:
        sums[name] = sums.get(name, 0.0) + float(value)
        if name == "pandora_event_loop_lag_seconds_bucket":
            lag[float(labels.removeprefix('{le="').removesuffix('"}'))] = float(value)
    return Sample(
        time.monotonic(),
        resident_bytes(pid),
        len(os.listdir(f"/proc/{pid}/fd")),
        len(os.listdir(f"/proc/{pid}/task")),
        len(found),
        sum(path.stat().st_size for path in world.state.glob("ledger.sqlite3*")),
        size_of(world.state / "media"),
        sums,
        lag,
        cpu_seconds(pid),
    )


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder; files may go meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total
