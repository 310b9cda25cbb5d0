"""The README is complete and true: every setting, every metric, and nothing that is not there."""

import re
from pathlib import Path

from handlers.app import ROUTES
from metrics import Metrics, Outcome
from settings import Settings
from settings.spec import SettingSpec, specs_of
from translate.values import BUILT_IN

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
METRICS = Metrics(ROUTES, ["gpt-4-s"])
METRICS.accounts.keep(["an-account"], ["a-key"])
COLLECTED = [family for family in METRICS.registry.collect() if family.name.startswith("pandora_")]


def exported(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name


def setting_row(spec: SettingSpec) -> str:
    """How a setting stands in the table of settings."""
    name = f"`{spec.name}` (or `{spec.name}_FILE`)" if spec.secret else f"`{spec.name}`"
    default = f" `{spec.default}` " if spec.default else "  "
    return f"| {name} |{default}| {spec.sentence} |"


def test_table_of_settings_is_that_of_the_code() -> None:
    section = README.partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [setting_row(spec) for spec in specs_of(Settings).values()]


def test_every_setting_in_the_readme_exists_under_its_present_name() -> None:
    names = {spec.name for spec in specs_of(Settings).values()}
    old_names = {spec.old_name for spec in specs_of(Settings).values() if spec.old_name}
    assert re.findall(rf"`({'|'.join(old_names)})(?:_FILE)?[`=]", README) == []
    assigned = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)=", README))
    assert assigned <= names, "something is set there that is no setting"


def test_models_stand_in_the_readme_with_their_units() -> None:
    for model in BUILT_IN:
        row = re.search(rf"^\| `{re.escape(model.name)}` \| `(.*)` \| (\d+) \|", README, re.MULTILINE)
        assert row is not None, model.name
        assert (row[1], int(row[2])) == (model.slug, model.units)


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


def test_every_route_of_the_metrics_stands_in_the_readme() -> None:
    told = README.partition("The label `route` is ")[2].partition(";")[0]
    assert sorted(re.findall(r"`([a-z]+)`", told)) == sorted(ROUTES)


def test_every_outcome_stands_in_the_readme() -> None:
    for outcome in Outcome:
        assert f"`{outcome.value}`" in README
