"""What the console takes from others: as it was published, with versions and licences."""

import json
import re

import pytest

from tests.service.console.vendor import PINS, SUMS, VENDOR, sums

FOLDERS = ("highlight", "katex", "markdown-it")


def test_files_are_those_that_were_fetched_and_there_are_no_others() -> None:
    assert sums(VENDOR) == (VENDOR / SUMS).read_text()
    assert {path.name for path in VENDOR.iterdir()} == {*FOLDERS, *PINS, SUMS}


def test_versions_are_pinned_and_the_lock_has_them() -> None:
    wanted = json.loads((VENDOR / "package.json").read_text())["dependencies"]
    locked = json.loads((VENDOR / "package-lock.json").read_text())["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_has_its_licence(folder: str) -> None:
    licence = (VENDOR / folder / "LICENSE").read_text()
    assert "Copyright" in licence
    assert "Permission is hereby granted" in licence or "Redistribution and use" in licence


def test_style_sheet_of_formulas_names_only_fonts_that_are_here() -> None:
    folder = VENDOR / "katex"
    named = re.findall(r"url\(([^)]*\.woff2)\)", (folder / "katex.min.css").read_text())
    assert {(folder / name).name for name in named} == {path.name for path in (folder / "fonts").iterdir()}
