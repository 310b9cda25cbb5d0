"""Measurements as tables, ratios and verdicts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import geometric_mean, median

from benchmarks.far_backend import ONE_WAY
from benchmarks.goals import GOALS, paired, ratios_of
from benchmarks.kept_figures import Figures
from benchmarks.scenarios import CLIENTS, RATE, Measurement

TITLES = {
    "s1": f"S1: unpaced streams, {CLIENTS} at once, by tokens per reply",
    "s2": f"S2: paced streams, {RATE} tokens/s each, by streams at once",
    "s3": f"S3: answers not streamed, {CLIENTS} at once, by tokens per reply",
    "ttft": f"TTFT: time to the first token, backend behind TLS and {2e3 * ONE_WAY:.0f} ms of round trip",
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
    "ttft": (
        ("TTFT ms", "ttft_ms", 2),
        ("straight ms", "straight_ms", 2),
        ("round trips", "round_trips", 0),
        ("own ms", "own_ms", 2),
    ),
}
HARNESS = (
    ("backend us/token", "backend_us_per_token", 1),
    ("loadgen us/token", "loadgen_us_per_token", 1),
    ("core lost %", "core_lost_to_others_percent", 0),
)
REFERENCES = ("baseline", "relay")
"""Targets that the service is compared with; the first of them that was measured."""


def render(measurements: Sequence[Measurement], then: Figures | None = None) -> str:
    """The whole report: a table per scenario, then all ratios, also beside `then`, and all failures."""
    parts = [
        "\n".join([TITLES[scenario], *_table(scenario, [m for m in measurements if m.scenario == scenario])])
        for scenario in TITLES
        if any(m.scenario == scenario for m in measurements)
    ]
    parts.append("\n".join(_goals(ratios_of(measurements), then)))
    parts.append("\n".join([*beside_baseline(measurements), *_failures(measurements)]))
    return "\n\n".join(filter(None, parts))


def _goals(ratios: Mapping[str, float], then: Figures | None) -> Iterator[str]:
    """A line for each ratio: what it is now, its goal, and what it was."""
    if not ratios:
        return
    before = then.ratios if then else {}
    rows = [["ratio", "now", "goal", "", *(["then", "now / then"] if then else [])]]
    for name, now in ratios.items():
        goal, was = GOALS.get(name), before.get(name)
        verdict = "" if goal is None else "reached" if now <= goal else "NOT REACHED"
        row = [name, f"{now:.2f}", "" if goal is None else f"{goal:g}", verdict]
        if then:
            row += ["", ""] if was is None else [f"{was:.2f}", f"{now / was:.2f}" if was else ""]
        rows.append(row)
    if then:
        yield f"Ratios, and those of {then.version} ({then.date}):"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        padded = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *padded]).rstrip()


def beside_baseline(measurements: Sequence[Measurement]) -> Iterator[str]:
    """One line for each scenario that was measured with a baseline."""
    for scenario in TITLES:
        sizes = dict.fromkeys(m.size for m in measurements if m.scenario == scenario)
        ratios = [paired(measurements, scenario, ("service", n), ("baseline", n)) for n in sizes]
        medians = [median(of_size) for of_size in ratios if of_size]
        if medians:
            yield f"{scenario}: service / baseline = {geometric_mean(medians):.3f} (mean of all sizes)"


def _table(scenario: str, measurements: Sequence[Measurement]) -> Iterator[str]:
    columns = (*COLUMNS[scenario], *(HARNESS if scenario != "ttft" else ()))
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
