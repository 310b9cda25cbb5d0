"""Backend, relay and load generator together, over real sockets, for a moment."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks import latency, nginx
from benchmarks.backend_stream import ReplySpec
from benchmarks.goals import ratios_of
from benchmarks.load_generator import LoadGenerator
from benchmarks.processes import DIRECT, NGINX, RELAY, ROOT, BenchmarkProcesses, Cores
from benchmarks.report import render
from benchmarks.scenarios import Measurement
from benchmarks.usage import process_tree

RELAYS = (RELAY, NGINX) if nginx.installed() else (RELAY,)


@pytest.fixture(scope="module")
def processes() -> Iterator[BenchmarkProcesses]:
    with BenchmarkProcesses((*RELAYS, DIRECT), Cores.of_this_process()) as running:
        yield running


@pytest.mark.parametrize("stream", [True, False])
def test_relays_and_backend_answer_every_request_right(processes: BenchmarkProcesses, stream: bool) -> None:
    for running in processes.targets:
        load = LoadGenerator(running.endpoint)
        counts = load.closed_loop(ReplySpec(100, style="py"), clients=3, seconds=0, stream=stream)
        assert (counts.good, counts.failed, counts.first_failure) == (3, 0, None)
        assert counts.deltas == 300


def test_every_token_of_a_paced_run_is_timed_on_the_backends_schedule(processes: BenchmarkProcesses) -> None:
    took = []
    for running in processes.targets:
        load = LoadGenerator(running.endpoint)
        spec = ReplySpec(10, rate=50, style="raw")
        run = load.paced(spec, streams=4, ramp=0, window=(0, 60), sample=running.meter.read)
        times = latency.latencies_of(
            replace(run, at_start=replace(run.at_start, when=0)), processes.send_times
        )
        assert run.counts.good == 4
        assert len(times.added) == len(times.backend_lateness) == times.tokens_received == 40
        assert times.added[0] > 0
        assert times.backend_lateness[0] >= 0
        for slot in range(4):
            sent = processes.send_times.row(slot)[:10]
            assert sent == sorted(sent)
            took.append(sent[-1] - sent[0])
    # One whose first token is late has the others sooner.
    assert max(took) >= 9 * 1e9 / 50 * 0.9


def test_a_late_first_token_is_late_and_makes_no_other_token_early(processes: BenchmarkProcesses) -> None:
    running = processes.targets[0]
    load = LoadGenerator(running.endpoint)
    run = load.paced(ReplySpec(5, rate=50), streams=1, ramp=0, window=(0, 60), sample=running.meter.read)
    late_by = 200_000_000
    processes.send_times.put(0, 0, processes.send_times.row(0)[0] + late_by)
    whole_run = replace(
        run,
        at_start=replace(run.at_start, when=0),
        at_end=replace(run.at_end, when=run.at_end.when + late_by),
    )
    times = latency.latencies_of(whole_run, processes.send_times)
    assert times.backend_lateness[0] == 0
    assert times.backend_lateness[-1] >= late_by // 2


def test_a_reply_that_is_not_the_expected_one_is_a_failure(processes: BenchmarkProcesses) -> None:
    running = processes.targets[0]
    load = LoadGenerator(replace(running.endpoint, path="/nowhere"))
    counts = load.closed_loop(ReplySpec(5), clients=2, seconds=0)
    assert (counts.good, counts.failed) == (0, 2)
    assert "404" in (counts.first_failure or "")


def test_a_load_on_nobody_is_a_failure_and_not_a_crash(processes: BenchmarkProcesses) -> None:
    load = LoadGenerator(replace(processes.targets[0].endpoint, port=1))
    assert load.closed_loop(ReplySpec(5), clients=2, seconds=0).failed == 2


def s1(target: str, size: int, repeat: int, cost: float) -> Measurement:
    names = ("tokens_per_s", "deltas_per_token", "backend_us_per_token", "loadgen_us_per_token")
    figures = dict.fromkeys((*names, "core_lost_to_others_percent"), 1.0) | {"cpu_us_per_token": cost}
    return Measurement("s1", size, target, repeat, 16, 0, None, figures)


def test_ratios_are_medians_of_ratios_of_neighbouring_runs() -> None:
    costs = {("service", 250): (10, 10, 90), ("service", 1000): (12, 60, 13), ("relay", 1000): (10, 40, 10)}
    measurements = [
        s1(target, size, repeat, cost)
        for (target, size), row in {**costs, ("service", 4000): (20, 22, 180)}.items()
        for repeat, cost in enumerate(row)
    ]
    assert ratios_of(measurements) == {
        "S1 1000 tokens: CPU, service / relay": 1.3,
        "S1 4000 / 250 tokens: CPU of the service": 2.0,
    }


def test_the_report_names_failures() -> None:
    broken = replace(s1("service", 250, 0, 10.0), failed=2, first_failure="no [DONE]")
    assert "FAILED s1 250 service: 2 of 18 replies; no [DONE]" in render([broken])


def test_an_unknown_scenario_is_refused_with_the_names_there_are() -> None:
    command = [sys.executable, "-m", "benchmarks", "--scenario", "s9"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "s1,s2,s3" in done.stderr


def test_worker_of_nginx_is_measured_too(processes: BenchmarkProcesses) -> None:
    if not nginx.installed():
        pytest.skip("nginx is not installed")
    (target,) = (running for running in processes.targets if running.name == "nginx")
    assert target.meter.server_pid is not None
    assert len(process_tree(target.meter.server_pid)) == 2


def test_levels_for_which_too_few_files_may_be_open_are_left_out_and_named() -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--scenario", "s2", "--target", "direct"]
    limited = ["sh", "-c", 'ulimit -n 150; exec "$@"', "sh", *command]
    done = subprocess.run(limited, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "S2 of 50 streams is left out: `ulimit -Hn` is 150, needed are 200." in done.stdout
    assert "S2 of 200 streams is left out" in done.stdout
