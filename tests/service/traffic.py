"""Mixed traffic against a service of its own process, over a simulator that counts what it accepts."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from simulator import Knobs, Simulator
from simulator.accounts import quota_units
from tests.processes import PREFIX
from tests.raw_client import connect
from tests.service.deployment import CHAT, JSON_TYPE, question

MODELS = ("gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo")
TAILS = (
    *["[[sim tokens=3]]"] * 6,
    "[[sim tokens=40 pace=400]]",
    "[[sim tokens=3 header_delay=0.05]]",
    "[[sim fault=status_500]]",
    "[[sim fault=token_expired]]",
    "[[sim fault=html_200]]",
    "[[sim fault=reset_before_headers]]",
    "[[sim tokens=20 fault=reset_mid]]",
    "[[sim fault=error_only]]",
)
"""How the backend behaves: mostly well."""


def accepted_units(simulator: Simulator) -> int:
    """Quota units of the calls that the simulated backend has accepted."""
    counts = simulator.state.accepted_by_model
    return sum(quota_units(model) * count for model, count in counts.items())


@asynccontextmanager
async def simulated_backend() -> AsyncIterator[Simulator]:
    """A backend that keeps all conversations, as the real one does."""
    simulator = Simulator(PREFIX, Knobs(busy=False, cap=0), max_conversations=1_000_000)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


async def one_request(port: int, number: int, rng: random.Random, keys: int) -> int:
    """Ask something; gives the status, 0 if the service died meanwhile. Some clients leave early."""
    stream = rng.random() < 0.6
    body = question(f"Hello {rng.choice(TAILS)}", model=rng.choice(MODELS), stream=stream)
    headers = {"Authorization": f"Bearer fk-key-{number % keys}", **JSON_TYPE}
    leaves_after = rng.random() * 0.05 if rng.random() < 0.08 else None
    with suppress(OSError, EOFError, ValueError, AssertionError, TimeoutError):
        async with connect(port) as client, asyncio.timeout(leaves_after):
            await client.send("POST", CHAT, headers, json.dumps(body).encode())
            return (await client.answer()).status
    return 0


async def traffic(ports: list[int], numbers: range, seed: int, keys: int, statuses: Counter[int]) -> None:
    """Requests of 16 clients; their statuses are counted."""
    rng, left = random.Random(seed), iter(numbers)

    async def client() -> None:
        for number in left:
            statuses[await one_request(ports[number % len(ports)], number, rng, keys)] += 1

    await asyncio.gather(*(client() for _ in range(16)))
