"""Where the operator's files are looked for."""

from pathlib import Path
from typing import Final

from runtime import PACKAGED

__all__ = ["ACCOUNTS_FILE", "GPTS_FILE"]

OPERATORS_FOLDER: Final = Path() if PACKAGED else Path(__file__).parents[1]
"""Beside `server.py`. An installed package is no place for them, since pip replaces it; then it is the
directory where the command is started, as for STATE_DIR."""
GPTS_FILE: Final = OPERATORS_FOLDER / "gpts.json"
ACCOUNTS_FILE: Final = OPERATORS_FOLDER / "accounts.json"
