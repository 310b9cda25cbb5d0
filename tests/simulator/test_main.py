"""The command line of the simulator."""

import argparse
import asyncio
import sys

import pytest

from simulator import DEMO_KNOBS, Simulator
from simulator.__main__ import build, command_line
from tests.simulator.client import PREFIX, ask


def test_command_line_sets_knobs_on_top_of_the_demo_pace() -> None:
    options = command_line().parse_args(["--port", "0", "--step", "4", "--cap-window", "60"])
    built = build(options)
    assert built.knobs == DEMO_KNOBS.set({"step": 4, "cap_window": 60})


def test_command_line_refuses_an_unknown_error_for_a_dead_key() -> None:
    options: argparse.Namespace = command_line().parse_args(["--port", "0", "--dead-key", "fk-x=nonsense"])
    with pytest.raises(ValueError, match="--dead-key"):
        build(options)


async def test_the_command_serves_until_it_is_told_to_stop() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator", "--port", "0", "--prefix", PREFIX, "--pace", "0"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[-1]
    served = Simulator(PREFIX)
    served.port = int(url.rpartition(":")[2])
    answer = await ask(served, "say exactly: hello")
    process.terminate()
    assert await process.wait() == 0
    assert answer.text == "hello"
