"""The ways in which a block of a document is run or read."""

import ast
import re
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Protocol

import pytest

from benchmarks.ports import free_port
from tests.clients.guide import blocks_of as blocks_that_are_pasted
from tests.docs.commands.blocks import Block
from tests.docs.commands.place import Place, Running
from tests.processes import ask, new_key
from tests.source_tree import ROOT

AWAITS = (
    "import ast, asyncio, inspect, sys; code = compile(sys.stdin.read(), 'block', 'exec', "
    "ast.PyCF_ALLOW_TOP_LEVEL_AWAIT); done = eval(code, {}); inspect.iscoroutine(done) and asyncio.run(done)"
)
"""A program that may await at its top level, as notebooks run it."""
LISTENING = r"listening on http://127\.0\.0\.1:(\d+)"
BACKEND = r"simulated backend on http://127\.0\.0\.1:\d+"
LOCKS = (
    "requirements-dev.lock",
    "tests/clients/python/requirements.txt",
    "tests/clients/llm/requirements.txt",
    "tests/clients/llama_index/requirements.txt",
    "tests/clients/litellm/requirements.txt",
    "tests/clients/node/package-lock.json",
)
NODE_MODULES = ROOT / "tests" / "service" / "node_sdk" / "node_modules"


class Way(Protocol):
    """How a block is run. A failure is an AssertionError."""

    def run(self, block: Block, place: Place) -> None: ...


@dataclass(frozen=True, slots=True)
class Runs:
    """The commands are run by bash and end with code 0; `shows` is found in what they say, each a pattern.

    `files` are written before, by their paths in the checkout; then `before` is run, and `after` is what the
    reader does next in the same shell. `given` are variables, in which `{place}` is known, as in `before`.
    `own` is replaced in the text beside what always is.
    """

    shows: Sequence[str] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    after: str = ""
    own: Mapping[str, str] = field(default_factory=dict)

    def run(self, block: Block, place: Place) -> None:
        text, given = self.prepare(block, place)
        said = place.run(text, given)
        missing = [pattern for pattern in self.shows if not re.search(pattern, said)]
        assert not missing, f"{missing} is not in what it says:\n{said}"

    def prepare(self, block: Block, place: Place) -> tuple[str, dict[str, str]]:
        """Do what comes before; gives the commands and their variables."""
        for path, text in self.files.items():
            target = place.checkout / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(place.replaced(text, {}))
        given = {name: value.format(place=place) for name, value in self.given.items()}
        if self.before:
            place.run(self.before.format(place=place), given)
        return place.replaced(f"{block.text}\n{self.after}".strip(), self.own), given


@dataclass(frozen=True, slots=True)
class Serves(Runs):
    """The last command starts a service, which answers a question, and goes on until it is stopped."""

    def run(self, block: Block, place: Place) -> None:
        with place.running(*self.prepare(block, place)) as running:
            _answers(running)


@dataclass(frozen=True, slots=True)
class Replays(Runs):
    """The last command starts a backend, which goes on until it is stopped."""

    def run(self, block: Block, place: Place) -> None:
        with place.running(*self.prepare(block, place)) as running:
            running.wait_for(BACKEND)


@dataclass(frozen=True, slots=True)
class Terminals:
    """Each command is for a terminal of its own and goes on: a simulated backend, and a service over it."""

    def run(self, block: Block, place: Place) -> None:
        port = free_port()
        text = place.replaced(block.text, {"127.0.0.1:8181": f"127.0.0.1:{port}", "8181": str(port)})
        simulator, service = text.splitlines()
        with place.running(simulator) as backend:
            backend.wait_for(BACKEND)
            with place.running(service) as running:
                _answers(running)


@dataclass(frozen=True, slots=True)
class Menu:
    """Each line is a command of its own, which ends with code 0, or goes on once it listens.

    Behind a line that ends with a `cd`, they are run there.
    """

    def run(self, block: Block, place: Place) -> None:
        there = ""
        for line in place.replaced(block.text, {"--port 8181": "--port 0"}).splitlines():
            if entered := re.search(r"&& cd (\S+)$", line):
                place.run(line)
                there = f"cd {entered[1]}\n"
                continue
            with place.running(there + line) as running:
                running.wait_for_end_or(f"{BACKEND}|{LISTENING}")


