"""Another checkout beside this one: which processes run where, and how their figures are compared."""

from pathlib import Path

import pytest

from benchmarks.comparison import MicroComparison, compare_services, parse_micro, render_micro
from benchmarks.processes import Cores, StartFailed
from benchmarks.report import render
from benchmarks.scenarios import Measurement, Workload

MICRO_TABLE = """CPU us per event
style  path   dialect          fed by   250 tok  1000 tok  4000 tok
  raw  fast  snapshot          64 KiB      2.00      4.00      5.00
  raw  fast  delta v1          64 KiB      1.00      2.00      3.00
                ratio                      0.50      0.50      0.60
"""


def test_figures_are_read_from_the_table_of_micro() -> None:
    assert parse_micro(MICRO_TABLE) == {
        "raw fast snapshot 64 KiB": (2.0, 4.0, 5.0),
        "raw fast delta v1 64 KiB": (1.0, 2.0, 3.0),
    }


def test_translators_are_compared_case_by_case() -> None:
    before = {"raw fast snapshot 64 KiB": (2.0, 4.0), "raw fast delta v1 64 KiB": (1.0, 1.0)}
    after = {"raw fast snapshot 64 KiB": (4.0, 4.0), "another case": (1.0, 1.0)}
    report = render_micro(MicroComparison(before, after))
    assert "2.00    4.00  2.000" in report
    assert "delta v1" not in report
    assert report.endswith("micro: service / baseline = 1.414 (mean of all cases)")


def test_report_compares_with_the_baseline_where_there_is_one() -> None:
    names = ("requests_per_s", "backend_us_per_token", "loadgen_us_per_token", "core_lost_to_others_percent")
    figures = dict.fromkeys(names, 1.0)
    measurements = [
        Measurement("s3", 20, target, repeat, 16, 0, None, figures | {"cpu_ms_per_request": cost})
        for target, costs in {"baseline": (2.0, 2.0, 4.0), "service": (3.0, 2.0, 4.0)}.items()
        for repeat, cost in enumerate(costs)
    ]
    report = render(measurements)
    assert "1.00 (1.00-1.50)" in report
    assert report.endswith("s3: service / baseline = 1.000 (mean of all sizes)")


def test_service_is_started_in_the_other_checkout_with_the_modules_found_there(tmp_path: Path) -> None:
    (tmp_path / "its_own_module.py").write_text("raise SystemExit('the module of the other checkout')")
    (tmp_path / "server.py").write_text("import its_own_module")
    cores = Cores.of_this_process()
    with pytest.raises(StartFailed, match=r"baseline: .*\n.*the module of the other checkout"):
        list(compare_services(tmp_path, ["s3"], Workload.quick("py", 1), cores))
