"""What is measured: S1 unpaced streams, S2 paced streams, S3 answers in one piece.

Targets take turns run by run (A B A B ...), so that a busy moment of the machine meets them alike.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks import latency
from benchmarks.events import Ask, Style
from benchmarks.loadgen import LoadGenerator, Tally
from benchmarks.stage import Contestant, Stage
from benchmarks.usage import Usage

CLIENTS = 16  # of S1 and S3, each waiting for its reply
RATE = 25  # tokens per second of a paced stream, about what the web client shows
SETTLE = 0.3  # seconds between the last start of a paced run and its window


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything."""

    style: Style
    repeats: int
    lengths: tuple[int, ...] = (250, 1000, 4000)
    """S1: tokens per reply."""
    seconds: float = 1.5
    """S1, S3: requests are started for so long."""
    levels: tuple[int, ...] = (50, 200, 1000)
    """S2: streams at once."""
    window: float = 3.0
    """S2: seconds measured, with every stream open."""

    @classmethod
    def quick(cls, style: Style, repeats: int) -> "Plan":
        return cls(style, repeats, seconds=0.5, levels=(50, 200), window=1.5)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one target."""

    scenario: str
    size: int
    """S1, S3: tokens per reply; S2: streams at once."""
    target: str
    repeat: int
    good: int
    failed: int
    first_failure: str | None
    figures: dict[str, float] = field(default_factory=dict)
    """By name, unit in the name."""


def unpaced(stage: Stage, plan: Plan) -> Iterator[Measurement]:
    """S1: CPU per token when the backend never makes the target wait."""
    for repeat in range(plan.repeats):
        for tokens in plan.lengths:
            for contestant in stage.contestants:
                before = contestant.meter.read()
                load = LoadGenerator(contestant.target)
                tally = load.closed_loop(Ask(tokens, style=plan.style), clients=CLIENTS, seconds=plan.seconds)
                after = contestant.meter.read()
                figures = _per_token(before, after, tally.good * tokens)
                figures["tokens_per_s"] = _ratio(tally.good * tokens, (after.when - before.when) / 1e9)
                figures["deltas_per_token"] = _ratio(tally.deltas, tally.good * tokens)
                yield _measurement("s1", tokens, contestant, repeat, tally, figures)


def paced(stage: Stage, plan: Plan) -> Iterator[Measurement]:
    """S2: latency, CPU and memory with many streams open at once, each at reading speed."""
    for streams in plan.levels:  # outermost and rising, so that no level inherits a larger one's memory
        ramp = streams / 500
        window = (ramp + SETTLE, ramp + SETTLE + plan.window)
        tokens = math.ceil((window[1] + SETTLE) * RATE)
        for repeat in range(plan.repeats):
            for contestant in stage.contestants:
                run = LoadGenerator(contestant.target).paced(
                    Ask(tokens, RATE, plan.style),
                    streams=streams,
                    ramp=ramp,
                    window=window,
                    sample=contestant.meter.read,
                )
                times = latency.of(run, stage.send_times)
                figures = _per_token(run.at_start, run.at_end, times.tokens_received)
                figures["added_p50_ms"] = latency.percentile(times.added, 50)
                figures["added_p99_ms"] = latency.percentile(times.added, 99)
                figures["backend_late_p99_ms"] = latency.percentile(times.backend_lateness, 99)
                seconds = (run.at_end.when - run.at_start.when) / 1e9
                cpu = run.at_end.server_cpu - run.at_start.server_cpu
                figures["cpu_percent"] = 100 * _ratio(cpu, seconds)
                figures["rss_kb_per_stream"] = (run.at_end.server_rss - contestant.idle_rss) / streams / 1024
                yield _measurement("s2", streams, contestant, repeat, run.tally, figures)


def answers(stage: Stage, plan: Plan) -> Iterator[Measurement]:
    """S3: CPU per request where the reply is short and not streamed."""
    ask = Ask(20, style=plan.style)
    for repeat in range(plan.repeats):
        for contestant in stage.contestants:
            before = contestant.meter.read()
            load = LoadGenerator(contestant.target)
            tally = load.closed_loop(ask, clients=CLIENTS, seconds=plan.seconds, stream=False)
            after = contestant.meter.read()
            figures = _per_token(before, after, tally.good * ask.tokens)
            figures["cpu_ms_per_request"] = 1e3 * _ratio(after.server_cpu - before.server_cpu, tally.good)
            figures["requests_per_s"] = _ratio(tally.good, (after.when - before.when) / 1e9)
            yield _measurement("s3", ask.tokens, contestant, repeat, tally, figures)


SCENARIOS: dict[str, Callable[[Stage, Plan], Iterator[Measurement]]] = {
    "s1": unpaced,
    "s2": paced,
    "s3": answers,
}


def _per_token(before: Usage, after: Usage, tokens: int) -> dict[str, float]:
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
    scenario: str, size: int, contestant: Contestant, repeat: int, tally: Tally, figures: dict[str, float]
) -> Measurement:
    return Measurement(
        scenario, size, contestant.name, repeat, tally.good, tally.failed, tally.first_failure, figures
    )
