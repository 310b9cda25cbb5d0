"""The README is short, and the guides that it leads to name only what is there."""

import re

import pytest

from settings import Settings
from settings.spec import specs_of
from tests.docs.metrics import COLLECTED, exported
from tests.docs.pages import GUIDES, README, page
from tests.source_tree import ROOT
from translate.values import BUILT_IN

GUIDE = pytest.mark.parametrize("guide", GUIDES.values(), ids=GUIDES)


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 200


def test_readme_begins_with_the_commands() -> None:
    first = README.partition("```sh\n")[2].partition("```")[0]
    assert re.findall(r"^(git clone|make run|make test)\b", first, re.MULTILINE) == [
        "git clone",
        "make run",
        "make test",
    ]


def test_readme_leads_to_each_document() -> None:
    linked = set(re.findall(r"\]\(((?:docs/)?[\w.-]+\.md)[#)]", README))
    documents = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert {path for path in documents if ".zh-CN." not in path} <= linked


def clients(document: str) -> list[tuple[str, str, str]]:
    """The name of each client of its table, with the base address and whether it was tested."""
    row = r"^\| \[?([^\]|]+?)(?:\]\(\S+\))? \| `(http:[^`]+)` \| [^|]+ \| ([^|]+) \|$"
    return re.findall(row, document, re.MULTILINE)


def test_clients_of_the_readme_are_those_of_the_set_up() -> None:
    assert len(clients(README)) > 12
    assert clients(README) == clients(page("docs/clients-setup.md"))
    in_chinese = clients(page("docs/clients-setup.zh-CN.md"))
    assert clients(page("README.zh-CN.md")) == in_chinese


def test_models_stand_in_the_readme_with_their_units() -> None:
    for model in BUILT_IN:
        assert f"\n| `{model.name}` | {model.units} |" in README


@GUIDE
def test_settings_that_are_named_exist_under_their_present_names(guide: str) -> None:
    names = {spec.name for spec in specs_of(Settings).values()}
    old_names = {spec.old_name for spec in specs_of(Settings).values() if spec.old_name}
    assert re.findall(rf"`({'|'.join(old_names)})(?:_FILE)?[`=]", guide) == []
    assigned = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)=", guide))
    assert assigned - names <= {f"{name}_FILE" for name in names}, "something is set there that is no setting"


@GUIDE
def test_metrics_that_are_named_exist(guide: str) -> None:
    named = set(re.findall(r"pandora_[a-z0-9_]+", guide))
    known = {exported(family.name, family.type) for family in COLLECTED}
    derived = {f"{name}_{end}" for name in known for end in ("bucket", "sum", "count")}
    assert named - known - derived == set()