def _answers(service: Running) -> None:
    """The service that is started there answers a question."""
    port = int(service.wait_for(LISTENING)[1])
    question = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "in one word"}]}
    answer = ask(port, "POST", "/v1/chat/completions", question, new_key())
    assert answer.status == 200, answer.body


@dataclass(frozen=True, slots=True)
class Python:
    """A program for the Python of the tests, with the SDKs that it has. It prints what `shows` says."""

    shows: str

    def run(self, block: Block, place: Place) -> None:
        ast.parse(block.text)
        (place.checkout / "program.py").write_text(place.replaced(block.text, {}))
        said = place.run(f'python -c "{AWAITS}" < program.py')
        assert re.search(self.shows, said), said


@dataclass(frozen=True, slots=True)
class Node:
    """A program for Node and OpenAI's SDK. It prints what `shows` says."""

    shows: str

    def run(self, block: Block, place: Place) -> None:
        if shutil.which("node") is None or not NODE_MODULES.is_dir():
            pytest.skip("Node's SDK is not installed: run npm ci in tests/service/node_sdk")
        (place.checkout / "node_modules").symlink_to(NODE_MODULES)
        (place.checkout / "program.mjs").write_text(place.replaced(block.text, {}))
        said = place.run("node program.mjs")
        assert re.search(self.shows, said), said


@dataclass(frozen=True, slots=True)
class Reads:
    """A file, which `read` accepts: what stands in it, and where the reader is."""

    read: Callable[[str, Place], None]

    def run(self, block: Block, place: Place) -> None:
        self.read(place.replaced(block.text, {}), place)


@dataclass(frozen=True, slots=True)
class Pasted:
    """Lines that tests/clients runs with the client itself, under the heading of docs/clients.md.

    With a `heading` of its own a block has a part of those lines.
    """

    heading: str = ""

    def run(self, block: Block, place: Place) -> None:
        pasted = [each.text for each in blocks_that_are_pasted(self.heading or block.heading)]
        if self.heading:
            assert set(shlex.split(block.text.replace("\\\n", ""))) <= {
                word for text in pasted for word in shlex.split(text)
            }
        else:
            assert block.text in pasted


@dataclass(frozen=True, slots=True)
class HeldBy:
    """Run or read by tests of their own, which are named as pytest names them."""

    tests: Sequence[str]

    def run(self, block: Block, place: Place) -> None:
        for test in self.tests:
            path, _, name = test.partition("::")
            tree = ast.parse((ROOT / path).read_text("utf-8"))
            assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, test


@dataclass(frozen=True, slots=True)
class InCi:
    """Each command is one of a file of .ci, which runs it on each change, on a fresh machine."""

    file: str

    def run(self, block: Block, place: Place) -> None:
        script = (ROOT / ".ci" / self.file).read_text().replace("\\\n", "")
        ran = [set(shlex.split(line, comments=True)) for line in script.splitlines() if _is_whole(line)]
        for command in block.text.splitlines():
            assert any(set(shlex.split(command)) <= words for words in ran), command


def _is_whole(line: str) -> bool:
    """Its quotes are closed."""
    return line.count("'") % 2 == line.count('"') % 2 == 0


@dataclass(frozen=True, slots=True)
class IsThere:
    """What it names is there: a script of bash, a module, files. Who runs it waits for long."""

    def run(self, block: Block, place: Place) -> None:
        words = shlex.split(block.text)
        if "-m" in words:
            assert find_spec(words[words.index("-m") + 1])
        for path in (word for word in words if "/" in word and not word.startswith(".venv/")):
            assert (ROOT / path).exists(), path
        if words[0].startswith(".ci/"):
            place.run(f"bash -n {ROOT / words[0]}")


@dataclass(frozen=True, slots=True)
class Installs:
    """It installs packages that tests have, as a lock file pins them: of that major version behind an `@`."""

    def run(self, block: Block, place: Place) -> None:
        locked = "".join((ROOT / lock).read_text() for lock in LOCKS)
        for name, major in re.findall(r"(?<= )(@?[a-z][\w./-]*)(?:@(\d+))?(?= |$)", block.text)[1:]:
            pin = rf'^{re.escape(name)}==|"node_modules/{re.escape(name)}": {{\s+"version": "{major}'
            assert re.search(pin, locked, re.MULTILINE), name


@dataclass(frozen=True, slots=True)
class NotRun:
    """No test can run it, for this reason."""

    reason: str

    def run(self, block: Block, place: Place) -> None:
        assert self.reason
