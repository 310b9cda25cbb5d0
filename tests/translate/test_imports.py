"""The core stands alone: no sockets, no other room of the service."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import translate

FORBIDDEN = [
    "tornado", "prometheus_client", "asyncio", "socket", "ssl", "logging", "random",
    "handlers", "upstream", "metrics", "simulator", "server", "settings", "benchmarks",
]  # fmt: skip
ROOT = Path(translate.__file__).parent.parent


def modules() -> list[str]:
    return [f"translate.{module.name}" for module in pkgutil.iter_modules(translate.__path__)]


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout


def test_core_imports_neither_the_network_nor_any_other_room() -> None:
    loaded = run(f"import sys, {', '.join(modules())}\nprint('\\n'.join(sys.modules))").split()
    assert "translate.conversation" in loaded
    rooms = {name.partition(".")[0] for name in loaded}
    assert rooms.isdisjoint(FORBIDDEN)


def test_every_module_of_the_core_can_be_imported_first() -> None:
    """No module needs another to have been imported before it."""
    for name in modules():
        run(f"import {name}")
