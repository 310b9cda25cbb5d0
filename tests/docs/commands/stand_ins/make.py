"""`make`, and the `pip` of its environment."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.docs.commands.stand_ins.programs import make_environment
from tests.docs.commands.stand_ins.told import Refused, there

REALLY = frozenset({"run", "notes", ".venv/run.done"})
"""Targets that are made; of others `make` says what it would do, since `.ci/run` and people run them."""
CHECKED = ("install", "--dry-run", "--ignore-installed", "--no-deps", "-q", "--disable-pip-version-check")


def pip(arguments: Sequence[str]) -> None:
    """Fetch what the file pins and compare its hashes, and install nothing."""
    match arguments:
        case ["install", "--require-hashes", "-r", file]:
            words = [sys.executable, "-m", "pip", *CHECKED, "--require-hashes", "-r", str(there(file))]
            subprocess.run(words, check=True)
        case _:
            raise Refused(f"{arguments} is not known")


def make(arguments: Sequence[str]) -> None:
    """Make it really where that is no long work. A checkout without `.venv` gets that of the tests."""
    folder = Path(arguments[1]) if arguments[:1] == ["-C"] else Path()
    if not (folder / ".venv").exists():
        make_environment(folder)
    really = [] if REALLY.intersection(arguments) else ["-n"]
    path = os.environ["PATH"].partition(":")[2]
    make = shutil.which("make", path=path) or "make"
    os.execve(make, ["make", *really, *arguments], dict(os.environ))
