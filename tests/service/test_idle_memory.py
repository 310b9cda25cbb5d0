"""A service that nobody has asked anything holds nothing that only answers need."""

import asyncio
import subprocess
import sys

from benchmarks.usage import resident_bytes
from tests.eventually import eventually
from tests.processes import PLAIN, PREFIX, ROOT, listening_port, running, simulator_process
from tests.service.deployment import deployed

MAX_IDLE_BYTES = 60 * 1024 * 1024


def test_process_is_small_until_the_first_question() -> None:
    with (
        simulator_process(PREFIX) as (_, backend),
        running(["server.py"], {"BASE_URL": f"http://127.0.0.1:{backend}", "PORT": "0", **PLAIN}) as service,
    ):
        listening_port(service)
        assert resident_bytes(service.pid) < MAX_IDLE_BYTES


def test_what_is_optional_is_not_imported_before_it_is_used() -> None:
    code = "import sys, server; print({'redis', 'simulator'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


async def test_vocabulary_is_loaded_by_the_first_answer() -> None:
    async with deployed() as service:
        tokens = service.server.service.tokens
        await asyncio.sleep(0.1)
        assert not tokens.loaded
        assert (await service.chat()).json["usage"]["completion_tokens"] > 0
        assert tokens.loaded
    await eventually(lambda: not tokens.loaded)
