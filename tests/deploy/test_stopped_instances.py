"""Instances that stop, as the real Prometheus sees them with the shipped rules, and whom it tells."""

import json
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.ports import free_port
from tests.deploy.rules import RULE_FILES
from tests.deploy.scraped import Prometheus, prometheus_with, shipped, wait_until, written
from tests.processes import Process, listening_port, running

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")

SETTINGS = {"BASE_URL": "http://127.0.0.1:1", "PROXY_API_PREFIX": "prefix0001", "DRAIN_TIMEOUT": "0"}


@contextmanager
def instance(port: int) -> Iterator[Process]:
    """A service that nobody asks anything."""
    with running(["server.py"], SETTINGS | {"PORT": str(port)}) as process:
        listening_port(process)
        yield process


class Receiver:
    """Takes alerts as an Alertmanager does, and remembers which have fired and which have ended."""

    def __init__(self) -> None:
        self.fired: set[str] = set()
        self.ended: set[str] = set()

    def note(self, sent: list[dict[str, Any]]) -> None:
        """Of an alert that goes on, the end is some time ahead."""
        for alert in sent:
            over = datetime.fromisoformat(alert["endsAt"]) <= datetime.now(UTC)
            (self.ended if over else self.fired).add(alert["labels"]["alertname"])


@contextmanager
def receiving() -> Iterator[tuple[Receiver, int]]:
    """A receiver, and its port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.note(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver, server.server_port
        server.shutdown()


def impatient_rules(directory: Path) -> list[str]:
    """The shipped rules, in which trouble of two seconds is enough."""
    paths = []
    for file in RULE_FILES:
        rules = yaml.safe_load(file.read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    rule["for"] = "2s"
        path = directory / file.name
        path.write_text(yaml.safe_dump(rules))
        paths.append(str(path))
    return paths


@contextmanager
def watching(directory: Path, name: str, scraped: dict[str, Any]) -> Iterator[tuple[Prometheus, Receiver]]:
    """Prometheus with the shipped configuration of that name, which finds instances as `scraped` says."""
    with receiving() as (receiver, port):
        config = shipped(name)
        config["rule_files"] = impatient_rules(directory)
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]}
        config["scrape_configs"] = [{"job_name": "pandora", **scraped}]
        with prometheus_with(directory, written(directory, config)) as server:
            yield server, receiver


INSTANCES = {"PandoraDown", "PandoraInstanceMissing", "PandoraAbsent"}
"""The alerts that tell of instances. On a busy machine one of two seconds may tell of its slowness."""


def firing(server: Prometheus) -> set[str]:
    """The alerts about instances that fire."""
    found = server.query('ALERTS{alertstate="firing"}')
    return {one["metric"]["alertname"] for one in found} & INSTANCES


def wait_until_firing(server: Prometheus, *names: str) -> None:
    """These and no others: whoever was scraped too late, by a slow machine, soon counts as there again."""
    wait_until(lambda: firing(server) == set(names), f"other alerts than {names} fire")


def test_one_instance_that_is_killed_is_told_to_the_alertmanager_and_so_is_its_return(tmp_path: Path) -> None:
    port = free_port()
    with instance(port) as process:
        target = {"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        with watching(tmp_path, "prometheus.yml", target) as (server, receiver):
            process.signal(signal.SIGKILL)
            wait_until(lambda: "PandoraDown" in receiver.fired, "nobody was told")
            wait_until_firing(server, "PandoraDown")
            receiver.ended.clear()
            with instance(port):
                wait_until(lambda: "PandoraDown" in receiver.ended, "nobody was told that it is back")
                wait_until_firing(server)


def test_one_of_several_that_has_no_name_any_more_is_missed_until_it_is_back(tmp_path: Path) -> None:
    ports, found = (free_port(), free_port()), tmp_path / "instances.json"

    def names(*these: int) -> None:
        """What is looked up: Docker drops the name of an instance that has stopped."""
        new = tmp_path / "new.json"
        new.write_text(json.dumps([{"targets": [f"127.0.0.1:{port}" for port in these]}]))
        new.rename(found)

    names(*ports)
    looked_up = {"file_sd_configs": [{"files": [str(found)], "refresh_interval": "1s"}]}
    with (
        instance(ports[0]),
        instance(ports[1]) as other,
        watching(tmp_path, "prometheus.scale.yml", looked_up) as (server, receiver),
    ):
        server.wait_for("count_over_time((job:pandora_instances:usual == 2)[1m:1s]) > 8")
        wait_until_firing(server)
        other.signal(signal.SIGKILL)
        names(ports[0])
        wait_until(lambda: "PandoraInstanceMissing" in receiver.fired, "nobody was told")
        wait_until_firing(server, "PandoraInstanceMissing")
        receiver.ended.clear()
        with instance(ports[1]):
            names(*ports)
            wait_until(lambda: "PandoraInstanceMissing" in receiver.ended, "nobody was told that it is back")


def test_none_that_is_left_is_told_too(tmp_path: Path) -> None:
    port, found = free_port(), tmp_path / "instances.json"
    found.write_text(json.dumps([{"targets": [f"127.0.0.1:{port}"]}]))
    looked_up = {"file_sd_configs": [{"files": [str(found)], "refresh_interval": "1s"}]}
    with (
        instance(port) as process,
        watching(tmp_path, "prometheus.scale.yml", looked_up) as (server, receiver),
    ):
        process.signal(signal.SIGKILL)
        found.write_text("[]")
        wait_until(lambda: "PandoraAbsent" in receiver.fired, "nobody was told")
        wait_until_firing(server, "PandoraAbsent")
