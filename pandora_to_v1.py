"""The console command of the installed package, `pandora-to-v1`: what `python server.py` is to a checkout.

In the package the rooms stand beside this module, as they do in a checkout.
"""

import sys
from pathlib import Path


def run() -> int:
    """Run the command line and give the exit code. The rooms come first on `sys.path`."""
    sys.path.insert(0, str(Path(__file__).parent))
    from server import run as run_command_line

    return run_command_line()
