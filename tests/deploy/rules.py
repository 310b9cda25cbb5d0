"""What the rule files and the dashboards say, read from the files as they are shipped."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.deploy.compose import DEPLOY

RULE_FILES = tuple(DEPLOY / "prometheus" / name for name in ("recording.yml", "gen_ai.yml", "alerts.yml"))
DASHBOARDS = tuple(sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")))


def rules() -> list[dict[str, Any]]:
    """All rules, recording and alerting."""
    groups = [yaml.safe_load(path.read_text())["groups"] for path in RULE_FILES]
    return [rule for file in groups for group in file for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


@dataclass(frozen=True, slots=True)
class Query:
    """One query, of a panel or a rule, with where it stands."""

    where: str
    expression: str


def dashboard_queries() -> Iterator[Query]:
    """Those of all panels and annotations, with the variables of Grafana filled in as for a look at all."""
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                where = f"{path.stem}: {panel['title']}: {target['refId']}"
                yield Query(where, filled_in(target["expr"]))
        for note in annotations(board):
            yield Query(f"{path.stem}: annotation: {note['name']}", filled_in(note["expr"]))


def annotations(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that Prometheus is asked for; Grafana has one of its own on every dashboard."""
    return [note for note in board["annotations"]["list"] if "expr" in note]


def filled_in(expression: str) -> str:
    """As Grafana would send it, with a rate interval that is longer than any test."""
    for variable in ("$job", "$instance", "$model"):
        expression = expression.replace(variable, ".*")
    expression = expression.replace("$__rate_interval", "15m")
    assert "$" not in expression
    return expression


def metric_names(expression: str) -> set[str]:
    """The metrics of this service in a query, as families: without the suffixes of histograms."""
    names = set(re.findall(r"(?<![:\w])pandora_\w+", expression))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}
