"""Measures another checkout of the service and this one in turn, in one run.

Each round starts all processes anew and measures both, since two processes of the same program differ by a
few percent: by the layout of their memory, by the order of their hash tables. Ratios are those of one round.
"""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import geometric_mean

from benchmarks.processes import (
    ROOT,
    SERVICE,
    BenchmarkProcesses,
    Cores,
    StartFailed,
    service_in,
    start_python,
)
from benchmarks.scenarios import FAR, SCENARIOS, Measurement, Workload

MICRO_ROUNDS = 3
"""Runs of `benchmarks.micro` of each checkout; of every figure the lowest counts."""

_MICRO_ROW = re.compile(
    r"^ *(?P<case>(?:raw|py) +(?:fast|full) +(?:snapshot|delta v1) +(?:64 KiB|event))"
    r" +(?P<figures>[-\d. ]+)$",
    re.MULTILINE,
)

MicroFigures = Mapping[str, tuple[float, ...]]
"""By case (style, path, dialect, how it is fed): microseconds per record, one for each length of replies."""


@dataclass(frozen=True, slots=True)
class MicroComparison:
    """The lowest figures of `benchmarks.micro` in both checkouts."""

    baseline: MicroFigures
    service: MicroFigures


def compare_services(
    directory: Path, scenarios: Sequence[str], workload: Workload, cores: Cores
) -> Iterator[Measurement]:
    """Measurements of the targets `baseline` (the service in `directory`) and `service`, round by round.

    `workload.repeats` is the number of rounds. Raises StartFailed.
    """
    one_round = replace(workload, repeats=1)
    specs = (service_in(directory), SERVICE)
    for scenario in scenarios:
        for number in range(workload.repeats):
            in_turn = specs if number % 2 == 0 else specs[::-1]
            with BenchmarkProcesses(in_turn, cores, far=scenario in FAR) as processes:
                for measurement in SCENARIOS[scenario](processes, one_round):
                    yield replace(measurement, repeat=number)


def compare_translators(directory: Path, progress: Callable[[str], None]) -> MicroComparison:
    """Run `benchmarks.micro` of both checkouts in turn. Raises StartFailed if one of them fails."""
    runs: dict[Path, list[MicroFigures]] = {directory: [], ROOT: []}
    for number in range(MICRO_ROUNDS):
        for checkout in (directory, ROOT) if number % 2 == 0 else (ROOT, directory):
            runs[checkout].append(_run_micro(checkout))
            progress(f"micro, round {number + 1} of {MICRO_ROUNDS}, {checkout}")
    return MicroComparison(_lowest(runs[directory]), _lowest(runs[ROOT]))


def render_micro(comparison: MicroComparison) -> str:
    """The ratios service / baseline of all cases that both checkouts have, and their mean."""
    lines = ["Translation alone: service / baseline, by tokens per reply as in benchmarks.micro"]
    ratios: list[float] = []
    for case, before in comparison.baseline.items():
        after = comparison.service.get(case)
        if after is None:
            continue
        of_case = [new / old for new, old in zip(after, before, strict=True)]
        ratios += of_case
        figures = "  ".join(
            f"{old:7.2f} {new:7.2f} {new / old:6.3f}" for new, old in zip(after, before, strict=True)
        )
        lines.append(f"{case:<34}  {figures}")
    if ratios:
        lines.append(f"micro: service / baseline = {geometric_mean(ratios):.3f} (mean of all cases)")
    return "\n".join(lines)


def parse_micro(table: str) -> MicroFigures:
    """The figures in what `benchmarks.micro` prints."""
    return {
        " ".join(row["case"].split()): tuple(map(float, row["figures"].split()))
        for row in _MICRO_ROW.finditer(table)
    }


def _run_micro(checkout: Path) -> MicroFigures:
    process = start_python(("-m", "benchmarks.micro"), checkout, {}, subprocess.PIPE)
    output = process.communicate()[0].decode(errors="replace")
    figures = parse_micro(output)
    if process.returncode or not figures:
        raise StartFailed(f"benchmarks.micro in {checkout}: {output[-800:]}")
    return figures


def _lowest(runs: Sequence[MicroFigures]) -> MicroFigures:
    """The lowest figures above zero: on a busy machine the cost of reading the clock may be overestimated."""
    columns = {case: zip(*(run[case] for run in runs), strict=True) for case in runs[0]}
    return {
        case: tuple(min(figure for figure in column if figure > 0) for column in of_case)
        for case, of_case in columns.items()
    }
