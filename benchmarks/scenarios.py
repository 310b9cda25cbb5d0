"""What is measured: S1 unpaced streams, S2 paced streams, S3 answers in one piece, TTFT first tokens.

Targets take turns run by run (A B, B A, A B, ...), so that a busy moment of the machine, or a slow change of
its speed, affects all of them alike.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.backend_stream import ReplySpec, Style
from benchmarks.far_backend import ONE_WAY
from benchmarks.first_token import Caller, FirstToken
from benchmarks.latency import latencies_of, percentile
from benchmarks.load_generator import LoadGenerator, ReplyCounts
from benchmarks.processes import BenchmarkProcesses, RunningTarget
from benchmarks.usage import Usage

CLIENTS = 16
"""Clients of S1 and S3, each of which waits for its reply."""
RATE = 25
"""Tokens per second of a paced stream, about what the web client shows."""
SETTLE = 0.3
"""Seconds between the last start of a paced run and its window."""
ONCE_ABOVE = 1000
"""S2: levels of more streams are measured in the first repeat only, to see whether any fails."""


@dataclass(frozen=True, slots=True)
class Workload:
    """How much is measured: replies, streams, seconds, and how often."""

    style: Style
    repeats: int
    lengths: tuple[int, ...] = (250, 1000, 4000)
    """S1: tokens per reply."""
    seconds: float = 1.5
    """S1, S3: how long requests are started."""
    levels: tuple[int, ...] = (50, 200, 1000, 2000)
    """S2: streams at once."""
    window: float = 3.0
    """S2: seconds that are measured, with every stream open."""
    asks: int = 20
    """TTFT: answers in a row, one at a time."""

    @classmethod
    def quick(cls, style: Style, repeats: int) -> "Workload":
        """A workload of short runs, with at most 200 streams."""
        return cls(style, repeats, seconds=0.5, levels=(50, 200), window=1.5, asks=8)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one target."""

    scenario: str
    size: int
    """S1, S3, TTFT: tokens per reply; S2: streams at once."""
    target: str
    repeat: int
    good: int
    failed: int
    first_failure: str | None
    figures: dict[str, float] = field(default_factory=dict)
    """By name; the name ends with the unit."""


def unpaced(processes: BenchmarkProcesses, workload: Workload) -> Iterator[Measurement]:
    """S1: CPU per token when the backend never lets the target wait."""
    for repeat in range(workload.repeats):
        for tokens in workload.lengths:
            spec = ReplySpec(tokens, style=workload.style)
            for target in _in_turn(processes, repeat):
                before = target.meter.read()
                load = LoadGenerator(target.endpoint)
                counts = load.closed_loop(spec, clients=CLIENTS, seconds=workload.seconds)
                after = target.meter.read()
                figures = per_token(before, after, counts.good * tokens)
                figures["tokens_per_s"] = _ratio(counts.good * tokens, (after.when - before.when) / 1e9)
                figures["deltas_per_token"] = _ratio(counts.deltas, counts.good * tokens)
                yield _measurement("s1", tokens, target, repeat, counts, figures)


def paced(processes: BenchmarkProcesses, workload: Workload) -> Iterator[Measurement]:
    """S2: latency, CPU and memory with many open streams, each at the speed of a reader."""
    for streams in workload.levels:  # outermost and rising, so that no level has the memory of a larger one
        ramp = streams / 500
        window = (ramp + SETTLE, ramp + SETTLE + workload.window)
        spec = ReplySpec(math.ceil((window[1] + SETTLE) * RATE), RATE, workload.style)
        for repeat in range(1 if streams > ONCE_ABOVE else workload.repeats):
            for target in _in_turn(processes, repeat):
                run = LoadGenerator(target.endpoint).paced(
                    spec, streams=streams, ramp=ramp, window=window, sample=target.meter.read
                )
                times = latencies_of(run, processes.send_times)
                figures = per_token(run.at_start, run.at_end, times.tokens_received)
                figures["added_p50_ms"] = percentile(times.added, 50)
                figures["added_p99_ms"] = percentile(times.added, 99)
                figures["backend_late_p99_ms"] = percentile(times.backend_lateness, 99)
                seconds = (run.at_end.when - run.at_start.when) / 1e9
                cpu = run.at_end.server_cpu - run.at_start.server_cpu
                figures["cpu_percent"] = 100 * _ratio(cpu, seconds)
                figures["rss_kb_per_stream"] = (run.at_end.server_rss - target.idle_rss) / streams / 1024
                yield _measurement("s2", streams, target, repeat, run.counts, figures)


