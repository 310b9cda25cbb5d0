"""Each block of the documents, by how it begins, with the way in which it is run."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.deploy import stub_engine
from tests.docs.commands.blocks import Block
from tests.docs.commands.place import Place
from tests.docs.commands.ways import (
    HeldBy,
    InCi,
    Menu,
    Node,
    NotRun,
    Pasted,
    Python,
    Reads,
    Replays,
    Runs,
    Serves,
    Terminals,
    Way,
)
from tests.processes import ask, new_key
from translate.values import read_gpts


@dataclass(frozen=True, slots=True)
class Row:
    """The block that begins so, in any document or in this one, is run in this way.

    It is run where the first block that begins as `follows` was run.
    """

    begins: str
    way: Way
    document: str = ""
    follows: str = ""

    def is_for(self, block: Block) -> bool:
        return block.text.startswith(self.begins) and self.document in ("", block.document)


# What reads the blocks that are files.


def _gpts(text: str, place: Place) -> None:
    assert read_gpts(text.encode(), ())


def _settings(text: str, place: Place) -> None:
    (place.checkout / "settings.toml").write_text(text)
    for path in re.findall(r'_FILE = "(.*)"', text):
        place.run(f"mkdir -p $(dirname {path}) && echo {place.replaced('your-prefix', {})} > {path}")
    with place.running("CONFIG_FILE=settings.toml .venv/bin/python server.py") as running:
        port = int(running.wait_for(r"listening on http://127\.0\.0\.1:(\d+)")[1])
        question = {"model": "claude-any", "messages": [{"role": "user", "content": "in one word"}]}
        assert ask(port, "POST", "/v1/chat/completions", question, new_key()).status == 200


def _addresses_of_clients(text: str, place: Place) -> None:
    """A client's settings: at their address, behind which clients add to `/v1`, are the models they name."""
    (address,) = set(re.findall(r"http://127\.0\.0\.1:\d+(?:/v1)?", text))
    (key,) = set(re.findall(r"fk-[\w-]+", text))
    path = "/v1/models"
    assert address + path.removeprefix("/v1" if address.endswith("/v1") else "") == place.service.url + path
    listed = ask(place.service.pair.port, "GET", path, key=key).json["data"]
    named = {
        name for name in re.findall(r"\bgpt-[\w.-]+", text) if name not in ("gpt-4o-mini", "gpt-4-s-bot")
    }
    assert named <= {model["id"] for model in listed}


