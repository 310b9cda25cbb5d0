"""The name that people have typed."""

import sys
from pathlib import Path


def program_name() -> str:
    """`server.py`, or `pandora-to-v1` of the installed package: how lines on the standard error begin."""
    return Path(sys.argv[0]).name
