"""`docs/migration.md`, in both languages: its keys are known to `import-config`, and its commands work."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from migration.rules import LEFT_OUT, NEW_NAMES, RULES
from settings import Settings
from settings.spec import specs_of
from tests.deploy.compose import filled_in
from tests.processes import ROOT, ask, environment, listening_port, running

DOCUMENT = (ROOT / "docs" / "migration.md").read_text("utf-8")
IN_CHINESE = (ROOT / "docs" / "migration.zh-CN.md").read_text("utf-8")
DOCUMENTS = pytest.mark.parametrize("document", [DOCUMENT, IN_CHINESE], ids=["English", "Chinese"])
COMPOSE, PLAIN = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
CONFIG = {
    "upstream_base_url": "http://127.0.0.1:9",
    "upstream_api_prefix": "some-prefix",
    "gpt_4_s_new_name": "gpt-4-drawing",
    "process_workers": 2,
}


@DOCUMENTS
def test_table_has_each_key_with_its_setting(document: str) -> None:
    written = dict(re.findall(r"^\| `([a-z_.0-9]+)` \| (?:`([A-Z_]+)`)? ?\|", document, re.MULTILINE))
    settings = {key: rule.setting for key, rule in RULES.items()}
    assert written == settings | dict.fromkeys(NEW_NAMES, "MODEL_ALIASES") | dict.fromkeys(LEFT_OUT, "")


@DOCUMENTS
def test_settings_that_are_named_exist(document: str) -> None:
    there = {spec.name for spec in specs_of(Settings).values()}
    named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`", document))
    assert named - there == set()


def folder_with_old_files(folder: Path) -> Path:
    """The checkout as the commands see it: the old files, and what they are copied to."""
    (folder / "old").mkdir()
    (folder / "old" / "config.json").write_text(json.dumps(CONFIG))
    (folder / "old" / "gpts.json").write_text('{"helper": {"id": "g-AbC123xyZ"}}')
    (folder / "deploy" / "config").mkdir(parents=True)
    return folder


def run_lines(commands: str, folder: Path) -> None:
    """Run them in the folder, with the service's own command and Python."""
    commands = commands.replace(".venv/bin/python server.py", f"{sys.executable} {ROOT / 'server.py'}")
    shell = shutil.which("sh") or "/bin/sh"
    subprocess.run([shell, "-ec", commands], cwd=folder, env=environment({}), check=True, timeout=60)


def assigned(path: Path) -> dict[str, str]:
    lines = path.read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value.strip("'") for name, _, value in pairs}


def test_commands_for_compose_leave_what_the_compose_files_read(tmp_path: Path) -> None:
    folder = folder_with_old_files(tmp_path)
    lines = COMPOSE.splitlines()
    assert lines[-1].startswith("docker compose -f deploy/compose.yaml up")
    run_lines("\n".join(lines[:-1]), folder)
    found = assigned(folder / "deploy" / ".env")
    assert Settings.from_env(found).proxy_api_prefix == "some-prefix"
    assert (folder / "deploy" / "secrets" / "proxy_api_prefix").read_text() == ""
    assert (folder / "deploy" / "config" / "gpts.json").read_text() == (
        folder / "old" / "gpts.json"
    ).read_text()
    for_the_container = filled_in("common.yaml", found)
    assert "PROXY_API_PREFIX_FILE: \n" in for_the_container
    assert "BASE_URL: http://127.0.0.1:9\n" in for_the_container


def test_commands_without_compose_start_a_service_with_the_old_models(tmp_path: Path) -> None:
    folder = folder_with_old_files(tmp_path)
    lines = PLAIN.splitlines()
    assert lines[-1] == "GPTS_FILE=old/gpts.json .venv/bin/python server.py"
    run_lines("\n".join(lines[:-1]), folder)
    path = folder / "pandora.env"
    assert path.stat().st_mode & 0o777 == 0o600
    settings = assigned(path) | {"GPTS_FILE": str(folder / "old" / "gpts.json"), "PORT": "0"}
    with running(["server.py"], settings) as service:
        listed = ask(listening_port(service), "GET", "/v1/models", key="fk-some-key").json
    assert "helper" in {model["id"] for model in listed["data"]}
