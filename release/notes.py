"""What is new in a version: `python -m release.notes [VERSION]` prints its section of the changelog.

That is the text of the tag: `git tag -a v1.0.0 --cleanup=whitespace -m "$(make -s notes)"`.
"""

import re
import sys
from pathlib import Path

from server import VERSION

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def notes_of(version: str, changelog: str) -> str:
    """The notes of a version, with its heading as a title. Raises ValueError if the changelog has none."""
    for section in re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        if heading.split()[0] == version:
            return f"pandora-to-v1 {heading}\n\n{text.strip()}\n"
    raise ValueError(f"CHANGELOG.md has no section of version {version}")


if __name__ == "__main__":
    try:
        print(notes_of(sys.argv[1] if len(sys.argv) > 1 else VERSION, CHANGELOG.read_text()), end="")
    except ValueError as error:
        sys.exit(str(error))
