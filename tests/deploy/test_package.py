"""The package: built, installed into an environment of its own, and its command run there."""

import ast
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from types import MappingProxyType

import pytest

from server import VERSION
from tests.deploy.image import ROOT, copies, stages
from tests.deploy.started_process import started_process
from tests.docs.pages import RUNNING
from tests.processes import ask

WHEEL = f"pandora_to_v1-{VERSION}-py3-none-any.whl"
SERVED = {".html", ".js", ".mjs", ".css", ".svg", ".woff2"}
ARCHIVE = f"pandora_to_v1-{VERSION}.tar.gz"


def build(source: Path, folder: Path) -> Path:
    """Build wheel and source archive; gives their folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in folder.iterdir()} - {".gitignore"} == {WHEEL, ARCHIVE}
    return folder


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the commands of an environment that has what the lock file pins, and the package."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "--no-input"]
    pip += ["--disable-pip-version-check"]
    locked = ["install", "-q", "--no-compile", "--require-hashes", "-r", str(ROOT / "requirements.lock")]
    for command in (locked, ["install", "-q", "--no-index", "--no-compile", str(dist / WHEEL)], ["check"]):
        done = subprocess.run([*pip, *command], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    return environment / "bin"


def started(
    installed: Path, folder: Path, *arguments: str, settings: Mapping[str, str] = MappingProxyType({})
) -> AbstractContextManager[subprocess.Popen[str]]:
    environment = {"PATH": os.environ["PATH"], "PORT": "0", **settings}
    return started_process([str(installed / "pandora-to-v1"), *arguments], folder, environment)


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    pytest.fail("it does not listen")


def said(installed: Path, folder: Path, *arguments: str, code: int = 0, **settings: str) -> str:
    """What a command says that ends by itself."""
    with started(installed, folder, *arguments, settings=settings) as process:
        text, _ = process.communicate(timeout=60)
        assert process.returncode == code, text
        return text


def test_installed_command_serves_the_demo_and_its_console_and_keeps_state_where_it_is_started(
    installed: Path, tmp_path: Path
) -> None:
    before = sorted(path for path in installed.parent.rglob("*") if "__pycache__" not in path.parts)
    with started(installed, tmp_path, "--demo") as process:
        port = port_of(process)
        message = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "in one word"}]}
        assert ask(port, "POST", "/v1/chat/completions", message, "fk-demo").status == 200
        page = ask(port, "GET", "/", key="")
        assert page.headers["Content-Type"].startswith("text/html")
        served = {path for path in (ROOT / "console").rglob("*") if path.suffix in SERVED}
        for name in {path.relative_to(ROOT / "console").as_posix() for path in served} - {"index.html"}:
            assert ask(port, "GET", f"/console/{name}", key="").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    after = sorted(path for path in installed.parent.rglob("*") if "__pycache__" not in path.parts)
    assert after == before, "it writes into the package"


def test_files_of_the_operator_are_looked_for_where_it_is_started(installed: Path, tmp_path: Path) -> None:
    key = said(installed, tmp_path, "keys", "add", "guest").strip()
    assert (tmp_path / "accounts.json").is_file()
    (tmp_path / "gpts.json").write_text('{"my-gpt": {"id": "g-SimAdvert"}}')
    with started(installed, tmp_path, settings={"BASE_URL": "http://127.0.0.1:1"}) as process:
        listed = ask(port_of(process), "GET", "/v1/models", key=key).json["data"]
        assert "my-gpt" in [model["id"] for model in listed]


def test_command_tells_its_own_name_and_version(installed: Path, tmp_path: Path) -> None:
    assert said(installed, tmp_path, "--version") == f"pandora-to-v1 {VERSION}\n"
    assert said(installed, tmp_path, "--help").startswith("usage: pandora-to-v1 ")
    assert said(installed, tmp_path, code=2).startswith("pandora-to-v1: BASE_URL is not set")
    unknown = said(installed, tmp_path, "keys", "revoke", "nobody", code=1)
    assert unknown == "pandora-to-v1: there is no key of the name nobody.\n"


def test_messages_tell_commands_by_the_name_that_is_installed(installed: Path, tmp_path: Path) -> None:
    backend = {"BASE_URL": "http://127.0.0.1:1"}
    missing = said(installed, tmp_path, code=2, ACCOUNTS_FILE="not-there.json", **backend)
    assert "make it with a first key by 'pandora-to-v1 keys add NAME'" in missing
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "demo-ledger.sqlite3").touch()
    assert "pandora-to-v1 --demo usage" in said(installed, tmp_path, "usage")
    with closing(sqlite3.connect(tmp_path / "state" / "ledger.sqlite3")) as newer:
        newer.executescript("CREATE TABLE of_tomorrow (x); PRAGMA user_version = 99;")
    assert "'pandora-to-v1 ledger restore FILE'" in said(installed, tmp_path, code=2, **backend)


def test_nothing_but_the_package_is_put_among_the_packages_of_others(dist: Path) -> None:
    with zipfile.ZipFile(dist / WHEEL) as wheel:
        names = wheel.namelist()
    assert {name.partition("/")[0] for name in names} == {
        "pandora_to_v1",
        f"pandora_to_v1-{VERSION}.dist-info",
    }


def test_package_has_what_the_image_has_but_the_list_of_gpts(dist: Path) -> None:
    copied = {source for source, _ in copies(stages()[-1])} - {"gpts.json", "LICENSE"}
    expected = {"pandora_to_v1/__init__.py": ROOT / "pandora_to_v1.py"}
    for path in (path for source in copied for path in [ROOT / source, *(ROOT / source).rglob("*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            expected[f"pandora_to_v1/{path.relative_to(ROOT)}"] = path
    with zipfile.ZipFile(dist / WHEEL) as wheel:
        held = {name: wheel.read(name) for name in wheel.namelist() if name.startswith("pandora_to_v1/")}
    assert held == {name: path.read_bytes() for name, path in expected.items()}


def test_source_archive_gives_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = build(tmp_path / ARCHIVE.removesuffix(".tar.gz"), tmp_path / "unpacked")
    assert (unpacked / WHEEL).read_bytes() == (dist / WHEEL).read_bytes()


def test_command_of_the_project_is_that_of_the_guide() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"pandora-to-v1": "pandora_to_v1:run"}
    assert "pipx install .\npandora-to-v1 --demo\n" in RUNNING


def test_python_without_the_packages_is_told_what_to_do_in_one_line(tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=False)
    command = [str(tmp_path / "bin" / "python"), "server.py", "--demo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"server.py: it cannot run with {command[0]} (No module named ")
    assert "make run" in line
    assert ".venv/bin/python server.py" in line


def test_python_that_is_too_old_can_read_the_line_that_says_so() -> None:
    """The module that says it is one that old versions of Python understand, so that they come to it."""
    ast.parse((ROOT / "server.py").read_text(), feature_version=(3, 8))
