"""Fails if an unpaced delta costs too much beside the bare relay.

    python -m benchmarks.ratio_check

Short runs of service and relay take turns, and the lowest ratio of two neighbours counts: other work on the
machine makes single ratios higher or lower by chance, but not the lowest of many, unless all are too high. It
stops at the first good ratio, so that noise can only make it longer, up to `TRIES`.
"""

import gc
import os
import sys
from collections.abc import Iterable, Iterator

from benchmarks.backend_stream import ReplySpec
from benchmarks.load_generator import LoadGenerator
from benchmarks.processes import RELAY, SERVICE, BenchmarkProcesses, Cores, RunningTarget, StartFailed
from benchmarks.scenarios import CLIENTS

BOUND = 0.6
"""The highest ratio of CPU, service / relay, that is good: somewhat above that of a busy machine, 0.5. The
goal is lower: see `benchmarks.goals`."""
TRIES = 10
SECONDS = 0.7
"""Of a run; CPU time is read in steps of 10 ms."""
SPEC = ReplySpec(1000, style="py")


class WrongReplies(Exception):
    """A reply was not right: then its cost does not matter."""


def lowest(ratios: Iterable[float], bound: float) -> float:
    """The lowest of the ratios, of which no more are asked for after one that is not above `bound`."""
    least = float("inf")
    for ratio in ratios:
        least = min(least, ratio)
        if least <= bound:
            break
    return least


def main() -> int:
    """Measure, print the verdict, and give the exit status: 0, 1 for too high, 2 for no measurement."""
    cores = Cores.of_this_process()
    os.sched_setaffinity(0, {cores.load})
    gc.disable()
    try:
        with BenchmarkProcesses((SERVICE, RELAY), cores) as processes:
            least = lowest(_ratios(processes), BOUND)
    except (StartFailed, WrongReplies) as failure:
        print(f"no ratio: {failure}", file=sys.stderr)
        return 2
    good = least <= BOUND
    print(f"unpaced, {SPEC.tokens} tokens: service / relay = {least:.2f} at best, at most {BOUND} is good")
    return 0 if good else 1


def _ratios(processes: BenchmarkProcesses) -> Iterator[float]:
    """Ratios of runs next to each other; service and relay begin in turn."""
    for number in range(TRIES):
        in_turn = processes.targets if number % 2 == 0 else processes.targets[::-1]
        costs = {target.name: _cost(target) for target in in_turn}
        yield costs[SERVICE.name] / costs[RELAY.name]


def _cost(target: RunningTarget) -> float:
    """CPU seconds per reply. Raises WrongReplies."""
    before = target.meter.read()
    counts = LoadGenerator(target.endpoint).closed_loop(SPEC, clients=CLIENTS, seconds=SECONDS)
    after = target.meter.read()
    if counts.failed:
        raise WrongReplies(f"{target.name}: {counts.failed} wrong, {counts.first_failure}")
    return (after.server_cpu - before.server_cpu) / counts.good


if __name__ == "__main__":
    raise SystemExit(main())
