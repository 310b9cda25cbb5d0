"""The unit for systemd: valid, closed to what the service does not need, and true to its settings."""

import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from settings import Settings
from settings.spec import specs_of
from tests.deploy.compose import load
from tests.deploy.image import ROOT
from tests.processes import listening_port, running

UNIT = ROOT / "deploy" / "systemd" / "pandora-to-v1.service"
LINES = [tuple(line.split("=", 1)) for line in UNIT.read_text().splitlines() if re.match(r"\w+=", line)]
MOST_EXPOSED = 20
"""Tenths: what `systemd-analyze security` may find. It finds 12; an open unit has 96."""
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing"
)


def values(name: str) -> list[str]:
    return [value for found, value in LINES if found == name]


def only(name: str) -> str:
    (value,) = values(name)
    return value


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with the paths of this checkout."""
    text = UNIT.read_text().replace("/opt/pandora-to-v1/.venv/bin/python", sys.executable)
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("/opt/pandora-to-v1", str(ROOT)))
    return unit


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)


@needs_systemd
def test_unit_is_valid(installed: Path) -> None:
    done = analyzed("verify", "--man=no", "--recursive-errors=no", str(installed))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_unit_exposes_little(installed: Path) -> None:
    done = analyzed("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(installed))
    assert done.returncode == 0, done.stdout


def test_settings_of_the_unit_exist_and_secrets_are_credentials() -> None:
    specs = {spec.name: spec for spec in specs_of(Settings).values()}
    credentials = {name for name, _, _ in (value.partition(":") for value in values("LoadCredential"))}
    assert credentials
    for name, _, value in (given.partition("=") for given in values("Environment")):
        if name.endswith("_FILE") and value.startswith("%d/"):
            assert specs[name.removesuffix("_FILE")].secret
            credentials.remove(value.removeprefix("%d/"))
        else:
            assert name in {*specs, "PYTHONUNBUFFERED"}
    assert credentials == set(), "a credential that nothing reads"


def test_folder_of_state_is_that_of_the_unit() -> None:
    assert f"STATE_DIR=%S/{only('StateDirectory')}" in values("Environment")


def test_time_to_stop_is_that_of_the_containers_and_leaves_some_for_the_end() -> None:
    drain = float(specs_of(Settings)["drain_timeout"].default)
    pandora = load("compose.yaml")["services"]["pandora"]
    assert f"{only('TimeoutStopSec')}s" == pandora["stop_grace_period"]
    assert float(only("TimeoutStopSec")) >= drain + 10


def test_bounds_are_those_of_the_containers() -> None:
    pandora = load("compose.yaml")["services"]["pandora"]
    assert only("MemoryMax").lower() == pandora["mem_limit"]
    assert int(only("TasksMax")) == pandora["pids_limit"]


def test_start_that_cannot_succeed_is_not_tried_again() -> None:
    """As the command line has it: 2 for an unusable setting."""
    with running(["server.py"], {"BASE_URL": "no address"}) as service:
        assert service.exit_code() == int(only("RestartPreventExitStatus"))


def test_service_tells_systemd_that_it_is_ready_and_that_it_stops(tmp_path: Path) -> None:
    assert only("Type") == "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        settings = {"BASE_URL": "http://127.0.0.1:1", "PORT": "0", "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with running(["server.py"], settings) as service:
            assert systemd.recv(100) == b"READY=1"
            port = listening_port(service)
            socket.create_connection(("127.0.0.1", port), 5).close()
            service.signal(signal.SIGTERM)
            assert systemd.recv(100) == b"STOPPING=1"
            assert service.exit_code() == 0
        settings["NOTIFY_SOCKET"] = str(tmp_path / "nowhere")
        with running(["server.py"], settings) as service:
            service.wait_for("systemd cannot be told READY=1: No such file or directory")
