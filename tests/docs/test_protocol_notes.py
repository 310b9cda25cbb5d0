"""What cites our protocol notes names a section that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECTIONS = set(
    re.findall(r"^##+ (\d+(?:\.\d+)?)\.? ", (ROOT / "docs" / "protocol.md").read_text("utf-8"), re.MULTILINE)
)
CITATION = re.compile(r"protocol notes,\s+sections?\s+(\d+(?:\.\d+)?(?:(?:,| and|, and)\s+\d+(?:\.\d+)?)*)")


def citations() -> dict[str, set[str]]:
    """The sections that each file of ours cites; a citation may go over the end of a line."""
    cited = {}
    for path in ROOT.glob("**/*.py"):
        if not {".venv", "node_modules"} & set(path.parts):
            text = re.sub(r"\n\s*(?:# )?", " ", path.read_text("utf-8"))
            numbers = {number for found in CITATION.findall(text) for number in re.findall(r"[\d.]+", found)}
            if numbers:
                cited[str(path.relative_to(ROOT))] = numbers
    return cited


def test_notes_have_the_sections_that_their_contents_promise() -> None:
    assert {str(number) for number in range(1, 20)} <= SECTIONS


def test_cited_sections_exist() -> None:
    cited = citations()
    assert cited, "no file cites the protocol notes"
    assert {path: numbers - SECTIONS for path, numbers in cited.items() if numbers - SECTIONS} == {}
