"""Measures the service beside a bare relay and nginx with the same bytes, or beside another checkout of it.

The target runs on one CPU core, the backend and the load generator on another. Every character of every reply
is checked. The exit status is 1 if a reply was wrong, 2 if a process did not start.
"""

import argparse
import gc
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import tornado

from benchmarks import far_backend, kept_figures, nginx
from benchmarks.comparison import compare_services, compare_translators, render_micro
from benchmarks.goals import ratios_of
from benchmarks.processes import TARGETS, BenchmarkProcesses, Cores, StartFailed, usual_targets
from benchmarks.report import render
from benchmarks.scenarios import FAR, SCENARIOS, Measurement, Workload
from server import VERSION

OPEN_FILES = 8192
"""Files per process that are asked for."""
FILES_PER_STREAM = 2
"""In the target: one to the client, one to the backend."""
OTHER_FILES = 100
"""What a process needs beside its streams, generously."""
MICRO = "micro"
"""With `--against`, what stands for `benchmarks.micro` among the scenarios."""
REPEATS, QUICK_REPEATS, ROUNDS = 3, 1, 7
"""Runs of each target; rounds with `--against`."""


def main() -> int:
    """Measure, print the report, and give the exit status."""
    arguments = _arguments()
    workload = _workload(arguments)
    cores = Cores.of_this_process()
    if cores.target == cores.load:
        print("Only one CPU core: target, backend and load generator share it, so latencies mean little.")
    os.sched_setaffinity(0, {cores.load})
    workload = _possible(workload, _raise_descriptor_limit())
    if not nginx.installed():
        print("nginx is not installed: it is left out, and the goals beside it.")
    if not far_backend.possible():
        print(f"openssl is not installed: {', '.join(sorted(FAR))} is left out.")
    gc.disable()  # a collection in this process would make receipts late
    measurements: list[Measurement] = []
    reports: list[str] = []
    begun = time.monotonic()
    try:
        for measurement in _measured(arguments, workload, cores):
            measurements.append(measurement)
            _progress(
                f"{measurement.scenario} {measurement.size} {measurement.target}: {measurement.good} good"
            )
        if arguments.against and MICRO in arguments.scenario:
            os.sched_setaffinity(0, {cores.target})
            reports.append(render_micro(compare_translators(arguments.against, _progress)))
    except StartFailed as failure:
        print(f"Did not start: {failure}", file=sys.stderr)
        status = 2
    else:
        status = 1 if any(m.failed for m in measurements) else 0
    title = f"text {workload.style}, median of {workload.repeats}, Python {platform.python_version()}"
    print(f"{title}, Tornado {tornado.version}, {time.monotonic() - begun:.0f} s", end="\n\n")
    print("\n\n".join(filter(None, [render(measurements, kept_figures.newest()), *reports])))
    if arguments.save:
        print(f"Kept in {kept_figures.save(_figures(measurements))}.")
    if arguments.json:
        record = {"workload": asdict(workload), "measurements": [asdict(m) for m in measurements]}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")
    return status


def _measured(arguments: argparse.Namespace, workload: Workload, cores: Cores) -> Iterator[Measurement]:
    impossible = {MICRO} if far_backend.possible() else {MICRO, *FAR}
    scenarios = [name for name in arguments.scenario if name not in impossible]
    if arguments.against:
        yield from compare_services(arguments.against, scenarios, workload, cores)
        return
    specs = [TARGETS[name] for name in arguments.target]
    for name in scenarios:
        with BenchmarkProcesses(specs, cores, far=name in FAR) as processes:
            yield from SCENARIOS[name](processes, workload)
        gc.collect()


def _raise_descriptor_limit() -> int:
    """How many files each process may open from now on; what it starts inherits that."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def _possible(workload: Workload, descriptors: int) -> Workload:
    """Without the levels for which the process of a target may open too few files; says which."""
    needed = {streams: FILES_PER_STREAM * streams + OTHER_FILES for streams in workload.levels}
    for streams, files in needed.items():
        if files > descriptors:
            print(f"S2 of {streams} streams is left out: `ulimit -Hn` is {descriptors}, needed are {files}.")
    return replace(workload, levels=tuple(n for n, files in needed.items() if files <= descriptors))


def _figures(measurements: list[Measurement]) -> kept_figures.Figures:
    machine = f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}"
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    return kept_figures.Figures(VERSION, date.today().isoformat(), machine, command, ratios_of(measurements))


def _workload(arguments: argparse.Namespace) -> Workload:
    usual = ROUNDS if arguments.against else REPEATS
    repeats = arguments.repeats or (QUICK_REPEATS if arguments.quick else usual)
    make = Workload.quick if arguments.quick else Workload
    return make(arguments.style, repeats)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run of each, up to 200 streams")
    parser.add_argument(
        "--scenario",
        type=_names((*SCENARIOS, MICRO)),
        default=(*SCENARIOS, MICRO),
        help=f"some of {','.join(SCENARIOS)}; with --against also {MICRO}",
    )
    parser.add_argument(
        "--target",
        type=_names(TARGETS),
        default=tuple(spec.name for spec in usual_targets()),
        help=f"some of {','.join(TARGETS)}",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="measure the service of the checkout in DIR and this one in turn, instead of --target",
    )
    parser.add_argument("--style", choices=("raw", "py"), default="py", help="how the backend writes JSON")
    parser.add_argument(
        "--repeats",
        type=int,
        help=f"runs of each (default {REPEATS}, quick {QUICK_REPEATS}, with --against {ROUNDS} rounds)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements to FILE")
    parser.add_argument(
        "--save",
        action="store_true",
        help=f"keep the ratios as those of version {VERSION}, in benchmarks/figures",
    )
    return parser.parse_args()


def _names(allowed: Iterable[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if not set(names) <= set(allowed):
            raise argparse.ArgumentTypeError(f"must be some of {','.join(allowed)}")
        return names

    return parse


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
