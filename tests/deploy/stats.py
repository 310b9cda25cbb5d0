"""The colour in which Grafana shows the value of a stat panel."""

import json
from typing import Any

from tests.deploy.rules import DASHBOARDS


def stats() -> dict[str, dict[str, Any]]:
    """The stat panels of all dashboards, by their titles."""
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    return {panel["title"]: panel for board in boards for panel in board["panels"] if panel["type"] == "stat"}


def colour(panel: dict[str, Any], value: float) -> str:
    """By the mapping of this value, else by the last threshold that it reaches."""
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults.get("mappings", []):
        for text, shown in mapping["options"].items():
            if float(text) == value:
                return str(shown["color"])
    first, *others = defaults["thresholds"]["steps"]
    reached = [step for step in others if value >= step["value"]]
    return str((reached or [first])[-1]["color"])
