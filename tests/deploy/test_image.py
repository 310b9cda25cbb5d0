"""The image: linted, and its steps followed in a clean directory up to a running service."""

import ast
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.util import cache_from_source
from pathlib import Path
from types import MappingProxyType

import pytest

from benchmarks.ports import free_port
from settings import Settings
from tests.deploy.image import (
    ROOT,
    copies,
    copy_from_checkout,
    entry_point,
    environment,
    health_check,
    in_context,
    only,
    stages,
)
from tests.deploy.started_process import started_process
from tests.processes import ask
from tests.tracing.collector import collecting

BUILD, FINAL = stages()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the image has: `venv` and `app`."""
    root = tmp_path_factory.mktemp("image")
    copy_from_checkout(BUILD, root / "build")
    command = only(BUILD, "RUN").replace("/venv", str(root / "venv")).replace("--no-cache-dir ", "")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=root / "build",
        env=os.environ | {"PATH": path, "PIP_NO_COMPILE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    copy_from_checkout(FINAL, root / "app")
    compiled = subprocess.run(
        ["sh", "-c", only(FINAL, "RUN").partition(" && ")[0]],
        cwd=root / "app",
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert compiled.returncode == 0, compiled.stdout
    return root


def inside(built: Path, port: int) -> dict[str, str]:
    """The image's own environment; only places and addresses are those of this machine."""
    given = environment(FINAL)
    assert given["PATH"] == "/venv/bin:$PATH"
    here = {
        "PATH": f"{built / 'venv' / 'bin'}:/usr/bin:/bin",
        "STATE_DIR": str(built / "state"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }
    return given | here


def healthy(built: Path, port: int) -> bool:
    """What the health check finds."""
    program, *arguments = health_check(FINAL)
    command = [str(built / "venv" / "bin" / program), *arguments]
    return subprocess.run(command, env=inside(built, port), capture_output=True).returncode == 0


def started(
    built: Path, port: int, settings: Mapping[str, str] = MappingProxyType({})
) -> AbstractContextManager[subprocess.Popen[str]]:
    program, *arguments = entry_point(FINAL)
    command = [str(built / "venv" / "bin" / program), *arguments, "--demo"]
    return started_process(command, built / "app", inside(built, port) | dict(settings))


def test_image_runs_and_its_health_check_knows(built: Path) -> None:
    port = free_port()
    assert not healthy(built, port)
    before = sorted((built / "app").rglob("*"))
    with started(built, port) as process:
        assert process.stdout is not None
        assert any("listening on" in line for line in process.stdout)
        assert healthy(built, port)
        message = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "in one word"}]}
        assert ask(port, "POST", "/v1/chat/completions", message, "fk-demo").status == 200
        assert ask(port, "GET", "/", key="").headers["Content-Type"].startswith("text/html")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not healthy(built, port)
    assert sorted((built / "app").rglob("*")) == before, "it writes beside its code, which is read-only"


def test_image_has_what_traces_need(built: Path) -> None:
    with collecting() as collector, started(built, free_port(), collector.settings) as process:
        assert process.stdout is not None
        assert any("listening on" in line for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_environment_of_the_service_holds_no_installer(built: Path) -> None:
    names = {path.name.split("-")[0] for path in built.glob("venv/lib/python*/site-packages/*.dist-info")}
    assert "tornado" in names
    assert "pip" not in names


def test_image_has_what_the_service_imports_and_reads_and_no_other_room() -> None:
    copied = {source for source, _ in copies(FINAL)}
    data = {"gpts.json", "LICENSE", "console"}
    assert copied == {"server.py", *rooms_imported_by(ROOT / "server.py")} | data


def test_context_of_the_build_is_what_the_image_copies() -> None:
    copied = [source for stage in (BUILD, FINAL) for source, _ in copies(stage)]
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert sorted(rule.removeprefix("!") for rule in rules if rule.startswith("!")) == sorted(copied)
    assert len(rules) == len(set(rules)), "a line stands there twice"


def rooms_imported_by(path: Path) -> set[str]:
    """The rooms and single modules of this project that a module needs, through all that it imports."""
    found: set[str] = set()
    unread = [path]
    while unread:
        for room in own_imports(unread.pop()) - found:
            found.add(room)
            unread += [ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py")
    return found


def own_imports(path: Path) -> set[str]:
    """The rooms and single modules of this project that a module itself imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
    folders = {name for name in names if (ROOT / name).is_dir()}
    return folders | {f"{name}.py" for name in names if (ROOT / f"{name}.py").is_file()}


@pytest.mark.parametrize(
    "path", ["state/secret", "deploy/secrets/redis_url", "deploy/.env", ".git/config", "tests/conftest.py"]
)
def test_what_the_image_does_not_need_is_not_even_sent_to_the_builder(path: str) -> None:
    assert not in_context(path)


def test_image_is_run_by_a_numbered_user_who_owns_the_state_alone() -> None:
    user = only(FINAL, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    state = environment(FINAL)["STATE_DIR"]
    assert only(FINAL, "RUN").endswith(f" && mkdir {state} && chown {user} {state}")
    assert only(FINAL, "VOLUME") == state
    assert only(FINAL, "EXPOSE") == environment(FINAL)["PORT"]
    assert environment(FINAL)["HOST"] == "0.0.0.0"
    Settings.from_env(environment(FINAL))


def test_nothing_is_compiled_at_the_start(built: Path) -> None:
    sources = sorted((built / "app").rglob("*.py"))
    assert sources
    assert not [path for path in sources if not Path(cache_from_source(str(path))).exists()]


def test_mirror_is_known_while_packages_are_installed_and_nowhere_else() -> None:
    assert only(BUILD, "ARG") == "PIP_INDEX_URL"
    assert [name for name, _ in BUILD].index("ARG") < [name for name, _ in BUILD].index("RUN")
    assert "ARG" not in [name for name, _ in FINAL]


def test_base_image_and_dependencies_are_pinned() -> None:
    for stage in (BUILD, FINAL):
        assert re.match(
            r"python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?( AS build)?$", only(stage, "FROM")
        )
    assert "--require-hashes -r requirements.lock" in only(BUILD, "RUN")


def test_image_stops_by_the_signal_that_drains_the_service() -> None:
    assert only(FINAL, "STOPSIGNAL") == "SIGTERM"
    assert entry_point(FINAL) == ["python", "server.py"]


def test_dockerfile_is_found_sound_by_hadolint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
