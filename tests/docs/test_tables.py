"""Tables of the documents can be shown: each row has the cells of its head."""

import re
from pathlib import Path

import pytest

from tests.docs.test_links import DOCUMENTS
from tests.source_tree import ROOT


def bars(row: str) -> int:
    """How many bars part the cells of a row: one in code parts them too, unless it is escaped."""
    return len(re.findall(r"(?<!\\)\|", row))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_row_has_the_cells_of_its_head(path: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, *rows = table.splitlines()
        assert [row for row in rows if bars(row) != bars(head)] == []
