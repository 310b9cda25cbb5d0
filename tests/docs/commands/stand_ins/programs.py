"""Which stand-ins there are, and how a shell finds them."""

import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tests.docs.commands.stand_ins.told import Refused
from tests.source_tree import ROOT

PROGRAMS = {
    "chown": "system",
    "docker": "docker",
    "kubectl": "kubectl",
    "make": "make",
    "pip": "make",
    "runuser": "system",
    "sysctl": "system",
    "systemctl": "system",
    "useradd": "system",
}
"""Each with the module beside this one that has a function of its name."""


def write(path: Path, words: Sequence[str]) -> None:
    """A program that runs these words, before its own arguments."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    path.chmod(0o755)


def write_stand_in(path: Path) -> None:
    """The stand-in for the program of that name. It imports nothing from where it is started."""
    start = f"import sys; sys.path[0] = {str(ROOT)!r}; from {__name__} import main; sys.exit(main())"
    write(path, [sys.executable, "-c", start, path.name])


def make_environment(checkout: Path) -> None:
    """`.venv` as `make` leaves it, with the Python of the tests and a `pip` that installs nothing."""
    folder = checkout / ".venv" / "bin"
    folder.mkdir(parents=True)
    write(folder / "python", [sys.executable])
    write_stand_in(folder / "pip")
    for stamp in ("run.done", "dev.done", "fast.done"):
        (checkout / ".venv" / stamp).touch()


def main() -> int:
    """Run one of them."""
    name, *arguments = sys.argv[1:]
    try:
        module = import_module(f"tests.docs.commands.stand_ins.{PROGRAMS[name]}")
        getattr(module, name)(arguments)
    except Refused as refused:
        sys.stderr.write(f"{name}: {refused}\n")
        return 1
    return 0
