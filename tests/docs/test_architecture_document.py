"""`docs/architecture.md` tells of the rooms and arrows that the tests hold the house to."""

import re

from tests.source_tree import ROOT
from tests.test_architecture import ARROWS

DOCUMENT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
FAMILIES = {
    f"`{name}.*`": {room for room in ARROWS if room.split(".")[0] == name}
    for name in ("translate", "upstream")
}
"""How the table writes a room together with all rooms inside it."""


def cell(room: str) -> str:
    """The rooms that `room` may import from, as the table names them."""
    left, names = set(ARROWS[room]), []
    for name, family in FAMILIES.items():
        if family <= left:
            left -= family
            names.append(name)
    return ", ".join([*names, *(f"`{name}`" for name in ARROWS if name in left)])


def test_table_of_rooms_is_that_of_the_tests() -> None:
    section = DOCUMENT.partition("\n## The rooms\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z.]+)` \| [^|]+ \|([^|]*)\|$", section, re.MULTILINE))
    assert list(rows) == list(ARROWS)
    wrong = [f"{room}: write | {cell(room)} |" for room in ARROWS if rows[room].strip() != cell(room)]
    assert not wrong, "\n".join(wrong)


def test_files_that_it_names_exist() -> None:
    paths = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.[a-z]+)?)`", DOCUMENT))
    assert {path for path in paths if not (ROOT / path).exists()} == set()
