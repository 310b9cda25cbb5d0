"""The service and the simulated backend as processes of their own, as people run them."""

import http.client
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.scratch import scratch_folder

ROOT = Path(__file__).parents[1]
PREFIX = "prefix0001"
KEY = "fk-some-key-of-a-caller"
_numbers = itertools.count(1)
START_SECONDS = 60.0
PLAIN = {
    "DRAIN_TIMEOUT": "0",
    "KEY_CONCURRENCY": "0",
    "UPSTREAM_RETRIES": "0",
    "REFUSALS_PER_MINUTE": "0",
    "REFUSED_KEY_SECONDS": "0",
}
"""Each request is one request to the backend, at once, and the end comes soon."""


def new_key() -> str:
    """A key nothing is remembered of, such as a cap that was reached."""
    return f"{KEY}-{next(_numbers)}"


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """A bare environment with `settings`; what is set around the tests has no say."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1"} | dict(settings)


class Process:
    """A running command; all it says is kept in `output`. It inherits `descriptors`."""

    def __init__(
        self, arguments: Sequence[str], settings: Mapping[str, str], descriptors: Sequence[int] = ()
    ) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=descriptors,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def wait_for(self, pattern: str, seconds: float = START_SECONDS) -> re.Match[str]:
        """The first match in the output, when it is there."""
        until = time.monotonic() + seconds
        while (found := re.search(pattern, self.output)) is None:
            ended = self._popen.poll() is not None and not self._reader.is_alive()
            if ended or time.monotonic() > until:
                raise AssertionError(f"{pattern!r} never came:\n{self.output}")
            time.sleep(0.01)
        return found

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    @property
    def ended(self) -> bool:
        """It has gone."""
        return self._popen.poll() is not None

    def exit_code(self, seconds: float = 30.0) -> int:
        """Wait for the end."""
        code = self._popen.wait(seconds)
        self._reader.join(seconds)
        return code

    def stop(self) -> None:
        """Terminate, or kill what does not obey."""
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(10)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        self._reader.join(5)
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._lines.append(line)


@contextmanager
def running(
    arguments: Sequence[str],
    settings: Mapping[str, str] | None = None,
    descriptors: Sequence[int] = (),
) -> Iterator[Process]:
    """A process, stopped at the end. Its state is kept in a directory of its own."""
    with scratch_folder() as state:
        process = Process(arguments, {"STATE_DIR": state} | dict(settings or {}), descriptors)
        try:
            yield process
        finally:
            process.stop()


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, method: str, path: str, body: object = None, key: str = KEY) -> Reply:
    """One request to 127.0.0.1; a body goes as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    content = None if body is None else json.dumps(body)
    try:
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Pair:
    """A service and the simulated backend behind it."""

    service: Process
    port: int
    simulator: Process
    simulator_port: int

    @property
    def url(self) -> str:
        """What SDK users give as the base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def upstream(self) -> dict[str, Any]:
        """The state of the simulated backend."""
        state: dict[str, Any] = ask(self.simulator_port, "GET", "/__sim/state").json
        return state

    def upstream_reaches(self, name: str, value: object, seconds: float = 20.0) -> bool:
        """Whether a number in that state gets there in time."""
        until = time.monotonic() + seconds
        while self.upstream[name] != value:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True


def listening_port(process: Process) -> int:
    return int(process.wait_for(r"listening on http://127\.0\.0\.1:(\d+)")[1])


@contextmanager
def simulator_process(prefix: str, knobs: Sequence[str] = ()) -> Iterator[tuple[Process, int]]:
    """The simulated backend, and its port. `knobs` are its options."""
    options = ["--port", "0", "--prefix", prefix, "--pace", "0", "--busy", "0", "--cap", "0"]
    options += ["--age", "2023-12", *knobs]  # the age that most tests are about
    with running(["-m", "simulator", *options]) as simulator:
        yield simulator, int(simulator.wait_for(r"simulated backend on http://127\.0\.0\.1:(\d+)")[1])


@contextmanager
def service_over_simulator(
    settings: Mapping[str, str] | None = None,
    knobs: Sequence[str] = (),
    command: Sequence[str] = ("server.py",),
) -> Iterator[Pair]:
    """Both processes. `knobs` are options of the simulator; `settings` and `command` are the service's."""
    given = dict(settings or {})
    prefix = given.get("PROXY_API_PREFIX", PREFIX)
    with ExitStack() as stack:
        simulator, simulator_port = stack.enter_context(simulator_process(prefix, knobs))
        defaults = {
            "BASE_URL": f"http://127.0.0.1:{simulator_port}",
            "PROXY_API_PREFIX": prefix,
            "PORT": "0",
            **PLAIN,
        }
        service = stack.enter_context(running(command, defaults | given))
        yield Pair(service, listening_port(service), simulator, simulator_port)
