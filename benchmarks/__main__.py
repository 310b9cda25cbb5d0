"""Measure the service beside a bare relay of the same bytes, and print tables, ratios and verdicts.

The target runs on one CPU core, the backend and the load generator on another. Every reply is checked to the
last character; if one was wrong, the exit status is 1.
"""

import argparse
import gc
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import tornado

from benchmarks.report import render
from benchmarks.scenarios import SCENARIOS, Measurement, Plan
from benchmarks.stage import TARGETS, Cores, DidNotStart, Stage

OPEN_FILES = 8192  # 1000 streams are 3000 sockets over all processes, 2000 of them in the target


def main() -> int:
    arguments = _arguments()
    plan_of = Plan.quick if arguments.quick else Plan
    plan = plan_of(arguments.style, arguments.repeats or (1 if arguments.quick else 3))
    cores = Cores.of_this_process()
    if cores.server == cores.load:
        print("Only one CPU core: target, backend and load generator share it, latencies mean little.")
    os.sched_setaffinity(0, {cores.load})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))
    gc.disable()  # a collection in this process would make receipts late
    measurements: list[Measurement] = []
    begun = time.monotonic()
    try:
        for name in arguments.scenario:
            with Stage(arguments.target, cores) as stage:
                for measurement in SCENARIOS[name](stage, plan):
                    measurements.append(measurement)
                    _progress(measurement)
            gc.collect()
    except DidNotStart as failure:
        print(f"Did not start: {failure}", file=sys.stderr)
        status = 2
    else:
        status = 1 if any(m.failed for m in measurements) else 0
    title = f"text {plan.style}, median of {plan.repeats}, Python {platform.python_version()}"
    print(f"{title}, Tornado {tornado.version}, {time.monotonic() - begun:.0f} s\n\n{render(measurements)}")
    if arguments.json:
        record = {"plan": asdict(plan), "measurements": [asdict(m) for m in measurements]}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")
    return status


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run of each, up to 200 streams")
    parser.add_argument("--scenario", type=_listed(tuple(SCENARIOS)), default=tuple(SCENARIOS))
    parser.add_argument(
        "--target", type=_listed(TARGETS), default=("service", "relay"), help=f"some of {','.join(TARGETS)}"
    )
    parser.add_argument("--style", choices=("raw", "py"), default="py", help="how the backend writes JSON")
    parser.add_argument("--repeats", type=int, help="runs of each (default 3, quick 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run to FILE")
    return parser.parse_args()


def _listed(allowed: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if not set(names) <= set(allowed):
            raise argparse.ArgumentTypeError(f"must be some of {','.join(allowed)}")
        return names

    return parse


def _progress(m: Measurement) -> None:
    if sys.stderr.isatty():
        print(f"{m.scenario} {m.size} {m.target}: {m.good} good, {m.failed} failed", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
