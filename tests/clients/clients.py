"""The clients that are driven: what each is, and how what it does is found out."""

import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.guide import (
    CAPPED,
    COMMAND,
    FOLLOWED,
    NO_MODEL,
    SAY,
    SEEN,
    STRANGER,
    Try,
    follow,
    one_shot,
)
from tests.clients.parts import Part
from tests.clients.python.pictures import PICTURE_SEEN
from tests.clients.service import Driven
from tests.processes import ROOT, environment, new_key

SECONDS = 600.0
"""For one program; all are done much sooner."""
OSLO = "It snows in Oslo."
"""What a tool of the lines to paste tells."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came of the features of a client: by name what went wrong, "" if nothing did.

    `refusals` is how many requests were answered by each status that is an error.
    """

    versions: Mapping[str, str]
    problems: Mapping[str, str]
    refusals: Mapping[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """Some software by others.

    `script` is the program that drives it, without its ending; empty if none does. The guide has lines to
    paste under the heading `name`, which use `package` and are tried in each of the ways of `tries`; empty if
    it has none. `faults` says why a feature does not work, where that is the client's doing.
    """

    name: str
    part: Part
    script: str = ""
    package: str = ""
    tries: tuple[Try, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)

    def run(self, service: Driven, folder: Path, *, slow: bool = True) -> Outcomes:
        """Drive it against the service, in an empty directory. What is `slow` may be left out."""
        service.refusals()
        versions, problems = {}, {}
        if self.package:
            versions[self.package] = self.part.version(self.package)
        for number, how in enumerate(how for how in self.tries if slow or not how.slow):
            problems[how.feature] = follow(self.name, self.part, service, folder / str(number), how)
        if self.script:
            driven, done = self._driven(service)
            versions, problems = {**versions, **driven}, {**problems, **done}
        refusals = Counter(service.refusals())
        for status in ("401", "404", "429"):
            if problems.get(status) == "" and not refusals[int(status)]:
                problems[status] = "no request was refused"
        return Outcomes(versions, problems, refusals)

    def unexpected(self, outcomes: Outcomes) -> Mapping[str, str]:
        """What failed though it is not known to, and what is known to fail but did not."""
        failed = {feature: problem for feature, problem in outcomes.problems.items() if problem}
        worked = {each: "it works now" for each in self.faults if outcomes.problems.get(each) == ""}
        return {each: problem for each, problem in failed.items() if each not in self.faults} | worked

    def _driven(self, service: Driven) -> tuple[Mapping[str, str], Mapping[str, str]]:
        given = {
            "BASE_URL": f"{service.url}/v1",
            "SIMULATOR": service.simulator,
            "KEY": new_key(),
            "PACKAGES": str(self.part.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        run = subprocess.run(
            self.part.command(self.script),
            cwd=ROOT,
            env=environment(given),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert run.returncode == 0, run.stderr
        told = json.loads(run.stdout.splitlines()[-1])
        return told["versions"], told["outcomes"]


CAPITAL = "Which city is the capital of Norway?"
_FUNCTION = """def get_weather(city: str) -> str:
    return f"It snows in {city}.\""""
_AIDER = "export OPENAI_API_BASE"
_REPOSITORY = {
    _AIDER: (
        "git init -q . && echo 'print(\"hi\")' >hello.py\n"
        "git config user.name A && git config user.email a@b.c && git add hello.py\n"
        f"git commit -qm First\n{_AIDER}"
    ),
}
_MESSAGE = '--message \'Change `print("hi")` to `print("hello")` in hello.py\' hello.py'


def _llm(feature: str, said: str, options: str, posts: int = 1) -> Try:
    """llm with other options and another question."""
    return Try(feature, posts, said, {f"'{CAPITAL}'": options})


CLIENTS = (
    Client(
        "Codex",
        Part.AGENTS,
        package="@openai/codex",
        tries=one_shot(showing={f"'{COMMAND}'": "-i picture.png -- 'See.'"}),
    ),
    Client("Claude Code", Part.AGENTS, package="@anthropic-ai/claude-code-linux-x64", tries=one_shot()),
    Client(
        "opencode",
        Part.AGENTS,
        package="opencode-linux-x64-baseline",
        tries=(  # each question is followed by one for a title
            Try("chat", 2, "fine", SAY, slow=True),
            Try("tools", 3, SEEN),
            # The picture stands in the prompt, but the simulated model reads it by a tool first.
            Try("picture in", 3, PICTURE_SEEN, {f"'{COMMAND}'": "'See.' -f picture.png"}, slow=True),
            Try("401", 0, "refused the API key", STRANGER, fails=True, slow=True),
            Try("404", 1, "no-such-model", NO_MODEL, fails=True, slow=True),
        ),
    ),
    Client(
        "llm",
        Part.LLM,
        package="llm",
        tries=(
            _llm("chat", "fine", "--no-stream 'Say exactly: fine'"),
            _llm("stream", "fine", "'Say exactly: fine'"),
            _llm("usage", "Token usage: [0-9]+ input, 1 output", "-u 'Say exactly: fine' 2>&1"),
            _llm("tools", OSLO, f"--functions '{_FUNCTION}' 'What is the weather in Oslo?'", posts=2),
            _llm("schema", '"city": ', f"--schema 'city, country' '{CAPITAL}'"),
            _llm("picture in", PICTURE_SEEN, "-a picture.png 'See.'"),
            Try("401", 0, "401", STRANGER, fails=True),
            Try("404", 0, "404", NO_MODEL, fails=True),
            Try("429", 1, "message cap", {CAPITAL: CAPPED}, fails=True),
            Try(
                "`completion: true`, over `/v1/completions`",
                1,
                "fine",
                {
                    "  vision: true\n  supports_schema: true\n  supports_tools: true": "  completion: true",
                    CAPITAL: "Say exactly: fine",
                },
            ),
        ),
    ),
    Client(
        "aider",
        Part.AIDER,
        package="aider-chat",
        tries=(
            Try("chat", 1, "(?m)^fine", {**_REPOSITORY, _MESSAGE: "--message '/ask Say exactly: fine'"}),
            Try(
                "edits a file and commits it",
                2,
                r'(?m)^\+print\("hello"\)',
                {**_REPOSITORY, _MESSAGE: f"{_MESSAGE} && git show"},
            ),
            Try("401", 0, "refused the API key", {**_REPOSITORY, **STRANGER}, fails=True),
            Try("404", 0, "no-such-model", {**_REPOSITORY, **NO_MODEL}, fails=True),
            Try("429", 1, "message cap", {**_REPOSITORY, _MESSAGE: f"--message '/ask {CAPPED}'"}, fails=True),
        ),
    ),
    Client(
        "LlamaIndex",
        Part.LLAMA_INDEX,
        "llama_index_features",
        "llama-index-llms-openai-like",
        (Try(FOLLOWED, 1, OSLO),),
    ),
    Client(
        "LiteLLM",
        Part.LITELLM,
        "litellm_features",
        "litellm",
        (Try(FOLLOWED, 1, "fine", {CAPITAL: "Say exactly: fine"}),),
    ),
    Client("LiteLLM as a relay", Part.LITELLM, "litellm_relay_features"),
    Client("openai-agents", Part.PYTHON, "agents_features", "openai-agents", (Try(FOLLOWED, 2, OSLO),)),
    Client("AI SDK", Part.NODE, "ai_features", "ai", (Try(FOLLOWED, 3, OSLO),)),
    Client("LangChain", Part.PYTHON, "langchain_features", "langchain-openai", (Try(FOLLOWED, 3, OSLO),)),
    Client("OpenAI's SDK for Python", Part.PYTHON, "openai_features"),
    Client("OpenAI's SDK for Python, version 2", Part.OPENAI_2, "openai_features"),
    Client("OpenAI's SDK for Node", Part.NODE, "openai_features"),
    Client("OpenAI's SDK for Node, version 6", Part.OPENAI_6, "openai_features"),
    Client("OpenAI's SDK for Node, version 5", Part.OPENAI_5, "openai_features"),
    Client("pydantic-ai", Part.PYTHON, "pydantic_ai_features"),
    Client("instructor", Part.PYTHON, "instructor_features"),
    Client("llm-comply", Part.PYTHON, "llm_comply_features"),
    Client("compatcanary", Part.NODE, "compatcanary_features"),
)