def answers(processes: BenchmarkProcesses, workload: Workload) -> Iterator[Measurement]:
    """S3: CPU per request when the reply is short and not streamed."""
    spec = ReplySpec(20, style=workload.style)
    for repeat in range(workload.repeats):
        for target in _in_turn(processes, repeat):
            before = target.meter.read()
            load = LoadGenerator(target.endpoint)
            counts = load.closed_loop(spec, clients=CLIENTS, seconds=workload.seconds, stream=False)
            after = target.meter.read()
            figures = per_token(before, after, counts.good * spec.tokens)
            figures["cpu_ms_per_request"] = 1e3 * _ratio(after.server_cpu - before.server_cpu, counts.good)
            figures["requests_per_s"] = _ratio(counts.good, (after.when - before.when) / 1e9)
            yield _measurement("s3", spec.tokens, target, repeat, counts, figures)


def first_tokens(processes: BenchmarkProcesses, workload: Workload) -> Iterator[Measurement]:
    """TTFT: time to the first token, the backend far away, its TLS connection and the caller's both kept.

    Asks of the targets take turns with ones that go straight to the backend. How much longer a target's
    quickest one takes is what it adds itself: the others had to wait for a core of a machine that is never
    quiet. Another round trip would show as 2 * ONE_WAY.
    """
    spec = ReplySpec(3, RATE, workload.style)
    for repeat in range(workload.repeats):
        targets = _in_turn(processes, repeat)
        with ExitStack() as callers:
            straight, *others = (
                callers.enter_context(Caller(endpoint))
                for endpoint in (processes.backend, *(target.endpoint for target in targets))
            )
            for caller in (straight, *others):
                caller.ask(spec)  # so that connections are open
            rounds = [[caller.ask(spec) for caller in (straight, *others)] for _ in range(workload.asks)]
        columns = [list(column) for column in zip(*rounds, strict=True)]
        for target, answers in zip(targets, columns[1:], strict=True):
            yield _time_to_first_token(target, repeat, answers, columns[0])


def _time_to_first_token(
    target: RunningTarget, repeat: int, answers: list[FirstToken], straight: list[FirstToken]
) -> Measurement:
    problems = [answer.problem for answer in answers if answer.problem is not None]
    counts = ReplyCounts(len(answers) - len(problems), len(problems), 0, next(iter(problems), None))
    seconds, floor = _right(answers), _right(straight)
    longer = min(seconds) - min(floor)
    more = round(longer / (2 * ONE_WAY))
    figures = {
        "ttft_ms": 1e3 * median(seconds),
        "straight_ms": 1e3 * median(floor),
        "round_trips": 1.0 + more,
        "own_ms": 1e3 * (longer - more * 2 * ONE_WAY),
    }
    return _measurement("ttft", 3, target, repeat, counts, figures)


def _right(answers: list[FirstToken]) -> list[float]:
    """Seconds of the right ones; 0 if there is none."""
    return [answer.seconds for answer in answers if answer.problem is None] or [0.0]


SCENARIOS: dict[str, Callable[[BenchmarkProcesses, Workload], Iterator[Measurement]]] = {
    "s1": unpaced,
    "s2": paced,
    "s3": answers,
    "ttft": first_tokens,
}
FAR = frozenset({"ttft"})
"""Scenarios in which the backend is far away."""


def _in_turn(processes: BenchmarkProcesses, repeat: int) -> list[RunningTarget]:
    return processes.targets if repeat % 2 == 0 else processes.targets[::-1]


def per_token(before: Usage, after: Usage, tokens: int) -> dict[str, float]:
    """Costs between two readings, in which so many tokens went by."""
    seconds = (after.when - before.when) / 1e9
    others = (after.core_busy - before.core_busy) - (after.server_cpu - before.server_cpu)
    return {
        "cpu_us_per_token": 1e6 * _ratio(after.server_cpu - before.server_cpu, tokens),
        "backend_us_per_token": 1e6 * _ratio(after.backend_cpu - before.backend_cpu, tokens),
        "loadgen_us_per_token": 1e6 * _ratio(after.loadgen_cpu - before.loadgen_cpu, tokens),
        "core_lost_to_others_percent": max(0.0, 100 * _ratio(others, seconds)),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _measurement(
    scenario: str,
    size: int,
    target: RunningTarget,
    repeat: int,
    counts: ReplyCounts,
    figures: dict[str, float],
) -> Measurement:
    return Measurement(
        scenario, size, target.name, repeat, counts.good, counts.failed, counts.first_failure, figures
    )
