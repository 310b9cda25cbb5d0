"""The README is complete and true: every setting, every metric, and nothing that is not there."""

import re
from dataclasses import fields
from pathlib import Path

from handlers.app import ROUTES
from metrics import Metrics, Outcome
from settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COLLECTED = [
    family for family in Metrics(ROUTES, ["gpt-4-s"]).registry.collect() if family.name.startswith("pandora_")
]


SETTING_ROWS = re.findall(r"^\| `([A-Z0-9_]+)`(?: \(or `\1_FILE`\))? \|(.*)\|$", README, re.MULTILINE)


def exported(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name


def test_every_setting_stands_in_the_table_of_settings_with_its_default() -> None:
    rows = dict(SETTING_ROWS)
    names = {item.metadata["name"]: item.metadata for item in fields(Settings)}
    assert names.keys() - rows.keys() == set()
    for name, metadata in names.items():
        if default := metadata["default"]:
            assert f"`{default}`" in rows[name], f"{name} should have its default {default!r}"


def test_every_setting_in_the_readme_exists() -> None:
    rows = [name for name, _ in SETTING_ROWS]
    names = {item.metadata["name"] for item in fields(Settings)}
    assert set(rows) - names == set()
    assert len(rows) == len(set(rows)), "a setting stands there twice"


def test_every_metric_stands_in_the_readme_with_its_labels() -> None:
    for family in COLLECTED:
        row = re.search(rf"^\| `{exported(family.name, family.type)}` \| ([^|]*) \|", README, re.MULTILINE)
        assert row is not None, family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert set(filter(None, re.split(r"[, ]+", row[1]))) == labels


def test_every_metric_in_the_readme_exists() -> None:
    named = set(re.findall(r"pandora_[a-z0-9_]+", README))
    known = {exported(family.name, family.type) for family in COLLECTED}
    derived = {f"{name}_{end}" for name in known for end in ("bucket", "sum", "count")}
    assert named - known - derived == set()


def test_every_outcome_stands_in_the_readme() -> None:
    for outcome in Outcome:
        assert f"`{outcome.value}`" in README


def test_secrets_are_shown_with_their_file() -> None:
    for item in fields(Settings):
        name = item.metadata["name"]
        assert (f"`{name}_FILE`" in README) == item.metadata["secret"], name
