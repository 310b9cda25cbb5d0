"""Files that the documentation shows are files that can be used."""

import re
from pathlib import Path

import pytest

from roster.accounts_file import read_roster

PAGE = Path(__file__).parents[2] / "docs" / "accounts.md"
EXAMPLES = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(4))
def test_example_can_be_used_as_it_stands(number: int) -> None:
    assert len(EXAMPLES) == 4
    found = read_roster(EXAMPLES[number].encode(), lambda at: f"pk-made-up-for-{at.name}")
    assert found.accounts
    assert found.grants
    assert found.problems == ()
