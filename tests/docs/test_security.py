"""SECURITY.md is true: its promises name tests that exist, and its limits are those of the settings."""

import ast
import re
from pathlib import Path

import pytest

from settings import Settings
from settings.spec import specs_of

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "SECURITY.md").read_text("utf-8")
SPECS = {spec.name: spec for spec in specs_of(Settings).values()}
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def section(name: str) -> str:
    return DOCUMENT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of all tables, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    heads = set(re.findall(r"^(\| .*)\n\| ---", text, re.MULTILINE))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line not in heads]


PROMISES = rows(section("Promises"))


def test_there_are_promises() -> None:
    assert len(PROMISES) > 20
    assert all(len(row) == 2 for row in PROMISES)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda row: row[0][:40])
def test_promise_is_held_by_tests_that_exist(promise: list[str]) -> None:
    named = TEST.findall(promise[1])
    assert named, "no test holds it"
    assert TEST.sub("", promise[1]).strip(" ,") == ""
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        defined = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert any(one.startswith("test_") for one in defined), f"{path} has no tests"
        assert not name or name in defined, f"{path} has no {name}"


def test_limits_have_the_defaults_of_the_settings() -> None:
    limits = rows(section("Limits and their defaults"))
    told = {name.strip("`"): default.strip("`") for name, default, _ in limits}
    assert len(told) == len(limits) > 10
    assert told == {name: SPECS[name].default for name in told}


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`", DOCUMENT))
    assert named - {"NAME_FILE"} <= set(SPECS)
