"""What all stand-ins need: the machine that they stand on, and what they were told."""

import argparse
import os
import re
from pathlib import Path

MACHINE = "READERS_MACHINE"
"""The variable with the folder of the machine's files."""
SIMULATOR = "SIMULATOR_PORT"
"""The variable with the port of the simulated backend."""


class Refused(Exception):
    """The real program would refuse this."""


def there(path: str | Path) -> Path:
    if not Path(path).exists():
        raise Refused(f"{path} does not exist")
    return Path(path)


def machine() -> Path:
    return Path(os.environ[MACHINE])


class Options(argparse.ArgumentParser):
    """Options without abbreviations; a mistake ends the program with code 2."""

    def __init__(self, *flags: str, **valued: str) -> None:
        super().__init__(allow_abbrev=False)
        for names in flags:
            self.add_argument(*names.split(), action="store_true")
        for name, names in valued.items():
            self.add_argument(*names.split(), dest=name, action="append", default=[])


def variables(path: Path) -> dict[str, str]:
    """The lines of a file of variables, as compose and systemd read it."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if re.match(r"\w+=", line))
    return {name: re.sub(r"^(['\"])(.*)\1$", r"\2", value.strip()) for name, _, value in pairs}
