"""The processes of a scenario: the backend and each target, started fresh, pinned to cores, and ended.

The target under load has a core of its own; the backend and the load generator share the other one.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.events import Ask
from benchmarks.loadgen import LoadGenerator, Speaks, Target
from benchmarks.sendtimes import SendTimes
from benchmarks.usage import Meter

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN = 20.0
TARGETS = ("service", "relay", "direct")
"""The service, the bare relay, and no server at all (what the harness itself adds)."""


class DidNotStart(Exception):
    """A process ended, or gave no right answer in time; the text ends with what it logged last."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which CPU runs the target and which the load; the same one where there is only one."""

    server: int
    load: int

    @classmethod
    def of_this_process(cls) -> Self:
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[-1])


@dataclass(frozen=True, slots=True)
class Contestant:
    """A running target, ready to be put under load."""

    name: str
    target: Target
    meter: Meter
    idle_rss: int
    """Resident bytes after the warm-up."""


class Stage:
    """Context manager: on entry everything runs and is warm, on exit nothing is left.

    Raises DidNotStart.
    """

    def __init__(self, names: tuple[str, ...], cores: Cores) -> None:
        self.names = names
        self.cores = cores
        self.contestants: list[Contestant] = []
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self.folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
            self.send_times = SendTimes.create(self.folder / "send-times")
            self.backend_port = free_port()
            command = ["-m", "benchmarks.backend", "--port", str(self.backend_port)]
            command += ["--send-times", str(self.folder / "send-times")]
            backend = self._spawn(started, "backend", command, self.cores.load)
            direct = Target(self.backend_port, Speaks.BACKEND, "/backend-api/conversation")
            self._warm_up("backend", direct, backend)
            for name in self.names:
                if name == "direct":
                    meter = Meter(None, backend.pid, self.cores.server)
                    self.contestants.append(Contestant(name, direct, meter, idle_rss=0))
                else:
                    self.contestants.append(self._start(started, name, backend.pid))
            self._exit = started.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._exit.close()

    def _start(self, started: ExitStack, name: str, backend_pid: int) -> Contestant:
        port = free_port()
        (self.folder / name).mkdir()
        command = ["server.py"] if name == "service" else ["-m", "benchmarks.relay"]
        settings = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "BASE_URL": f"http://127.0.0.1:{self.backend_port}",
            "LOG_LEVEL": "warning",
            "STATE_DIR": str(self.folder / name),
            "MAX_CONCURRENT": "2000",
            "KEY_CONCURRENCY": "0",  # all clients share one key
        }
        process = self._spawn(started, name, command, self.cores.server, settings)
        target = Target(port, Speaks.OPENAI if name == "service" else Speaks.BACKEND)
        self._warm_up(name, target, process)
        meter = Meter(process.pid, backend_pid, self.cores.server)
        return Contestant(name, target, meter, meter.read().server_rss)

    def _spawn(
        self,
        started: ExitStack,
        name: str,
        command: list[str],
        core: int,
        settings: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, **(settings or {})},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        started.callback(_end, process)
        os.sched_setaffinity(process.pid, {core})
        return process

    def _warm_up(self, name: str, target: Target, process: subprocess.Popen[bytes]) -> None:
        """Wait for the first right answer, then let it do everything some times."""
        load = LoadGenerator(target)
        give_up = time.monotonic() + START_WITHIN
        while (first := load.closed_loop(Ask(20), clients=1, seconds=0)).failed:
            if process.poll() is not None or time.monotonic() > give_up:
                log = (self.folder / f"{name}.log").read_text(errors="replace")
                raise DidNotStart(f"{name}: {first.first_failure}\n{log[-800:]}")
            time.sleep(0.1)
        load.closed_loop(Ask(50), clients=4, seconds=0.2)
        load.closed_loop(Ask(20), clients=4, seconds=0.1, stream=False)


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
