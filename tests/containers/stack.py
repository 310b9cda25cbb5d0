"""One of the shipped stacks, running, with a simulated backend beside it."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.containers.engine import Engine
from tests.deploy.scraped import Prometheus
from tests.processes import PREFIX, ask, running

PORT = 33333
"""Where a stack answers."""
GATEWAY = "172.17.0.1"
"""This namespace, as containers find it: the engine's own network has no other default."""
KEY = "fk-of-the-chats"
REDIS_PASSWORD = "password-of-the-redis"
SECRETS = {
    "proxy_api_prefix": PREFIX,
    "grafana_password": "password-of-grafana",
    "redis_url": f"redis://:{REDIS_PASSWORD}@redis:6379/0",
    "redis.conf": f"requirepass {REDIS_PASSWORD}",
    "alert_webhook": f"http://{GATEWAY}:1/",
}
"""By the names that deploy/README.md tells; a stack may be given others."""
QUIET = ("--pace", "0", "--busy", "0", "--cap", "0")
"""A backend that answers at once and whatever is asked."""


@contextmanager
def backend() -> Iterator[int]:
    """The simulated backend, where containers find it as `host.docker.internal`; gives its port."""
    options = ["--host", "0.0.0.0", "--port", "0", "--prefix", PREFIX, *QUIET]
    with running(["-m", "simulator", *options]) as simulator:
        yield int(simulator.wait_for(r"simulated backend on http://\S+:(\d+)")[1])


@dataclass(frozen=True, slots=True)
class Stack:
    """`file` is the compose file, in `checkout`."""

    engine: Engine
    checkout: Path
    file: str
    backend_port: int

    def compose(self, *arguments: str) -> str:
        return self.engine.run(
            "docker", "compose", "-f", f"deploy/{self.file}", *arguments, cwd=self.checkout
        )

    def up(self) -> None:
        """Start what does not run, and wait until all of it is healthy."""
        try:
            self.compose("up", "--detach", "--no-build", "--wait")
        except AssertionError as error:
            told = self.compose("ps", "--all") + self.compose("logs", "--tail=20")
            raise AssertionError(f"{error}\n{told}") from None

    def upgrade(self, **variables: str) -> None:
        """Replace the instances one by one, as the documents say."""
        self.engine.run("deploy/upgrade", cwd=self.checkout, more=variables)

    def containers(self, service: str) -> list[str]:
        """The ids of the running containers of a service."""
        return self.compose("ps", "--quiet", service).split()

    def health(self) -> dict[str, str]:
        """What the engine says of each container that runs, by its name."""
        told = self.compose("ps", "--format", "{{.Name}} {{.Health}}").splitlines()
        return dict(line.split(" ") for line in told)

    def inspect(self, container: str, what: str) -> str:
        """A value of what the engine knows of a container, by a Go template."""
        return self.engine.docker("inspect", "--format", f"{{{{{what}}}}}", container)

    def wait_until_healthy(self, container: str) -> None:
        wait(
            lambda: self.inspect(container, ".State.Health.Status") == "healthy",
            f"{container} is not healthy",
        )

    @property
    def attempts(self) -> int:
        """How many messages were posted to the backend."""
        number: int = ask(self.backend_port, "GET", "/__sim/state").json["attempts"]
        return number

    @property
    def booked(self) -> range:
        """How many messages were spent by the ledger, at the least and at the most.

        The outcome of what was under way when an instance was killed is unknown, and counts as spent.
        """
        rows = self.usage()
        spent = sum(row["conversations"] - row["free"] for row in rows)
        return range(spent - sum(row["unknown"] for row in rows), spent + 1)

    @property
    def all_is_booked(self) -> bool:
        """Whether the ledger may have each message that was posted, and none beside them."""
        return self.attempts in self.booked

    def usage(self) -> list[dict[str, Any]]:
        """The rows of the ledger."""
        instance, *_ = self.containers("pandora")
        told = self.engine.docker("exec", instance, "python", "server.py", "usage", "--json")
        rows: list[dict[str, Any]] = json.loads(told)
        return rows

    @property
    def prometheus(self) -> Prometheus:
        return Prometheus(9090)

    def most_memory(self, container: str) -> int:
        """The most MiB that a container has had since it began, as its control group counts them."""
        files = "/sys/fs/cgroup/memory.peak /sys/fs/cgroup/memory/memory.max_usage_in_bytes"
        told = self.engine.docker("exec", container, "sh", "-c", f"cat {files} 2>/dev/null || true")
        return int(told) >> 20


def wait(holds: Callable[[], bool], otherwise: str, seconds: float = 60.0) -> float:
    """Until it holds; gives the seconds that took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() < begun + seconds, otherwise
        time.sleep(0.2)
    return time.monotonic() - begun


@contextmanager
def stack(
    engine: Engine,
    checkout: Path,
    file: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """A stack in a checkout, with `.env` and secrets, over a backend of its own; nothing is left of it."""
    folder = checkout / "deploy" / "secrets"
    folder.mkdir(exist_ok=True)
    for name, value in (SECRETS | dict(secrets or {})).items():
        (folder / name).write_text(value + "\n")
    with backend() as port:
        given = {"BASE_URL": f"http://host.docker.internal:{port}", "OPENAI_API_KEY": KEY, **settings}
        (checkout / "deploy" / ".env").write_text(
            "".join(f"{name}={value}\n" for name, value in given.items())
        )
        started = Stack(engine, checkout, file, port)
        try:
            started.up()
            yield started
        finally:
            started.compose("--profile", "*", "down", "--volumes", "--timeout", "5")
