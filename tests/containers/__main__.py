"""Runs the tests of this folder in namespaces of their own: `python -m tests.containers`, as root.

What is given beside it goes to pytest, such as the name of one file.

Network, mounts and processes are apart from those of the machine: the engine changes no firewall rule and no
mount outside, the ports of the stacks are free, and all of it ends when the tests do, however they end.
Where no engine can be started, the tests are skipped by name.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.containers.engine import CGROUPS, FOLDER, UNSHARE, cgroup, missing, search_path

LEASH = ("setpriv", "--pdeathsig", "KILL", "--")
"""Before a command: it is killed when this process ends, even by a kill."""
COMMAND = (sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider")


@contextmanager
def connected(pid: int) -> Iterator[None]:
    """The way out of the network namespace of a process, for builds that ask package registries."""
    options = ["--configure", "--mtu=65520", "--disable-host-loopback", str(pid), "tap0"]
    command = [*LEASH, "slirp4netns", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def only_child(parent: "subprocess.Popen[bytes]") -> int:
    """The process inside, as it is numbered out here."""
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    while not (numbers := children.read_text().split()):
        assert parent.poll() is None, "the namespaces cannot be made"
        time.sleep(0.01)
    return int(numbers[0])


def remove_cgroups(name: str) -> None:
    """Remove the control groups that the engine has left empty."""
    for top in (CGROUPS / name, *CGROUPS.glob(f"*/{name}")):
        for group in sorted((one for one in top.rglob("*") if one.is_dir()), reverse=True):
            with suppress(OSError):
                group.rmdir()
        with suppress(OSError):
            top.rmdir()


def run(folder: Path, arguments: Sequence[str]) -> int:
    """Run the tests inside; gives their exit status."""
    environment = os.environ | {FOLDER: str(folder), "PATH": search_path()}
    command = [*LEASH, *UNSHARE, "tini-static", "--", *COMMAND, *arguments]
    inside = subprocess.Popen(command, env=environment)
    pid = only_child(inside)
    try:
        with connected(pid):
            return inside.wait()
    finally:
        inside.kill()
        inside.wait()
        while Path(f"/proc/{pid}").exists():  # with it, all that it has started is gone
            time.sleep(0.05)
        remove_cgroups(cgroup(folder))


def main() -> None:
    """Run the tests, inside where that can be."""
    arguments = sys.argv[1:] or ["tests/containers"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="containers-") as folder:
        if missing():
            environment = os.environ | {FOLDER: folder}
            sys.exit(subprocess.run([*COMMAND, *arguments], env=environment, check=False).returncode)
        sys.exit(run(Path(folder), arguments))


if __name__ == "__main__":
    main()
