"""The ratios that the measurements of one run give, and the goals that some of them have.

A ratio compares runs next to each other on the same core, so that it means the same on another machine.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from benchmarks.scenarios import ONCE_ABOVE, Measurement

COST = {"s1": "cpu_us_per_token", "s2": "cpu_us_per_token", "s3": "cpu_ms_per_request", "ttft": "own_ms"}
"""By scenario, the figure that the ratios of costs are made of."""

GOALS: Mapping[str, float] = {
    "S1 250 tokens: CPU, service / relay": 0.4,
    "S1 1000 tokens: CPU, service / relay": 0.4,
    "S1 4000 tokens: CPU, service / relay": 0.4,
    "S1 4000 / 250 tokens: CPU of the service": 2.5,
    "S2 200 streams: CPU, service / relay": 0.45,
    "S2 1000 streams: CPU, service / nginx": 1.5,
    "S2 1000 streams: added p99, service / nginx": 1.2,
    "S2 1000 streams: failed replies of the service": 0,
    "S2 2000 streams: failed replies of the service": 0,
    "S3 20 tokens: CPU, service / relay": 1.0,
    "TTFT: round trips of the service": 1,
    "TTFT: own ms of the service": 2,
}
"""By name of a ratio, the highest that is good."""

UNITS = {"s1": "tokens", "s2": "streams", "s3": "tokens"}
"""What the sizes of a scenario are."""


def ratios_of(measurements: Sequence[Measurement]) -> dict[str, float]:
    """By name, in the order of the scenarios, all ratios that these measurements give; medians of repeats."""
    return {name: value for scenario in UNITS for name, value in _of_scenario(measurements, scenario)} | dict(
        _of_first_tokens(measurements)
    )


def paired(
    measurements: Iterable[Measurement],
    scenario: str,
    over: tuple[str, int],
    under: tuple[str, int],
    figure: str | None = None,
) -> list[float]:
    """Ratios of a figure of two (target, size), one per repeat, whose runs are close in time.

    Without `figure` it is the cost of the scenario.
    """
    figures = {
        (m.target, m.size, m.repeat): m.figures[figure or COST[scenario]]
        for m in measurements
        if m.scenario == scenario and m.good
    }
    return [
        value / figures[*under, repeat]
        for (target, size, repeat), value in figures.items()
        if (target, size) == over and figures.get((*under, repeat))
    ]


def _of_scenario(measurements: Sequence[Measurement], scenario: str) -> Iterator[tuple[str, float]]:
    title = scenario.upper()
    sizes = dict.fromkeys(m.size for m in measurements if m.scenario == scenario)
    for size in sizes:
        what = f"{title} {size} {UNITS[scenario]}"
        for other in ("relay", "nginx"):
            if pairs := paired(measurements, scenario, ("service", size), (other, size)):
                yield f"{what}: CPU, service / {other}", median(pairs)
        latency = ("service", size), ("nginx", size), "added_p99_ms"
        if scenario == "s2" and (pairs := paired(measurements, scenario, *latency)):
            yield f"{what}: added p99, service / nginx", median(pairs)
        if scenario == "s2" and size >= ONCE_ABOVE:
            runs = [
                m.failed for m in measurements if (m.scenario, m.target, m.size) == ("s2", "service", size)
            ]
            if runs:
                yield f"{what}: failed replies of the service", sum(runs)
    growth = paired(measurements, "s1", ("service", 4000), ("service", 250))
    if scenario == "s1" and growth:
        yield "S1 4000 / 250 tokens: CPU of the service", median(growth)


def _of_first_tokens(measurements: Sequence[Measurement]) -> Iterator[tuple[str, float]]:
    runs = [m.figures for m in measurements if (m.scenario, m.target) == ("ttft", "service") and m.good]
    if runs:
        yield "TTFT: round trips of the service", median(run["round_trips"] for run in runs)
        yield "TTFT: own ms of the service", median(run["own_ms"] for run in runs)
