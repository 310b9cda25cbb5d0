"""The processes of a scenario: the backend and each target, started fresh, pinned to cores, and ended.

The target under load has a core of its own; the backend and the load generator share another one.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from benchmarks import nginx
from benchmarks.backend_stream import ReplySpec
from benchmarks.far_backend import make_certificate
from benchmarks.load_generator import Endpoint, LoadGenerator, ReplyFormat
from benchmarks.ports import free_port
from benchmarks.send_times import SendTimes
from benchmarks.usage import Meter

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN = 20.0
"""Seconds within which a process must give its first right answer."""


class StartFailed(Exception):
    """A process ended, or gave no right answer in time; the text ends with what it logged last."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which CPU runs the target and which the load; the same one where there is only one."""

    target: int
    load: int

    @classmethod
    def of_this_process(cls) -> Self:
        """The first and the last core that this process may use."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[-1])


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """What to measure: `command` are arguments of Python, run in `directory`.

    Without a command nothing is started, and the load goes straight to the backend.
    """

    name: str
    reply_format: ReplyFormat
    command: tuple[str, ...] = ()
    directory: Path = ROOT


SERVICE = TargetSpec("service", ReplyFormat.OPENAI, ("server.py",))
RELAY = TargetSpec("relay", ReplyFormat.BACKEND, ("-m", "benchmarks.relay"))
NGINX = TargetSpec("nginx", ReplyFormat.BACKEND, ("-m", "benchmarks.nginx"))
DIRECT = TargetSpec("direct", ReplyFormat.BACKEND)
"""No server at all: what the benchmark itself adds."""
TARGETS = {spec.name: spec for spec in (SERVICE, RELAY, NGINX, DIRECT)}


def usual_targets() -> tuple[TargetSpec, ...]:
    """The service, and what it is compared with on this machine."""
    return (SERVICE, RELAY, NGINX) if nginx.installed() else (SERVICE, RELAY)


def service_in(directory: Path) -> TargetSpec:
    """The service of another checkout, as the target `baseline`."""
    return TargetSpec("baseline", ReplyFormat.OPENAI, SERVICE.command, directory)


@dataclass(frozen=True, slots=True)
class RunningTarget:
    """A target that is running and warm."""

    name: str
    endpoint: Endpoint
    meter: Meter
    idle_rss: int
    """Resident bytes after the warm-up."""


class BenchmarkProcesses:
    """Context manager: on entry the backend and all targets run and are warm, on exit nothing is left.

    With `far` the targets see the backend through `benchmarks.far_backend`, else next door and without TLS.
    Raises StartFailed on entry.
    """

    backend: Endpoint
    """Where the targets get their answers from."""

    def __init__(self, specs: Sequence[TargetSpec], cores: Cores, *, far: bool = False) -> None:
        self.targets: list[RunningTarget] = []
        self._specs = specs
        self._cores = cores
        self._far = far
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self._folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
            self.send_times = SendTimes.create(self._folder / "send-times")
            port = free_port()
            command = ["-m", "benchmarks.backend", "--port", str(port)]
            command += ["--send-times", str(self._folder / "send-times")]
            backend = self._start_process(started, "backend", command, ROOT, self._cores.load)
            direct = Endpoint(port, ReplyFormat.BACKEND, "/backend-api/conversation")
            self._warm_up("backend", direct, backend)
            self.backend = self._move_away(started, direct) if self._far else direct
            for spec in self._specs:
                if spec.command:
                    self.targets.append(self._start_target(started, spec, backend.pid))
                else:
                    meter = Meter(None, backend.pid, self._cores.target)
                    self.targets.append(RunningTarget(spec.name, self.backend, meter, idle_rss=0))
            self._exit = started.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._exit.close()

    def _move_away(self, started: ExitStack, direct: Endpoint) -> Endpoint:
        certificate = self._folder / "certificate.pem"
        try:
            make_certificate(certificate)
        except (OSError, subprocess.CalledProcessError) as error:
            raise StartFailed(f"no certificate for TLS: {error}") from None
        near, far = free_port(), free_port()
        command = ["-m", "benchmarks.far_backend", "--certificate", str(certificate)]
        command += ["--backend", str(direct.port), "--near", str(near), "--far", str(far)]
        self._start_process(started, "far backend", command, ROOT, self._cores.load)
        return replace(direct, port=far, certificate=certificate)

    def _start_target(self, started: ExitStack, spec: TargetSpec, backend_pid: int) -> RunningTarget:
        port = free_port()
        state = self._folder / spec.name
        state.mkdir()
        settings = service_settings(port, self.backend.origin, state)
        if self.backend.certificate is not None:
            settings["SSL_CERT_FILE"] = str(self.backend.certificate)
        core = self._cores.target
        process = self._start_process(started, spec.name, spec.command, spec.directory, core, settings)
        endpoint = Endpoint(port, spec.reply_format)
        self._warm_up(spec.name, endpoint, process)
        meter = Meter(process.pid, backend_pid, core)
        return RunningTarget(spec.name, endpoint, meter, meter.read().server_rss)

    def _start_process(
        self,
        started: ExitStack,
        name: str,
        command: Sequence[str],
        directory: Path,
        core: int,
        settings: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("wb") as log:
            process = start_python(command, directory, settings or {}, log.fileno())
        started.callback(end_process, process)
        os.sched_setaffinity(process.pid, {core})
        return process

    def _warm_up(self, name: str, endpoint: Endpoint, process: subprocess.Popen[bytes]) -> None:
        """Wait for the first right answer, then ask for every kind of answer some times."""
        load = LoadGenerator(endpoint)
        give_up = time.monotonic() + START_WITHIN
        while (first := load.closed_loop(ReplySpec(20), clients=1, seconds=0)).failed:
            if process.poll() is not None or time.monotonic() > give_up:
                log = (self._folder / f"{name}.log").read_text(errors="replace")
                raise StartFailed(f"{name}: {first.first_failure}\n{log[-800:]}")
            time.sleep(0.1)
        load.closed_loop(ReplySpec(50), clients=4, seconds=0.2)
        load.closed_loop(ReplySpec(20), clients=4, seconds=0.1, stream=False)


def service_settings(port: int, backend: str, state: Path) -> dict[str, str]:
    """Settings of the service for a benchmark, with names that older versions have too, or do without."""
    return {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "BASE_URL": backend,
        "LOG_LEVEL": "warning",
        "STATE_DIR": str(state),
        "MAX_CONCURRENT": "4000",
        "MAX_CONNECTIONS": "4000",
        "KEY_CONCURRENCY": "0",  # all clients have the same key
        "CONVERSATION_ROUTE": "older",  # the only one that the backend here reads
    }


def start_python(
    command: Sequence[str], directory: Path, settings: Mapping[str, str], output: int | None = None
) -> subprocess.Popen[bytes]:
    """Start this Python with `command` in `directory`, where it finds its modules.

    `output` is as `stdout` of `Popen`, for errors too; by default it prints where this process does.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=directory,
        env={**environment, **settings},
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
    )


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process, and kill it after five seconds."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
