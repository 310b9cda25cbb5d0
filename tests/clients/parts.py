"""Where .ci/install_clients puts the clients, each part with an environment of its own."""

import json
import re
import shutil
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

HERE = Path(__file__).parent


class Part(Enum):
    """A directory with a lock file of its own."""

    PYTHON = "python"
    OPENAI_2 = "openai2"
    LLM = "llm"
    LLAMA_INDEX = "llama_index"
    LITELLM = "litellm"
    AIDER = "aider"
    NODE = "node"
    OPENAI_5 = "openai5"
    OPENAI_6 = "openai6"
    AGENTS = "agents"

    @property
    def folder(self) -> Path:
        return HERE / self.value

    @property
    def quick(self) -> bool:
        """It is installed and run in each run of CI; the others only by `make clients`."""
        return self not in (Part.LLAMA_INDEX, Part.LITELLM, Part.AIDER)

    @property
    def missing(self) -> bool:
        """It is not installed, or there is nothing to run it with."""
        if self._speaks_python:
            return not (self.programs / "python").exists()
        if shutil.which("node") is None or not (self.folder / "node_modules").exists():
            return True
        return self is Part.AGENTS and not all(program.exists() for program in AGENTS.values())

    @property
    def programs(self) -> Path:
        """Where its commands are."""
        return self.folder / (".venv/bin" if self._speaks_python else "node_modules/.bin")

    def command(self, script: str) -> Sequence[str]:
        """What runs one of the programs in `python` or `node` with the packages of this part."""
        if self._speaks_python:
            return [str(self.programs / "python"), "-m", f"tests.clients.python.{script}"]
        return ["node", f"tests/clients/node/{script}.mjs"]

    def version(self, package: str) -> str:
        """The version that the lock file pins."""
        if self._speaks_python:
            locked = (self.folder / "requirements.txt").read_text(encoding="utf-8")
            found = re.search(rf"^{re.escape(package)}==(\S+)", locked, re.MULTILINE)
            if found is None:
                raise LookupError(package)
            return found[1]
        locked = (self.folder / "package-lock.json").read_text(encoding="utf-8")
        version: str = json.loads(locked)["packages"][f"node_modules/{package}"]["version"]
        return version

    @property
    def _speaks_python(self) -> bool:
        return (self.folder / "requirements.txt").exists()


AGENTS = {
    "codex": Part.AGENTS.folder / "node_modules" / ".bin" / "codex",
    "claude": Part.AGENTS.folder / "node_modules" / "@anthropic-ai" / "claude-code-linux-x64" / "claude",
    "opencode": Part.AGENTS.folder / "node_modules" / "opencode-linux-x64-baseline" / "bin" / "opencode",
}
"""Programs by the names that people call them by. Two of them are there for one kind of machine alone."""
