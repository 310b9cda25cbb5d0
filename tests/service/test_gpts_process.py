"""The list of GPTs and the real process: its start, SIGHUP, the demonstration."""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator import Knobs, Simulator
from tests.raw_client import Answer, connect
from tests.upstream.gpts.rig import CALLER, KEY, PREFIX

SERVER = Path(__file__).parents[2] / "server.py"
SECONDS = 60


async def start(directory: Path, *arguments: str, **env: str) -> Process:
    """The service as a process of its own, with nothing in its environment but this."""
    env |= {"PORT": "0", "STATE_DIR": str(directory), "PATH": os.environ["PATH"]}
    return await asyncio.create_subprocess_exec(
        sys.executable, str(SERVER), *arguments, env=env, cwd=directory, stdout=PIPE, stderr=PIPE
    )


@dataclass(slots=True)
class Running:
    process: Process
    port: int
    log: str = ""

    async def line_with(self, words: str) -> str:
        """Wait for a line of output."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            while line := (await self.process.stdout.readline()).decode():
                self.log += line
                if words in line:
                    return line
        raise AssertionError(f"the output ended without {words!r}")

    async def ask(self, path: str) -> Answer:
        async with connect(self.port) as connection:
            await connection.send("GET", path, {"Authorization": f"Bearer {CALLER}"})
            return await connection.answer()

    async def models(self) -> list[str]:
        return [model["id"] for model in (await self.ask("/v1/models")).json["data"]]


@asynccontextmanager
async def running(directory: Path, *arguments: str, **env: str) -> AsyncIterator[Running]:
    """A process that listens; it must end well on SIGTERM."""
    process = await start(directory, *arguments, **env)
    service = Running(process, 0)
    try:
        found = re.search(r":(\d+)\s*$", await service.line_with("listening on"))
        assert found
        service.port = int(found[1])
        yield service
    finally:
        process.terminate()
        _, errors = await process.communicate()
    assert process.returncode == 0
    assert errors == b""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"helper": {}}', 'the entry "helper" has no id'),
        ('{"a": {"id": "g-1"}, "a": {"id": "g-2"}}', 'the name "a" is there twice'),
        ('{"gpt-4-s": {"id": "g-1"}}', 'the name "gpt-4-s" already means a model or an alias'),
        ('{"mini": {"id": "g-1"}}', 'the name "mini" already means a model or an alias'),
        ("{", "it is not JSON"),
    ],
)
async def test_malformed_list_stops_the_start_with_one_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(content)
    aliases = "mini=gpt-3.5-turbo"
    process = await start(tmp_path, BASE_URL="http://127.0.0.1:9", GPTS_FILE=str(path), MODEL_ALIASES=aliases)
    output, errors = await process.communicate()
    assert process.returncode == 2
    assert output == b""
    line = errors.decode()
    assert line.startswith(f"server.py: {path} is not usable: ")
    assert said in line
    assert line.count("\n") == 1


async def test_sighup_reloads_the_list(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"helper": {"id": "g-YyyyMT9XH"}}))
    simulator = Simulator(PREFIX, Knobs())
    await simulator.start()
    settings = {
        "BASE_URL": simulator.url,
        "PROXY_API_PREFIX": PREFIX,
        "GPTS_FILE": str(path),
        "KEY_FOR_GPTS_INFO": KEY,
    }
    try:
        async with running(tmp_path, **settings) as service:
            assert "helper" in await service.models()
            path.write_text(json.dumps({"newcomer": {"id": "g-SimAdvert"}}))
            service.process.send_signal(signal.SIGHUP)
            await service.line_with("read again: 1 GPTs; new: newcomer; gone: helper")
            assert "newcomer" in await service.models()
            assert "helper" not in await service.models()
            path.write_text("{")
            service.process.send_signal(signal.SIGHUP)
            await service.line_with("ERROR pandora list.json is not usable, the GPTs stay as they were")
            assert "newcomer" in await service.models()
        assert KEY not in service.log
    finally:
        await simulator.stop()


async def test_demonstration_offers_gpts_that_its_backend_knows(tmp_path: Path) -> None:
    async with running(tmp_path, "--demo") as service:
        models = await service.models()
        demonstrated = [name for name in models[3:] if name in (await service.ask("/readyz")).json["gpts"]]
        assert len(demonstrated) >= 3
        for _ in demonstrated:
            await service.line_with("is available")
        gpts = (await service.ask("/readyz")).json["gpts"]
        assert gpts == {name: {"available": True} for name in demonstrated}
