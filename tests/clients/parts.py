"""Where the clients are installed, each part with an environment of its own, if .ci/install put it there."""

import json
import re
import shutil
from enum import Enum
from pathlib import Path

HERE = Path(__file__).parent


class Part(Enum):
    """A directory with a lock file of its own."""

    PYTHON = "python"
    NODE = "node"
    AGENTS = "agents"

    @property
    def folder(self) -> Path:
        return HERE / self.value

    @property
    def missing(self) -> bool:
        """It is not installed, or there is nothing to run it with."""
        if self is Part.PYTHON:
            return not PROGRAMS["python"].exists()
        if shutil.which("node") is None or not (self.folder / "node_modules").exists():
            return True
        return self is Part.AGENTS and not all(program.exists() for program in AGENTS)

    def version(self, package: str) -> str:
        """The version that the lock file pins."""
        if self is Part.PYTHON:
            locked = (self.folder / "requirements.txt").read_text(encoding="utf-8")
            found = re.search(rf"^{re.escape(package)}==(\S+)", locked, re.MULTILINE)
            if found is None:
                raise LookupError(package)
            return found[1]
        locked = (self.folder / "package-lock.json").read_text(encoding="utf-8")
        version: str = json.loads(locked)["packages"][f"node_modules/{package}"]["version"]
        return version


PROGRAMS = {
    "python": Part.PYTHON.folder / ".venv" / "bin" / "python",
    "codex": Part.AGENTS.folder / "node_modules" / ".bin" / "codex",
    "claude": Part.AGENTS.folder / "node_modules" / "@anthropic-ai" / "claude-code-linux-x64" / "claude",
    "opencode": Part.AGENTS.folder / "node_modules" / "opencode-linux-x64-baseline" / "bin" / "opencode",
}
"""Programs by the names that people call them by."""
AGENTS = (PROGRAMS["codex"], PROGRAMS["claude"], PROGRAMS["opencode"])
"""Two of them are there for one kind of machine alone."""
