"""Clients that others wrote for the real backend get their talk from the simulated one. See README.md."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator import Knobs, Simulator
from tests.simulator.client import ask, message, running

HERE = Path(__file__).parent
PYTHON = HERE / "python" / ".venv" / "bin" / "python"
NODE = HERE / "node"
PREFIX = "prefix0001"

needs_revchatgpt = pytest.mark.skipif(
    not PYTHON.exists(), reason="revChatGPT is not installed: see tests/simulator/clients/README.md"
)
needs_npm_chatgpt = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE / "node_modules").exists(),
    reason="the npm package chatgpt is not installed: see tests/simulator/clients/README.md",
)


@asynccontextmanager
async def backend(**settings: object) -> AsyncIterator[Simulator]:
    """The simulated backend, for one test."""
    simulator = Simulator(PREFIX, Knobs(cap=0).set(settings))
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


async def output(arguments: Sequence[str | Path], folder: Path, **settings: str) -> Any:
    """What a program prints, which is JSON."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    process = await asyncio.create_subprocess_exec(
        *arguments,
        cwd=folder,
        env=environment | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return json.loads(out)


async def revchatgpt(simulator: Simulator, folder: Path) -> Any:
    """A talk of revChatGPT with the backend."""
    address = f"{simulator.url}/{PREFIX}/backend-api/"
    return await output(
        [PYTHON, HERE / "python" / "talk.py", "fk-foreign"],
        folder,
        CHATGPT_BASE_URL=address,
        SERVER_SIDE_ARKOSE="1",
    )


def grows(texts: Sequence[str]) -> bool:
    """Whether each text begins with the one before it, and the last is longer than the first."""
    begin_alike = all(longer.startswith(shorter) for shorter, longer in pairwise(texts))
    return begin_alike and len(texts[-1]) > len(texts[0])


@needs_revchatgpt
@pytest.mark.timeout(60)
@pytest.mark.parametrize("age", ["2023-05", "2023-12"])
async def test_revchatgpt_has_its_talk(age: str, tmp_path: Path) -> None:
    async with backend(age=age) as simulator:
        got = await revchatgpt(simulator, tmp_path)
        state = simulator.state
    for pieces in (got["pieces"], got["asynchronous"]):
        assert grows([piece["message"] for piece in pieces])
        assert pieces[-1]["finish_details"] == "stop"
        assert pieces[-1]["model"] == "text-davinci-002-render-sha"
    assert got["pieces"][-1]["message"] == got["asynchronous"][-1]["message"]

    in_talk = {piece["conversation_id"] for piece in got["pieces"] + got["again"]}
    assert in_talk == {got["conversation_id"]}
    assert got["history"]["current_node"] == got["again"][-1]["parent_id"]
    assert got["titles"] == ["A talk about tea"]
    assert got["conversation_id"] not in got["left"]
    assert ({"is_visible": False}) in [body for cid, body in state.patches if cid == got["conversation_id"]]
    assert not state.hide_all_calls

    assert "token_expired" in got["refusal"]
    assert "401" in got["refusal"]
    assert {stream.outcome for stream in state.streams} == {"complete"}


@needs_revchatgpt
@pytest.mark.timeout(60)
async def test_revchatgpt_continues_an_answer_that_was_cut_and_sees_calls_of_tools(tmp_path: Path) -> None:
    async with backend() as simulator:
        got = await revchatgpt(simulator, tmp_path)
    reasons = [piece["finish_details"] for piece in got["cut"]]
    assert reasons.index("max_tokens") < reasons.index("stop")
    assert grows([piece["message"] for piece in got["cut"] if piece["message"]])
    assert {piece["recipient"] for piece in got["tools"]} == {"all", "python"}
    assert [piece["end_turn"] for piece in got["tools"]].count(True) == 1


@needs_npm_chatgpt
@pytest.mark.timeout(60)
@pytest.mark.parametrize("settings", [{}, {"chunk": 7}, {"age": "2023-05"}])
async def test_chatgpt_of_npm_has_its_talk(settings: dict[str, object], tmp_path: Path) -> None:
    async with backend(**settings) as simulator:
        address = f"{simulator.url}/{PREFIX}/backend-api/conversation"
        got = await output(["node", NODE / "talk.mjs", address, "fk-foreign"], NODE)
        asked = [request for request in simulator.state.requests if request.path.endswith("conversation")]
    said = [text for text in got["progress"] if "[[sim" not in text]  # it takes the echo for an answer
    assert grows(said)
    assert got["first"]["text"] == said[-1]
    assert "🍵" in said[-1]
    assert got["second"]["conversationId"] == got["first"]["conversationId"]
    assert got["second"]["text"]
    assert got["refusal"].startswith("401 ")
    assert "author" not in asked[0].body["messages"][0]


async def test_role_without_an_author_is_taken_as_from_clients_of_early_2023() -> None:
    sent = message(role="user")
    del sent["author"]
    async with running() as simulator:
        assert (await ask(simulator, sent | {"role": "user"})).status == 200
        assert (await ask(simulator, sent | {"role": "robot"})).status == 422
        assert (await ask(simulator, sent)).status == 422
