"""`explain`: print what is made of a recorded turn."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from recordings import NotARecording, RecordedTurn, explain
from settings import SettingsError


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the argument, and what runs."""
    parser.add_argument("file", type=Path, help="a file of STATE_DIR/recordings")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, env: Mapping[str, str]) -> int:
    """Print what is made of the turn that is recorded in the file; no setting matters. Gives the exit code.

    Raises:
        SettingsError: it cannot be read, or is no recording.
    """
    file: Path = arguments.file
    try:
        turn = RecordedTurn.from_file(file.read_bytes())
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror or error}.") from None
    except NotARecording as problem:
        raise SettingsError(f"{file} is not usable: {problem}.") from None
    for line in explain(turn):
        sys.stdout.buffer.write(f"{line}\n".encode(errors="backslashreplace"))
    return 0
