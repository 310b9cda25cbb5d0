"""Ratios of a run: their goals, and those of a release beside them."""

from pathlib import Path

from benchmarks.goals import GOALS, ratios_of
from benchmarks.kept_figures import Figures, newest, save
from benchmarks.report import render
from benchmarks.scenarios import Measurement

HARNESS = dict.fromkeys(
    ("backend_us_per_token", "loadgen_us_per_token", "core_lost_to_others_percent", "tokens_per_s"), 1.0
)
ANSWERS = "S3 20 tokens: CPU, service / relay"
S1 = HARNESS | {"deltas_per_token": 1.0}
S2 = HARNESS | dict.fromkeys(("added_p50_ms", "cpu_percent", "rss_kb_per_stream", "backend_late_p99_ms"), 1.0)
S3 = HARNESS | {"requests_per_s": 1.0}


def measured(failed: int = 0) -> list[Measurement]:
    """One run of everything that has a goal; service, relay and nginx cost 3, 6 and 2."""
    runs: list[Measurement] = []
    for target, cost in (("service", 3.0), ("relay", 6.0), ("nginx", 2.0)):
        unpaced = S1 | {"cpu_us_per_token": cost}
        runs += [Measurement("s1", size, target, 0, 9, 0, None, unpaced) for size in (250, 1000, 4000)]
        for size in (200, 1000, 2000):
            figures = S2 | {"cpu_us_per_token": cost, "added_p99_ms": 10 * cost}
            lost = failed if target == "service" else 0
            runs.append(Measurement("s2", size, target, 0, 9, lost, "cut" if lost else None, figures))
        runs.append(Measurement("s3", 20, target, 0, 9, 0, None, S3 | {"cpu_ms_per_request": cost}))
        first = {"ttft_ms": 42.0, "straight_ms": 40.0, "round_trips": 1.0, "own_ms": cost / 2}
        runs.append(Measurement("ttft", 3, target, 0, 9, 0, None, first))
    return runs


def test_each_goal_has_its_ratio_in_one_run() -> None:
    ratios = ratios_of(measured())
    assert set(GOALS) <= set(ratios)
    assert ratios["S2 200 streams: CPU, service / relay"] == 0.5
    assert ratios["S2 1000 streams: added p99, service / nginx"] == 1.5
    assert ratios["S2 2000 streams: failed replies of the service"] == 0
    assert ratios["TTFT: own ms of the service"] == 1.5


def test_report_says_which_goals_are_reached() -> None:
    lines = {line.split("  ")[0]: line for line in render(measured(failed=1)).splitlines()}
    assert lines[ANSWERS].endswith(" reached")
    assert lines["S1 250 tokens: CPU, service / relay"].endswith("NOT REACHED")
    assert lines["S2 2000 streams: failed replies of the service"].endswith("NOT REACHED")


def test_ratios_of_a_release_stand_beside_those_of_now(tmp_path: Path) -> None:
    for version in ("0.9.0", "0.10.0"):
        save(
            Figures(version, "2026-11-27", "a machine", "a command", {ANSWERS: 2.0}),
            tmp_path,
        )
    then = newest(tmp_path)
    assert then is not None
    assert then.version == "0.10.0"
    (line,) = (line for line in render(measured(), then).splitlines() if line.startswith(ANSWERS))
    assert line.split()[-5:] == ["0.50", "1", "reached", "2.00", "0.25"]


def test_without_any_release_there_is_nothing_beside(tmp_path: Path) -> None:
    assert newest(tmp_path) is None


def test_kept_figures_are_of_goals_that_there_are() -> None:
    kept = newest()
    assert kept is not None
    assert set(GOALS) <= set(kept.ratios)
