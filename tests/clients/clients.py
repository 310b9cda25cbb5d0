"""The clients that are driven: what each is, and how what it does is found out."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.clients.guide import LINES, follow
from tests.clients.parts import PROGRAMS, Part
from tests.processes import ROOT, environment, new_key

SECONDS = 180.0
"""For one program; all are done much sooner."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came of the features of a client: by name what went wrong, "" if nothing did."""

    versions: Mapping[str, str]
    problems: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """Some software by others.

    `script` is the program that drives it, in the directory of its part and without its ending; empty if none
    does. `package` is what the lines of the guide use, under the heading `name`; empty if it has none.
    `shell` says that those lines have the client run a command.
    """

    name: str
    part: Part
    script: str = ""
    package: str = ""
    shell: bool = False

    def run(self, url: str, folder: Path) -> Outcomes:
        """Drive it against the service at `url`, in an empty directory."""
        versions, problems = {}, {}
        if self.package:
            versions[self.package] = self.part.version(self.package)
            feature = "runs a command and makes use of its result" if self.shell else LINES
            problems[feature] = follow(self.name, url, folder, self.part, shell=self.shell)
        if self.script:
            driven = self._driven(f"{url}/v1")
            versions, problems = {**versions, **driven.versions}, {**problems, **driven.problems}
        return Outcomes(versions, problems)

    def _driven(self, url: str) -> Outcomes:
        if self.part is Part.PYTHON:
            command = [str(PROGRAMS["python"]), "-m", f"tests.clients.python.{self.script}"]
        else:
            command = ["node", f"tests/clients/node/{self.script}.mjs"]
        run = subprocess.run(
            command,
            cwd=ROOT,
            env=environment({"BASE_URL": url, "KEY": new_key(), "PYTHONDONTWRITEBYTECODE": "1"}),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert run.returncode == 0, run.stderr
        told = json.loads(run.stdout.splitlines()[-1])
        return Outcomes(told["versions"], told["outcomes"])


CLIENTS = (
    Client("Codex", Part.AGENTS, package="@openai/codex", shell=True),
    Client("Claude Code", Part.AGENTS, package="@anthropic-ai/claude-code-linux-x64", shell=True),
    Client("opencode", Part.AGENTS, package="opencode-linux-x64-baseline", shell=True),
    Client("openai-agents", Part.PYTHON, "agents_features", package="openai-agents"),
    Client("AI SDK", Part.NODE, "ai_features", package="ai"),
    Client("LangChain", Part.PYTHON, "langchain_features", package="langchain-openai"),
    Client("OpenAI's SDK for Python", Part.PYTHON, "openai_features"),
    Client("OpenAI's SDK for Node", Part.NODE, "openai_features"),
    Client("pydantic-ai", Part.PYTHON, "pydantic_ai_features"),
    Client("instructor", Part.PYTHON, "instructor_features"),
    Client("llm-comply", Part.PYTHON, "llm_comply_features"),
    Client("compatcanary", Part.NODE, "compatcanary_features"),
)
