"""A real Prometheus that scrapes the service every second, with the shipped rules."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.ports import free_port
from tests.deploy.compose import DEPLOY

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Its HTTP API."""

    port: int

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer."""
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query; a scalar counts as one."""
        data = self.get("/api/v1/query", query=expression)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        found: list[dict[str, Any]] = data["result"]
        return found

    def numbers(self, expression: str) -> list[float]:
        """The values found that are numbers."""
        values = [float(series["value"][1]) for series in self.query(expression)]
        return [value for value in values if value == value]

    def found(self, expression: str) -> list[float]:
        """The same, once there are any: after a scrape that took too long nothing is there for a moment."""
        values: list[float] = []

        def there() -> bool:
            values[:] = self.numbers(expression)
            return bool(values)

        wait_until(there, expression)
        return values

    def wait_for(self, expression: str) -> None:
        """Until the query finds something."""
        wait_until(lambda: bool(self.query(expression)), expression)


def wait_until(reached: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not reached():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def configuration(directory: Path, target: str) -> Path:
    """The shipped configuration, with short intervals and an address instead of a name."""
    config = shipped("prometheus.yml")
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [target]}]
    return written(directory, config)


def shipped(name: str) -> dict[str, Any]:
    """A shipped configuration with short intervals, which sends alerts nowhere."""
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / name).read_text())
    config["global"] = dict.fromkeys(config["global"], "1s")
    config["rule_files"] = [str(DEPLOY / "prometheus" / name) for name in config["rule_files"]]
    del config["alerting"]
    return config


def written(directory: Path, config: dict[str, Any]) -> Path:
    """The file with that configuration."""
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


@contextmanager
def prometheus(directory: Path, target: str) -> Iterator[Prometheus]:
    """It has scraped `target` once when this begins."""
    with prometheus_with(directory, configuration(directory, target)) as server:
        yield server


@contextmanager
def prometheus_with(directory: Path, config: Path) -> Iterator[Prometheus]:
    """It has scraped an instance once when this begins."""
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    server = Prometheus(port)
    try:
        wait_until(lambda: _ready(server, process, directory), "Prometheus does not start")
        server.wait_for('up{job="pandora"} == 1')
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _ready(server: Prometheus, process: "subprocess.Popen[bytes]", directory: Path) -> bool:
    assert process.poll() is None, (directory / "log").read_text()
    try:
        server.query("1")
    except OSError:
        return False
    return True
