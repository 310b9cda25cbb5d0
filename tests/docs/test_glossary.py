"""The glossary is in order, and the names in it are names of the source."""

import re

from settings import Settings
from settings.spec import specs_of
from tests.docs.names import CLASSES
from tests.source_tree import ROOT

WORDS, _, OLD_NAMES = (ROOT / "docs" / "glossary.md").read_text("utf-8").partition("## Names that went")
CLASS = re.compile(r"`([A-Z][a-z]\w+)`")
SETTING = re.compile(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+|UNITS|RETRIES)`")
SETTINGS = {spec.name for spec in specs_of(Settings).values()}


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of a table, without its head."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line[:2] == "| "
    ][2:]


def test_words_are_sorted() -> None:
    words = [word.lower() for word, _ in rows(WORDS)]
    assert words == sorted(words)
    assert len(words) == len(set(words))


def test_names_exist() -> None:
    now = " ".join(cell for _, cell in rows(OLD_NAMES))
    assert set(CLASS.findall(WORDS + now)) - CLASSES == set()
    assert set(SETTING.findall(WORDS + now)) - SETTINGS == set()
