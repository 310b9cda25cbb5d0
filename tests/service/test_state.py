"""The state on the disk goes, or cannot be written, while the service runs."""

import resource
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.processes import Pair, ask, service_over_simulator
from tests.service.deployment import deployed, question


def conversations(state: Path) -> int:
    with closing(sqlite3.connect(state / "ledger.sqlite3")) as file:
        (count,) = file.execute("SELECT COUNT(*) FROM conversations").fetchone()
    return int(count)


@pytest.mark.usefixtures("loud_log")
async def test_removed_state_is_there_again_with_all_that_was_recorded(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with deployed({"STATE_DIR": str(state)}) as service:
        await service.chat("Hello")
        secret, token = (state / "secret").read_bytes(), (state / "admin_token").read_bytes()
        shutil.rmtree(state)
        await service.chat("Hello")
        assert conversations(state) == 2
        assert (await service.ask("GET", "/readyz")).status == 200
        await eventually((state / "admin_token").exists, 30)
        assert (state / "secret").read_bytes() == secret, "so that keys keep their names"
        assert (state / "admin_token").read_bytes() == token


@pytest.mark.usefixtures("loud_log")
async def test_service_is_not_ready_while_its_state_cannot_be_written_and_answers_all_the_same(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    async with deployed({"STATE_DIR": str(state)}) as service:
        await service.chat("Hello")
        shutil.rmtree(state)
        state.write_text("a file in the place of the directory")
        assert (await service.chat("Hello")).status == 200
        answer = await service.ask("GET", "/readyz")
        assert (answer.status, answer.json["status"]) == (503, "not_recording")
        state.unlink()
        until = time.monotonic() + 60
        while (await service.ask("GET", "/readyz")).status != 200:
            assert time.monotonic() < until
        assert conversations(state) == 2


def test_service_on_a_full_disk_is_not_ready_though_nobody_asks_anything() -> None:
    with service_over_simulator() as pair:
        assert ask(pair.port, "POST", "/v1/chat/completions", question()).status == 200
        assert readiness(pair) == 200
        usual = resource.prlimit(pair.service.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pair.service.pid, resource.RLIMIT_FSIZE, (1000, usual[1]))
        assert eventually_ready(pair, 503)
        assert ask(pair.port, "POST", "/v1/chat/completions", question()).status == 200
        resource.prlimit(pair.service.pid, resource.RLIMIT_FSIZE, usual)
        assert eventually_ready(pair, 200)


def readiness(pair: Pair) -> int:
    return ask(pair.port, "GET", "/readyz", key="").status


def eventually_ready(pair: Pair, status: int) -> bool:
    until = time.monotonic() + 60
    while readiness(pair) != status:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
