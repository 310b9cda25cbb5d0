"""The text of a tag is the section of its version in the changelog."""

import subprocess
import sys

import pytest

from release.notes import CHANGELOG, notes_of
from server import VERSION

TEXT = """# Changelog

About versions.

## 1.10.0 (2027-01-02)

Newer.

## 1.1.0 (2026-12-24)

First line.

### Security

- `a` is mended.

## 1.0.0 (2026-11-28)

Oldest.
"""


def told(*version: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "release.notes", *version]
    return subprocess.run(command, cwd=CHANGELOG.parent, capture_output=True, text=True, timeout=60)


def test_notes_are_the_section_of_the_version_alone() -> None:
    expected = "pandora-to-v1 1.1.0 (2026-12-24)\n\nFirst line.\n\n### Security\n\n- `a` is mended.\n"
    assert notes_of("1.1.0", TEXT) == expected
    assert notes_of("1.0.0", TEXT) == "pandora-to-v1 1.0.0 (2026-11-28)\n\nOldest.\n"


@pytest.mark.parametrize("version", ["1.1", "1.0", "2.0.0", "", "1.1.0 (2026-12-24)"])
def test_version_without_a_section_has_no_notes(version: str) -> None:
    with pytest.raises(ValueError, match="no section of version"):
        notes_of(version, TEXT)


def test_command_tells_those_of_this_version_unless_another_one_is_named() -> None:
    assert told().stdout == told(VERSION).stdout == notes_of(VERSION, CHANGELOG.read_text())
    unknown = told("0.0.7")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "CHANGELOG.md has no section of version 0.0.7\n"
