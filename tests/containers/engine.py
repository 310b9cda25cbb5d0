"""A container engine of our own: what it needs, its start and its end, and the commands that talk to it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import ROOT

PARTS = ROOT / ".containers"
"""What `.ci/install_containers` fetches: `base.tar` and `engine/`."""
BASE = PARTS / "base.tar"
CGROUPS = Path("/sys/fs/cgroup")
FOLDER = "CONTAINERS_FOLDER"
"""The variable with the folder of this run, which `python -m tests.containers` sets."""
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
START_SECONDS = 30.0


def missing() -> str:
    """Why no engine can be started here; empty where one can."""
    if os.geteuid() != 0:
        return "only root can start a container engine"
    for tool in ("unshare", "slirp4netns", "runc", "iptables", "git"):
        if shutil.which(tool) is None:
            return f"{tool} is missing: .ci/install_containers installs it"
    if not BASE.exists():
        return "the engine is missing: .ci/install_containers fetches it"
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        return "namespaces cannot be made here"
    return ""


def search_path() -> str:
    """PATH with the programs of the engine first."""
    programs = PARTS / "engine" / "usr"
    return f"{programs / 'bin'}:{programs / 'sbin'}:{os.environ['PATH']}"


def cgroup(folder: Path) -> str:
    """The name of the control group that all containers of a run are below."""
    return folder.name


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine. `folder` is for the files of this run."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *command: str, cwd: Path = ROOT, more: Mapping[str, str] | None = None) -> str:
        """What a command says, for which `docker` is this engine. A failure is an AssertionError."""
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**self.environment, **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
        return done.stdout

    def docker(self, *arguments: str) -> str:
        return self.run("docker", *arguments).strip()


def _private_files(folder: Path) -> None:
    """Keep mounts, and what the engine writes at fixed places, out of the machine's sight."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for place in ("run", "opt"):
        written, work = folder / "written" / place, folder / "work" / place
        written.mkdir(parents=True)
        work.mkdir(parents=True)
        layers = f"lowerdir=/{place},upperdir={written},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "-o", layers, "overlay", f"/{place}"], check=True)


def _network() -> None:
    """Wait for the way out, and let the containers use it."""
    until = time.monotonic() + START_SECONDS
    while "tap0" not in (name for _, name in socket.if_nameindex()):
        assert time.monotonic() < until, "the namespace has no network"
        time.sleep(0.05)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """An engine with no images, in the namespaces of this process. What it stores is below `folder`."""
    _private_files(folder)
    _network()
    plugins = folder / "client" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(
        PARTS / "engine" / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"
    )
    address = f"unix://{folder / 'socket'}"
    command = ["dockerd", "--host", address, "--cgroup-parent", f"/{cgroup(folder)}"]
    command += ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    command += ["--pidfile", str(folder / "pid"), "--init-path", str(shutil.which("tini-static"))]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DOCKER_HOST": address,
        "DOCKER_CONFIG": str(folder / "client"),
        "DOCKER_BUILDKIT": "0",  # the builder that needs no plugin
    }
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + START_SECONDS
        while subprocess.run(
            ["docker", "info"], env=environment, capture_output=True, check=False
        ).returncode:
            said = (folder / "engine.log").read_text()
            assert process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.1)
        yield Engine(folder, environment)
    finally:
        process.terminate()
        process.wait()
