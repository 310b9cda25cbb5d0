"""The anchors of headings."""

import re
from pathlib import Path


def anchors(path: Path) -> list[str]:
    """The anchors that GitHub gives the headings of a document, in their order."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
