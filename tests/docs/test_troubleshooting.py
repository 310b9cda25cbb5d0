"""`docs/troubleshooting.md` names errors, settings, metrics and chapters that exist."""

import re

import pytest

from settings import Settings
from settings.spec import specs_of
from tests.docs.metrics import COLLECTED, exported
from tests.docs.pages import ERRORS
from tests.source_tree import ROOT

DOCUMENT = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
STATUSES = ERRORS.partition("\n## Statuses and codes\n")[2].partition("\n## ")[0]
OF_OTHERS = {"PROXY_API_PREFIX_FILE", "NAME_FILE"}


def test_settings_that_are_named_exist() -> None:
    there = {spec.name for spec in specs_of(Settings).values()}
    named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`", DOCUMENT))
    assert named - there - OF_OTHERS == set()


def test_errors_that_are_named_stand_in_the_errors_with_their_status() -> None:
    named = set(re.findall(r"^\| (\d{3}) `(\w+)`", DOCUMENT, re.MULTILINE))
    assert len(named) > 8
    told = {
        (status, code)
        for statuses, codes in re.findall(r"^\| ([\d, ]+) \| ([^|]*) \|", STATUSES, re.MULTILINE)
        for status in statuses.split(", ")
        for code in re.findall(r"`(\w+)`", codes)
    }
    assert named - told == set()


def test_metrics_that_are_named_exist() -> None:
    known = {exported(family.name, family.type) for family in COLLECTED}
    assert set(re.findall(r"`(pandora_\w+)`", DOCUMENT)) - known == set()


SOURCES = "".join(
    path.read_text("utf-8")
    for folder in ("settings", "ledger", "front", "wiring")
    for path in (ROOT / folder).glob("*.py")
) + (ROOT / "server.py").read_text("utf-8")


@pytest.mark.parametrize(
    "words",
    [
        "BASE_URL is not set", "BASE_URL must be the root of the backend", "has a new name", "are both set",
        "is not usable", "MODEL_ALIASES is not usable", "names an empty file",
    ],
)  # fmt: skip
def test_lines_of_a_refused_start_are_those_that_it_prints(words: str) -> None:
    assert words in DOCUMENT
    assert words in SOURCES
