"""`docs/monitoring.md` has every metric with its labels and their values."""

import re

import yaml

from handlers.app import ROUTES
from metrics import Outcome
from tests.docs.metrics import COLLECTED, exported
from tests.docs.pages import MONITORING
from tests.source_tree import ROOT


def test_every_metric_stands_there_with_its_labels() -> None:
    for family in COLLECTED:
        row = re.search(
            rf"^\| `{exported(family.name, family.type)}` \| ([^|]*) \|", MONITORING, re.MULTILINE
        )
        assert row is not None, family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert set(filter(None, re.split(r"[, ]+", row[1]))) == labels


def test_every_route_of_the_metrics_stands_there() -> None:
    told = MONITORING.partition("The label `route` is ")[2].partition(";")[0]
    assert sorted(re.findall(r"`([a-z]+)`", told)) == sorted(ROUTES)


def test_every_outcome_stands_there() -> None:
    told = MONITORING.partition("\n- Outcomes are ")[2].partition("\n- ")[0]
    assert re.findall(r"`(\w+)`", told) == [outcome.value for outcome in Outcome]


def test_own_prometheus_is_told_the_rules_and_the_job_of_the_stack() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", MONITORING, re.DOTALL | re.MULTILINE)
    own = yaml.safe_load(block)
    folder = ROOT / "deploy" / "prometheus"
    stack = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))
    assert [path.partition("/deploy/prometheus/")[2] for path in own["rule_files"]] == stack["rule_files"]
    assert [job["job_name"] for job in own["scrape_configs"]] == [
        job["job_name"] for job in stack["scrape_configs"]
    ]
