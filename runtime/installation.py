"""How the service came onto the machine, and so what people type to run it."""

from pathlib import Path
from typing import Final

PACKAGED: Final = Path(__file__).parents[1].joinpath("__init__.py").exists()
"""Whether pip has installed this: the rooms then stand inside one package. Else this is a checkout."""
PROGRAM: Final = "pandora-to-v1" if PACKAGED else "server.py"
"""The name with which lines on the standard error begin."""
COMMAND: Final = "pandora-to-v1" if PACKAGED else "python server.py"
"""What stands before the options and commands that people are told to type."""
