"""Where the time of a delta goes: samples of the service's main thread under load, by room and by function.

    python -m benchmarks.profile               about half a minute; needs py-spy (`pip install py-spy`)

py-spy must be allowed to look into another process: as root, or with `kernel.yama.ptrace_scope` 0.
"""

import gc
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.backend_stream import ReplySpec
from benchmarks.latency import latencies_of
from benchmarks.load_generator import LoadGenerator
from benchmarks.processes import ROOT, SERVICE, BenchmarkProcesses, Cores
from benchmarks.scenarios import CLIENTS, RATE, SETTLE, per_token
from benchmarks.usage import Usage

SECONDS = 10.0
"""How long each load is sampled."""
SAMPLES_PER_SECOND = 250
STREAMS, TOKENS = 200, 1000
"""Of the paced and of the unpaced load."""
FUNCTIONS = 20
"""The rows of the second table."""
LIBRARY = re.compile(r"/python3\.\d+/(?:site-packages/)?(?P<name>\w+)")
FRAME = re.compile(r"(?P<function>.+) \((?P<file>.+?)(?::\d+)?\)$")

Samples = Counter[tuple[str, str]]
"""How often each (room or library, function) was running."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the main thread was seen in, and what a delta cost meanwhile."""

    load: str
    us_per_delta: float
    """CPU of the whole process."""
    core_lost_percent: float
    """Time of its core that went to others; above about 10, tokens share wake-ups, paced shares are off."""
    seen: Samples


def room_of(file: str) -> str:
    """The room, or the library, that a source file belongs to."""
    if (library := LIBRARY.search(file)) is not None:
        return library["name"]
    path = Path(file)
    if path.is_relative_to(ROOT):
        return ".".join(path.relative_to(ROOT).parts[:-1]) or path.stem
    return path.stem


def counted(samples: str) -> Samples:
    """Samples of the main thread by the function that was running, of py-spy's `raw` format with threads."""
    seen: Samples = Counter()
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        last = FRAME.match(frames[-1])
        if "MainThread" in frames[0] and last is not None:
            seen[room_of(last["file"]), last["function"]] += int(count)
    return seen


def report(profile: Profile) -> Iterator[str]:
    """Two tables: by room, and by function."""
    total = profile.seen.total()
    rooms: Counter[str] = Counter()
    for (room, _), count in profile.seen.items():
        rooms[room] += count
    cost = f"{profile.us_per_delta:.1f} us of CPU per delta"
    yield f"{profile.load}: {cost}, core lost {profile.core_lost_percent:.0f} %, {total} samples"
    for title, rows in (
        ("room", rooms.most_common(FUNCTIONS)),
        ("function", [(f"{room}: {name}", n) for (room, name), n in profile.seen.most_common(FUNCTIONS)]),
    ):
        yield f"  {'share':>6}  {'us/delta':>8}  {title}"
        for name, count in rows:
            yield f"  {count / total:>6.1%}  {profile.us_per_delta * count / total:>8.2f}  {name}"
    yield ""


def main() -> int:
    """Measure, print, and give the exit status."""
    if _py_spy() is None:
        print("py-spy is not installed.", file=sys.stderr)
        return 2
    cores = Cores.of_this_process()
    os.sched_setaffinity(0, {cores.load})
    gc.disable()
    for take in (_unpaced, _paced):
        with BenchmarkProcesses((SERVICE,), cores) as processes:
            print("\n".join(report(take(processes))), flush=True)
    return 0


def _unpaced(processes: BenchmarkProcesses) -> Profile:
    (service,) = processes.targets
    with _sampled(service.meter.server_pid) as seen:
        before = service.meter.read()
        counts = LoadGenerator(service.endpoint).closed_loop(
            ReplySpec(TOKENS, style="py"), clients=CLIENTS, seconds=SECONDS
        )
        after = service.meter.read()
    return _profile(f"unpaced, {TOKENS} tokens, {CLIENTS} clients", before, after, counts.good * TOKENS, seen)


def _paced(processes: BenchmarkProcesses) -> Profile:
    (service,) = processes.targets
    ramp = STREAMS / 500
    window = (ramp + SETTLE, ramp + SETTLE + SECONDS)
    spec = ReplySpec(math.ceil((window[1] + SETTLE) * RATE), RATE, "py")
    with _sampled(service.meter.server_pid) as seen:
        run = LoadGenerator(service.endpoint).paced(
            spec, streams=STREAMS, ramp=ramp, window=window, sample=service.meter.read
        )
    deltas = latencies_of(run, processes.send_times).tokens_received
    return _profile(f"paced, {STREAMS} streams of {RATE} tokens/s", run.at_start, run.at_end, deltas, seen)


def _profile(load: str, before: Usage, after: Usage, deltas: int, seen: Samples) -> Profile:
    cost = per_token(before, after, deltas)
    return Profile(load, cost["cpu_us_per_token"], cost["core_lost_to_others_percent"], seen)


def _py_spy() -> str | None:
    return shutil.which(
        "py-spy", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )


@contextmanager
def _sampled(pid: int | None) -> Iterator[Samples]:
    """While used with `with`, samples are taken; what was given is filled at the end."""
    seen: Samples = Counter()
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples"
        command = [
            _py_spy() or "py-spy",
            "record",
            "--pid",
            str(pid),
            "--duration",
            f"{SECONDS:.0f}",
            "--threads",
        ]
        command += ["--rate", str(SAMPLES_PER_SECOND), "--format", "raw", "--full-filenames"]
        sampler = subprocess.Popen(
            [*command, "--output", str(samples)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield seen
            said, _ = sampler.communicate(timeout=60)
        finally:
            sampler.kill()
            sampler.wait()
        if sampler.returncode or not samples.exists():
            raise SystemExit(f"py-spy failed: {said[-400:]}")
        seen.update(counted(samples.read_text()))


if __name__ == "__main__":
    raise SystemExit(main())
