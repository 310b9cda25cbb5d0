"""`deploy/upgrade`: the order of its steps, over a stand-in for the engine."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy import stub_engine
from tests.deploy.compose import DEPLOY

OLD = ("old-1", "old-2", "old-3")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What came of one."""

    code: int
    output: str
    state: dict[str, Any]

    @property
    def versions(self) -> list[str]:
        return [one["version"] for one in self.state["instances"].values()]

    @property
    def commands(self) -> list[list[str]]:
        return [call["command"] for call in self.state["calls"]]


def upgrade(
    folder: Path, *, ids: tuple[str, ...] = OLD, exited: tuple[str, ...] = (), healthy: bool = True
) -> Upgrade:
    path = folder / "state.json"
    instances = {one: {"version": "old", "status": "running", "health": "healthy"} for one in ids}
    instances |= {one: {"version": "old", "status": "exited", "health": "healthy"} for one in exited}
    state = {"instances": instances, "version": "new", "healthy": healthy, "made": 0, "calls": []}
    path.write_text(json.dumps(state))
    settings = {
        "PATH": "/usr/bin:/bin",
        "DOCKER": f"{sys.executable} {stub_engine.__file__} {path}",
        "HEALTHY_WITHIN": "1",
        "KNOWN_WITHIN": "0",
    }
    done = subprocess.run([DEPLOY / "upgrade"], env=settings, capture_output=True, text=True, timeout=60)
    return Upgrade(done.returncode, done.stdout + done.stderr, json.loads(path.read_text()))


def test_all_instances_are_replaced_and_as_many_are_there_as_before(tmp_path: Path) -> None:
    done = upgrade(tmp_path)
    assert done.code == 0, done.output
    assert done.versions == ["new"] * len(OLD)
    assert all(one["status"] == "running" for one in done.state["instances"].values())


def test_there_are_never_fewer_healthy_instances_than_before(tmp_path: Path) -> None:
    done = upgrade(tmp_path)
    assert min(call["healthy"] for call in done.state["calls"]) == len(OLD)
    assert max(call["healthy"] for call in done.state["calls"]) == len(OLD) + 1


def test_one_is_stopped_and_has_ended_before_the_next_is_started(tmp_path: Path) -> None:
    commands = upgrade(tmp_path).commands
    steps = [
        "up" if command[0] == "compose" else command[0]
        for command in commands
        if set(command) & {"up", "stop"}
    ]
    assert steps == ["up", "stop"] * len(OLD)
    assert [command[1] for command in commands if command[0] == "stop"] == list(OLD)


def test_only_instance_can_be_replaced(tmp_path: Path) -> None:
    done = upgrade(tmp_path, ids=OLD[:1])
    assert (done.code, done.versions) == (0, ["new"])


def test_version_that_does_not_become_healthy_changes_nothing(tmp_path: Path) -> None:
    done = upgrade(tmp_path, healthy=False)
    assert done.code == 1
    assert list(done.state["instances"]) == list(OLD)
    assert not [command for command in done.commands if command[0] == "stop"]
    assert "the last words of new-1" in done.output


def test_instance_that_had_ended_is_not_started_again_in_place_of_a_new_one(tmp_path: Path) -> None:
    done = upgrade(tmp_path, exited=("crashed",))
    assert (done.code, done.versions) == (0, ["new"] * len(OLD))


def test_stack_that_does_not_run_is_not_started(tmp_path: Path) -> None:
    done = upgrade(tmp_path, ids=())
    assert done.code == 1
    assert "up -d" in done.output
    assert done.state["instances"] == {}


def test_script_is_found_sound_by_shellcheck() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, DEPLOY / "upgrade"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_script_can_be_run_by_every_shell() -> None:
    path = DEPLOY / "upgrade"
    assert path.stat().st_mode & 0o111
    assert path.read_text().startswith("#!/bin/sh\n")
