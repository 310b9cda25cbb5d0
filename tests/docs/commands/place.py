"""Where a reader stands: a checkout on a machine of the reader's own, with a service that answers."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.docs.commands.stand_ins.programs import PROGRAMS, make_environment, write, write_stand_in
from tests.docs.commands.stand_ins.told import MACHINE, SIMULATOR
from tests.processes import PREFIX, Pair, new_key
from tests.source_tree import ROOT

SECONDS = 120.0
FOLDERS = ("/opt/", "/etc/", "/var/lib/", "/tmp/")
"""Folders of the reader's machine that commands name: here they are below a folder of the test."""
_BASH = shutil.which("bash") or "/bin/bash"


def clone(folder: Path) -> Path:
    """A repository with the files that git knows or would add, as they are now, without the tests."""
    listed = _git(
        ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", ":!tests", ":!docs/*.png"
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    _git(folder, "init", "-q")
    _git(folder, "add", "-A", "-f")
    _git(folder, "-c", "user.name=reader", "-c", "user.email=reader@example.org", "commit", "-q", "-m", "all")
    return folder


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=True
    )
    return done.stdout


@dataclass(frozen=True, slots=True)
class Service:
    """The service that questions go to. Its state is in `state`; it knows the account `anna`."""

    pair: Pair
    state: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.pair.port}"

    @property
    def admin_token(self) -> str:
        return (self.state / "admin_token").read_text().strip()


class Place:
    """A machine with a clone of `origin`, both below `folder`; `machine` holds its files by their paths."""

    def __init__(self, origin: Path, folder: Path, service: Service) -> None:
        self._origin = origin
        self._folder = folder
        self.machine = folder / "machine"
        self.service = service

    @cached_property
    def checkout(self) -> Path:
        """The clone, in which `make run` has been through. It is made when it is needed."""
        _git(self._folder, "clone", "-q", str(self._origin), "checkout")
        for path in ("home", "opt", "etc/systemd/system", "var/lib", "tmp", "programs"):
            (self.machine / path).mkdir(parents=True)
        (self.machine / "home" / ".curlrc").write_text(
            "fail-with-body\nshow-error\n"
        )  # an error is a failure
        (self.machine / "home" / ".gitconfig").write_text(
            "[user]\nname = reader\nemail = reader@example.org\n"
        )
        for name in PROGRAMS:
            write_stand_in(self.machine / "programs" / name)
        write(self.machine / "programs" / "python", [sys.executable])
        write(self.machine / "programs" / "pipx", [sys.executable, "-m", "pipx"])
        make_environment(self._folder / "checkout")
        return self._folder / "checkout"

    def replaced(self, text: str, more: Mapping[str, str]) -> str:
        """A text with what is the reader's own in it: `more`, then addresses, keys and folders."""
        simulator = f":{self.service.pair.simulator_port}"
        own = {
            "http://127.0.0.1:33333": self.service.url,
            "http://host.docker.internal:33333": self.service.url,
            "127.0.0.1:8181": f"127.0.0.1{simulator}",
            "host.docker.internal:8181": f"host.docker.internal{simulator}",
            "ADDRESS-OF-THIS-REPOSITORY": str(self._origin),
            "your-prefix": PREFIX,
            "fk-your-key": new_key(),
            **{folder: f"{self.machine}{folder}" for folder in FOLDERS},
        }
        return _with(_with(text, more), own)

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """What commands find; a service that they start takes any free port."""
        return {
            "PATH": f"{self.machine / 'programs'}:{os.environ['PATH']}",
            "HOME": str(self.machine / "home"),
            "LANG": "C.UTF-8",
            "PORT": "0",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip")),
            MACHINE: str(self.machine),
            SIMULATOR: str(self.service.pair.simulator_port),
            **more,
        }

    def run(self, text: str, more: Mapping[str, str] | None = None) -> str:
        """Run commands until they end; gives what they say. An exit code is a failure."""
        done = subprocess.run(
            [_BASH, "-euo", "pipefail", "-c", text],
            cwd=self.checkout,
            env=self.environment(more or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{text}\n{done.stdout}"
        return done.stdout

    @contextmanager
    def running(self, text: str, more: Mapping[str, str] | None = None) -> Iterator["Running"]:
        """Commands of which the last one goes on until it is stopped."""
        process = subprocess.Popen(
            [_BASH, "-euo", "pipefail", "-c", text],
            cwd=self.checkout,
            env=self.environment(more or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        running = Running(process)
        try:
            yield running
        finally:
            running.stop()


def _with(text: str, own: Mapping[str, str]) -> str:
    """A text with words replaced by others, all at once."""
    if not own:
        return text
    return re.sub("|".join(map(re.escape, own)), lambda found: own[found[0]], text)


class Running:
    """Commands that go on."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        return "".join(self._lines)

    @property
    def code(self) -> int | None:
        """The exit code, once they have ended and all that they said is there."""
        return None if self._reader.is_alive() else self._process.poll()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match in what they say, when it is there."""
        until = time.monotonic() + SECONDS
        while (found := re.search(pattern, self.said)) is None:
            assert self.code is None, f"{pattern!r} never came, and the code is {self.code}:\n{self.said}"
            assert time.monotonic() < until, f"{pattern!r} never came:\n{self.said}"
            time.sleep(0.02)
        return found

    def wait_for_end_or(self, pattern: str) -> None:
        """Until they have ended with code 0, or say something with that pattern."""
        until = time.monotonic() + SECONDS
        while self.code is None and not re.search(pattern, self.said):
            assert time.monotonic() < until, f"no end, and no {pattern!r}:\n{self.said}"
            time.sleep(0.02)
        assert not self.code, f"exit code {self.code}:\n{self.said}"

    def stop(self) -> None:
        """End all of them, which belong to one group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                os.killpg(self._process.pid, number)
                try:
                    self._process.wait(15)
                except subprocess.TimeoutExpired:
                    continue
        self._reader.join(15)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
