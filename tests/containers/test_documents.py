"""The commands of the documents about containers, as they stand, on a real engine.

`tests/docs/commands` holds them to the files without one.
"""

import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.containers.checkout import present
from tests.containers.engine import Engine
from tests.containers.stack import KEY, PORT, backend, wait
from tests.containers.test_scaled_stack import FRONT_ENDS, QUESTION
from tests.docs.commands.blocks import BLOCKS, SENTENCES
from tests.docs.commands.table import BACKEND_OF_STACK, EXAMPLE, STACK, UP_AGAIN
from tests.processes import PREFIX, ROOT, ask
from tests.service.deployment import CHAT


@dataclass(frozen=True, slots=True)
class Reader:
    """Who types commands in `checkout`, on a machine with a backend at `port`."""

    engine: Engine
    checkout: Path
    port: int

    def types(self, text: str) -> str:
        """Run commands of a document, with what is the reader's own in them; gives what they say."""
        backend_here = f"host.docker.internal:{self.port}"
        text = text.replace("host.docker.internal:8181", backend_here)
        text = text.replace("your-prefix", PREFIX).replace("fk-your-key", KEY)
        return self.engine.run("bash", "-euo", "pipefail", "-c", text, cwd=self.checkout)

    def block(self, begins: str, document: str) -> str:
        """Run the block of a document that begins so."""
        (text,) = [each.text for each in BLOCKS if each.document == document and each.text.startswith(begins)]
        return self.types(text.replace(EXAMPLE, f"{EXAMPLE}\n{BACKEND_OF_STACK}"))

    def sentence(self, command: str) -> str:
        """Run a command that stands in a sentence."""
        assert command in [each.text for each in SENTENCES]
        return self.types(command)


CLONE = """
git init -q && git add -A -f
git -c user.name=reader -c user.email=reader@example.org commit -q -m all
git clone -q . ../checkout
"""


@pytest.fixture
def reader(built: Engine, tmp_path: Path) -> Iterator[Reader]:
    """One with a fresh clone, of whose containers and volumes nothing is left."""
    built.run("bash", "-euc", CLONE, cwd=present(tmp_path / "origin"))
    with backend() as port:
        yield Reader(built, tmp_path / "checkout", port)
        for container in built.docker("ps", "--all", "--quiet").split():
            built.docker("rm", "--force", "--volumes", container)
        built.docker("volume", "prune", "--all", "--force")
        built.docker("network", "prune", "--force")


def answers(status: int = 200) -> None:
    answer = ask(PORT, "POST", CHAT, QUESTION, KEY)
    assert answer.status == status, answer.body


def test_stack_of_the_readme_starts_with_chats_and_grafana(reader: Reader) -> None:
    reader.block(STACK, "README.md")
    answers()
    for port in FRONT_ENDS.values():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/models", timeout=10) as answer:
            assert b"gpt-4-s" in answer.read()
    for port, path in ((3000, "/api/health"), (9090, "/-/healthy")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            assert answer.status == 200


def test_stack_of_deploy_is_given_secrets_keys_and_a_backup_and_is_taken_down(reader: Reader) -> None:
    document = "deploy/README.md"
    reader.block(STACK, document)
    answers()
    token = reader.sentence(
        "docker compose -f deploy/compose.yaml exec pandora cat /state/admin_token"
    ).strip()
    assert re.fullmatch(r"[\w-]{20,}", token)
    made, restored = re.findall(
        r"(\d+) conversations, as of",
        reader.block("docker compose -f deploy/compose.yaml exec pandora python", document),
    )
    assert made == restored == "1"
    answers()
    reader.block("openssl rand -hex 24 > deploy/config/admin_token", document)
    key = re.findall(r"sk-pandora-\S+", reader.block("docker run --rm --user", document))
    assert len(key) == 1
    reader.types(UP_AGAIN)
    answers(401)
    reader.sentence("docker compose -f deploy/compose.yaml kill -s HUP pandora")
    reader.sentence("docker compose -f deploy/compose.yaml down")
    assert reader.engine.docker("ps", "--all", "--quiet") == ""


def test_docker_alone_builds_and_runs_the_image(reader: Reader) -> None:
    reader.block("docker build -t pandora-to-v1", "docs/running.md")
    healthy = ("inspect", "--format", "{{.State.Health.Status}}", "pandora")
    wait(lambda: reader.engine.docker(*healthy) == "healthy", "the container is not healthy")
    answers()


def comment(file: str) -> str:
    """The commands in the comment at the top of a compose file."""
    top = (ROOT / "deploy" / file).read_text().partition("\nname:")[0]
    return "\n".join(re.findall(r"^#   (.+)$", top, re.MULTILINE))


def test_comment_of_the_compose_file_starts_it_and_what_may_run_beside_it(reader: Reader) -> None:
    reader.types(comment("compose.yaml"))
    answers()


def test_several_instances_start_and_are_upgraded(reader: Reader) -> None:
    reader.types(comment("compose.scale.yaml"))
    answers()
    said = reader.block("git pull", "deploy/README.md")
    assert "all instances are replaced" in said
    answers()
