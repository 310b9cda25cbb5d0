"""How docs/clients-setup.md says that a front end is set up."""

import re

from tests.processes import ROOT

SETUP = ROOT / "docs" / "clients-setup.md"
ADDRESS, KEY = "http://host.docker.internal:33333", "fk-your-key"
"""What stands there for the service and for a key."""


def settings(heading: str, url: str, key: str) -> dict[str, str]:
    """The environment variables in the section, for a key and the service at `url` (without a path)."""
    section = SETUP.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    block = re.search(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert block is not None, f"{heading} has no variables"
    lines = [line.partition("=") for line in block[1].splitlines()]
    return {name: value.strip("'").replace(ADDRESS, url).replace(KEY, key) for name, _, value in lines}
