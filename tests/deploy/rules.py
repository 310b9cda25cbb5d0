"""What the rule files and the dashboards say, read from the files as they are shipped."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.deploy.compose import DEPLOY

RULE_FILES = (DEPLOY / "prometheus" / "recording.yml", DEPLOY / "prometheus" / "alerts.yml")
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
    """Those of all panels, with the variables of Grafana filled in as for a look at all there is."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                where = f"{path.stem}: {panel['title']}: {target['refId']}"
                yield Query(where, filled_in(target["expr"]))


def filled_in(expression: str) -> str:
    """As Grafana would send it, with a rate interval of a minute."""
    for variable in ("$job", "$model"):
        expression = expression.replace(variable, ".*")
    expression = expression.replace("$__rate_interval", "1m")
    assert "$" not in expression
    return expression


def metric_names(expression: str) -> set[str]:
    """The metrics of this service in a query, as families: without the suffixes of histograms."""
    names = set(re.findall(r"(?<![:\w])pandora_\w+", expression))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}
