"""The lines to paste in docs/clients.md, done as a reader does them, and the table there."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.clients.parts import PROGRAMS, Part
from tests.processes import ROOT, new_key

GUIDE = ROOT / "docs" / "clients.md"
LINES = "the lines above"
"""The feature that is: what the guide says works."""
SECONDS = 120.0
ADDRESS, KEY = "http://127.0.0.1:33333", "fk-your-key"
"""What stands in the guide for the reader's own."""
NOWHERE = "http://127.0.0.1:9"
"""A proxy that does not answer: nothing but the service can be reached."""
_BLOCK = re.compile(
    r"(?:`(?P<file>[^`\n]+)`:\n\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the content of a file, or commands if there is no `file`."""

    file: str
    text: str


def blocks_of(heading: str) -> Iterator[Block]:
    """The blocks in a section of the guide, in their order."""
    section = GUIDE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    for found in _BLOCK.finditer(section):
        if found["file"] or found["language"] == "sh":
            yield Block(found["file"] or "", found["text"])


def follow(heading: str, url: str, folder: Path, part: Part, *, shell: bool) -> str:
    """Do what a section says, with `folder` as the home and the place of work. What went wrong, or "".

    The last commands print what the model said: what a tool of the section's program gave stands in it, or
    with `shell` the names of the files that are there, since the model is asked to run `ls`.
    """
    programs = folder / ".programs"
    programs.mkdir()
    for name, program in PROGRAMS.items():
        # A link would do for all but Python, which finds its environment by where it is.
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(str(program))} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    if part is Part.NODE:
        (folder / "node_modules").symlink_to(part.folder / "node_modules")
    expected = "It snows in Oslo."
    if shell:
        expected = f"seen-by-{new_key()}.txt"
        (folder / expected).touch()
    key, said = new_key(), ""
    for block in blocks_of(heading):
        text = block.text.replace(ADDRESS, url).replace(KEY, key)
        if block.file:
            file = folder / block.file.removeprefix("~/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            continue
        run = subprocess.run(
            ["bash", "-euc", text],
            cwd=folder,
            env=_environment(folder, programs),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if run.returncode:
            return f"{run.stdout}\n{run.stderr}"
        said = run.stdout
    return "" if expected in said else f"{expected!r} is not in {said!r}"


def _environment(folder: Path, programs: Path) -> dict[str, str]:
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder),
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
