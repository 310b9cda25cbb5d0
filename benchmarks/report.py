"""Measurements as tables, ratios and verdicts."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import geometric_mean, median

from benchmarks.scenarios import CLIENTS, RATE, Measurement

GOAL_AT_1000 = 1.3
"""S1: the highest cost of a token of a 1000-token reply, as a multiple of the relay's."""
GOAL_GROWTH = 2.5
"""S1: the highest cost of a token of a 4000-token reply, as a multiple of that in a 250-token reply."""

TITLES = {
    "s1": f"S1: unpaced streams, {CLIENTS} at once, by tokens per reply",
    "s2": f"S2: paced streams, {RATE} tokens/s each, by streams at once",
    "s3": f"S3: answers not streamed, {CLIENTS} at once, by tokens per reply",
}
COLUMNS = {
    "s1": (
        ("CPU us/token", "cpu_us_per_token", 1),
        ("tokens/s", "tokens_per_s", 0),
        ("deltas/token", "deltas_per_token", 2),
    ),
    "s2": (
        ("added p50 ms", "added_p50_ms", 2),
        ("added p99 ms", "added_p99_ms", 1),
        ("CPU us/token", "cpu_us_per_token", 0),
        ("CPU %", "cpu_percent", 0),
        ("RSS KB/stream", "rss_kb_per_stream", 0),
        ("backend late p99 ms", "backend_late_p99_ms", 1),
    ),
    "s3": (
        ("CPU ms/request", "cpu_ms_per_request", 2),
        ("requests/s", "requests_per_s", 0),
    ),
}
HARNESS = (
    ("backend us/token", "backend_us_per_token", 1),
    ("loadgen us/token", "loadgen_us_per_token", 1),
    ("core lost %", "core_lost_to_others_percent", 0),
)
COST = {"s1": "cpu_us_per_token", "s2": "cpu_us_per_token", "s3": "cpu_ms_per_request"}
"""By scenario, the figure that the ratios of costs are made of."""
REFERENCES = ("baseline", "relay")
"""Targets that the service is compared with; the first of them that was measured."""


def render(measurements: Sequence[Measurement]) -> str:
    """The whole report: a table per scenario, then the verdicts and all failures."""
    parts = [
        "\n".join([TITLES[scenario], *_table(scenario, [m for m in measurements if m.scenario == scenario])])
        for scenario in TITLES
        if any(m.scenario == scenario for m in measurements)
    ]
    parts.append("\n".join([*verdicts(measurements), *_failures(measurements)]))
    return "\n\n".join(filter(None, parts))


def verdicts(measurements: Sequence[Measurement]) -> Iterator[str]:
    """One line for each goal, and for each comparison with a baseline, that was measured."""
    pairs = paired(measurements, "s1", ("service", 1000), ("relay", 1000))
    if pairs:
        yield f"1000 tokens: service / relay = {median(pairs):.2f} (goal <= {GOAL_AT_1000})"
    growth = paired(measurements, "s1", ("service", 4000), ("service", 250))
    if growth:
        yield f"4000 / 250 = {median(growth):.2f} (goal <= {GOAL_GROWTH})"
    for scenario in TITLES:
        sizes = dict.fromkeys(m.size for m in measurements if m.scenario == scenario)
        ratios = [paired(measurements, scenario, ("service", n), ("baseline", n)) for n in sizes]
        medians = [median(of_size) for of_size in ratios if of_size]
        if medians:
            yield f"{scenario}: service / baseline = {geometric_mean(medians):.3f} (mean of all sizes)"


def paired(
    measurements: Iterable[Measurement], scenario: str, over: tuple[str, int], under: tuple[str, int]
) -> list[float]:
    """Ratios of the costs of two (target, size), one per repeat, whose runs are close in time."""
    costs = {
        (m.target, m.size, m.repeat): m.figures[COST[scenario]]
        for m in measurements
        if m.scenario == scenario and m.good
    }
    return [
        cost / costs[*under, repeat]
        for (target, size, repeat), cost in costs.items()
        if (target, size) == over and costs.get((*under, repeat))
    ]


def _table(scenario: str, measurements: Sequence[Measurement]) -> Iterator[str]:
    columns = (*COLUMNS[scenario], *HARNESS)
    reference = next((name for name in REFERENCES if any(m.target == name for m in measurements)), "relay")
    rows = [["size", "target", *(title for title, _, _ in columns), f"service / {reference} (range)"]]
    for size in dict.fromkeys(m.size for m in measurements):
        for target in dict.fromkeys(m.target for m in measurements):
            runs = [m.figures for m in measurements if (m.size, m.target) == (size, target)]
            cells = [f"{median(run[key] for run in runs):.{digits}f}" for _, key, digits in columns]
            ratios = paired(measurements, scenario, ("service", size), (reference, size))
            ratio = f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else ""
            rows.append([str(size), target, *cells, ratio if target == "service" else ""])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _failures(measurements: Iterable[Measurement]) -> Iterator[str]:
    for m in measurements:
        if m.failed:
            total = m.good + m.failed
            yield f"FAILED {m.scenario} {m.size} {m.target}: {m.failed} of {total} replies; {m.first_failure}"
