"""`import-config`: settings of PandoraToV1Api, as settings of this service."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from migration import MAX_CONFIG_BYTES, Imported, NotAConfig, environment_text, import_config
from runtime import PROGRAM
from settings import SettingsError
from translate.values import MAX_GPTS_FILE_BYTES


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the arguments, and what runs."""
    parser.add_argument("config", type=Path, help="its config.json")
    parser.add_argument("gpts", type=Path, nargs="?", help="its gpts.json, to see whether it can be used")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, env: Mapping[str, str]) -> int:
    """Print the settings, and on the standard error what became of the rest. No setting of `env` matters.

    Gives the exit code: 1 if something means something and could not be taken over.

    Raises:
        SettingsError: a file cannot be read, or the first one is no config.json.
    """
    path: Path = arguments.config
    config = _read(path, MAX_CONFIG_BYTES)
    gpts = None if arguments.gpts is None else _read(arguments.gpts, MAX_GPTS_FILE_BYTES)
    try:
        imported = import_config(config, gpts)
    except NotAConfig as problem:
        raise SettingsError(f"{path} is not usable: {problem}.") from None
    sys.stdout.buffer.write(environment_text(imported).encode(errors="backslashreplace"))
    sys.stderr.write(_told(imported))
    return 1 if imported.problems else 0


def _read(path: Path, most: int) -> bytes:
    """The file, with one byte more than it may have if it is larger."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}.") from None


def _told(imported: Imported) -> str:
    name = PROGRAM
    lines = [
        f"{name}: settings taken over: {len(imported.settings)}; keys that are not needed here: "
        f"{len(imported.left_out)}, which the comments explain.",
        *(f"{name}: look at {setting}: {remark}." for setting, remark in imported.remarks.items()),
        *(f"{name}: not taken over: {problem}" for problem in imported.problems),
    ]
    return "".join(f"{line}\n" for line in lines)