def _scraped(text: str, place: Place) -> None:
    """A file of Prometheus, by its own reading; what it scrapes has the metrics."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing: .ci/install installs it with Prometheus")
    own = text.replace("127.0.0.1:33333", place.service.url.removeprefix("http://"))
    (place.checkout / "prometheus.yml").write_text(own)
    (place.machine / "opt" / "pandora-to-v1").symlink_to(place.checkout)
    place.run(f"{promtool} check config prometheus.yml")
    for target in re.findall(r'"(127\.0\.0\.1:\d+)"', own):
        place.run(f"curl -s http://{target}/metrics | grep ^pandora_")


def _json(text: str, place: Place) -> None:
    """One value, one in each line, or the members of an object."""
    for read in (text, f"{{{text}}}", "[" + ",".join(text.strip().splitlines()) + "]"):
        try:
            json.loads(read)
            return
        except ValueError:
            continue
    raise AssertionError(text)


# What a reader has done before.

ENGINE = {
    "instances": {
        one: {"version": "old", "status": "running", "health": "healthy"} for one in ("old-1", "old-2")
    },
    "version": "new",
    "healthy": True,
    "made": 0,
    "calls": [],
}
"""Two instances, as tests/deploy/stub_engine.py has them."""
SCALED = {
    "deploy/.env": "BASE_URL=http://host.docker.internal:8181\nUPLOAD_BASE_URL=https://chat.example.org\n",
    "deploy/secrets/proxy_api_prefix": "your-prefix\n",
    "deploy/secrets/redis_url": "redis://:password@redis:6379/0\n",
    "deploy/secrets/redis.conf": "requirepass password\n",
    "engine.json": json.dumps(ENGINE),
}
OLD = {
    "old/config.json": '{"upstream_base_url": "http://127.0.0.1:8181", "upstream_api_prefix": "your-prefix"}',
    "old/gpts.json": '{"helper": {"id": "g-YyyyMT9XH"}}',
}
"""The files of PandoraToV1Api."""
EXAMPLE = "cp deploy/.env.example deploy/.env"
BACKEND_OF_STACK = "echo BASE_URL=http://host.docker.internal:8181 >> deploy/.env"
STACK = "mkdir -p deploy/secrets && chmod 700 deploy\n"
UNIT = "useradd"
STATE = {"STATE_DIR": "{place.service.state}"}
"""The commands are those of the service that answers here."""
UP_AGAIN = "docker compose -f deploy/compose.yaml up -d --wait"
BACKEND = "BASE_URL=http://127.0.0.1:8181 PROXY_API_PREFIX=your-prefix"
PIPX = {
    "PIPX_HOME": "{place.machine}/pipx",
    "PIPX_BIN_DIR": "{place.machine}/programs",
    "PIPX_DEFAULT_BACKEND": "pip",
}
TO_THE_LEDGER = (
    "STATE_DIR={place.service.state} .venv/bin/python server.py ledger backup other.backup\n"
    ".venv/bin/python server.py ledger restore other.backup"
)

TABLE: Sequence[Row] = (
    Row("", Pasted(), "docs/clients.md"),
    Row("", Reads(_json), "docs/protocol.md"),
    Row("make run", Menu()),
    Row("git clone ADDRESS-OF-THIS-REPOSITORY", Menu()),
    # The service, and what is asked of it.
    Row("BASE_URL=http://127.0.0.1:8181 PROXY_API_PREFIX=your-prefix .venv/bin/python server.py", Serves()),
    Row("export BASE_URL=http://127.0.0.1:8181 PROXY_API_PREFIX=your-prefix", Serves()),
    Row(".venv/bin/python -m simulator --port 8181 --prefix", Terminals()),
    Row("pipx install .", Serves(given=PIPX)),
    Row("curl -N http://127.0.0.1:33333/v1/chat/completions", Runs([r"data: \{", r"data: \[DONE\]"])),
    Row(
        "curl http://127.0.0.1:33333/v1/chat/completions -H 'Authorization: Bearer fk-demo'",
        Runs(['"finish_reason": ?"tool_calls"', '"name": ?"get_weather"']),
    ),
    Row("curl http://127.0.0.1:33333/v1/images/generations", Runs(['"url": ?"http'])),
    Row("from openai import OpenAI\n\nclient = OpenAI(base_url=", Python(r"\w+")),
    Row('import OpenAI from "openai";', Node(r"\w+")),
    Row("ANTHROPIC_BASE_URL=http://127.0.0.1:33333", Pasted("Claude Code")),
    Row('{"my-helper": {"id":', Reads(_gpts)),
    Row('BASE_URL = "http', Reads(_settings)),
    Row(".venv/bin/python server.py usage ", Runs(["date +model", r'"units": ?\d'], STATE)),
    Row(
        ".venv/bin/python server.py ledger backup FILE",
        Runs(
            [r"\d+ conversations, as of"],
            before=TO_THE_LEDGER,
            own={"FILE": "ledger.backup"},
        ),
    ),
    Row(
        ".venv/bin/python server.py ledger backup ../ledger.tar",
        Runs([r"\d+ conversations, as of"], before=TO_THE_LEDGER),
    ),
    Row(
        ".venv/bin/python server.py explain",
        Replays(
            before="mkdir -p state/recordings && cp {place.service.state}/recordings/* state/recordings/FILE",
            own={"--port 8181": "--port 0"},
        ),
    ),
    Row(".venv/bin/pip install --require-hashes -r requirements-fast.lock", Runs()),
    Row(
        ".venv/bin/pip install --require-hashes -r requirements-traces.lock",
        Serves(own={"BASE_URL=...": BACKEND}),
    ),
    # Accounts and keys of the service.
    Row(".venv/bin/python server.py keys add laptop", Runs([r"^sk-pandora-\S+$"])),
    Row(
        '{\n  "accounts": [',
        HeldBy(["tests/roster/test_documented_files.py::test_example_can_be_used_as_it_stands"]),
    ),
    Row("curl -X POST -H", Runs(['"anna"'], {"ADMIN_TOKEN": "{place.service.admin_token}"})),
    # Containers.
    Row(STACK, Runs(own={EXAMPLE: f"{EXAMPLE}; {BACKEND_OF_STACK}"})),
    Row("mkdir -p deploy/secrets && chmod 700 deploy &&", Runs(files=OLD)),
    Row("touch pandora.env", Serves(files=OLD)),
    Row("docker build -t pandora-to-v1", Runs()),
    Row(
        "docker compose -f deploy/compose.yaml --profile chat --profile metrics up -d --wait",
        Runs(files={"deploy/secrets/grafana_password": "a-password"}),
        follows=STACK,
    ),
    Row("rule_files:", Reads(_scraped)),
    Row("openssl rand -hex 24 > deploy/config/admin_token", Runs(after=UP_AGAIN), follows=STACK),
    Row("docker run --rm --user", Runs([r"sk-pandora-\S+"], after=UP_AGAIN), follows=STACK),
    Row(
        "git pull",
        Runs(
            ["all instances are replaced"],
            {"DOCKER": f"{sys.executable} {stub_engine.__file__} engine.json", "KNOWN_WITHIN": "0"},
            SCALED,
        ),
    ),
    Row(
        "docker compose -f deploy/compose.yaml exec pandora python server.py ledger backup",
        Runs([r"\d+ conversations, as of"]),
        follows=STACK,
    ),
    Row("docker build -t registry.example.org", Runs()),
    # A machine with systemd.
    Row(UNIT, Runs()),
    Row("runuser -u pandora-to-v1", Runs([r"\d+ conversations, as of"]), follows=UNIT),
    Row("export ACCOUNTS_FILE=/etc/pandora-to-v1", Runs([r"sk-pandora-\S+"]), follows=UNIT),
    # Settings of clients.
    Row(
        "export OPENAI_BASE_URL",
        Runs(["gpt-4-s"], after="python -c 'import openai; print(openai.OpenAI().models.list())'"),
        "docs/clients-setup.md",
    ),
    Row("BASE_URL=http://host.docker.internal", Reads(_addresses_of_clients)),
    Row("OPENAI_API_BASE_URL=", Reads(_addresses_of_clients)),
    Row("OPENAI_PROXY_URL=", Reads(_addresses_of_clients)),
    Row("version: 1.2.1\nendpoints:", Reads(_addresses_of_clients)),
    Row('{\n  "bot_type": "openai"', Reads(_addresses_of_clients)),
    # The simulator, and tests.
    Row("python -m simulator", Menu()),
    Row("curl -s http://127.0.0.1:8181/__sim/accounts", Runs()),
    Row("from simulator import Knobs, Simulator", Python("")),
    Row(".ci/install_clients", InCi("run")),
    Row("make clients", Menu()),
    Row("python3 -m venv tests/simulator/clients", InCi("install")),
    Row("git worktree add ../before-house", NotRun("it makes state with a commit of long ago")),
)  # fmt: skip
