"""Mixed traffic against a service of its own process, over a simulator that counts what it accepts."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from simulator import Knobs, Simulator, conversations
from simulator.accounts import quota_units
from simulator.conversations import Conversation
from simulator.routes.conversation import ConversationHandler
from tests.service.deployment import CHAT, JSON_TYPE, question
from tests.service.e2e.processes import PREFIX
from tests.service.wire import connect

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


@dataclass(slots=True)
class Accepted:
    """What the simulated backend has accepted, by its own names of the models."""

    conversations: Counter[str] = field(default_factory=Counter)

    @property
    def units(self) -> int:
        return sum(quota_units(model) * count for model, count in self.conversations.items())


def count_accepted(monkeypatch: pytest.MonkeyPatch) -> Accepted:
    """Counted at the very moment at which the simulator counts them.

    From then on their messages are found in their conversations: a backend keeps what it accepts, while the
    simulator keeps a message when it echoes it, for which somebody must still be there.
    """
    accepted = Accepted()
    check, as_json = ConversationHandler._before_headers, Conversation.as_json
    kept: dict[str, list[str]] = {}

    def with_kept(self: Conversation) -> dict[str, Any]:
        stored = as_json(self)
        return stored | {"mapping": dict.fromkeys(kept.get(self.id, [])) | stored["mapping"]}

    async def counting(self: ConversationHandler, knobs: Knobs) -> bool:
        passed = await check(self, knobs)
        if passed and self._stream is not None:
            accepted.conversations[self._stream.model] += 1
            messages = self.object_body().get("messages", [])
            kept[self._stream.conversation_id] = [message["id"] for message in messages]
        return passed

    monkeypatch.setattr(ConversationHandler, "_before_headers", counting)
    monkeypatch.setattr(Conversation, "as_json", with_kept)
    monkeypatch.setattr(conversations, "MAX_CONVERSATIONS", 1_000_000)  # a backend forgets none
    return accepted


@asynccontextmanager
async def simulated_backend() -> AsyncIterator[Simulator]:
    simulator = Simulator(PREFIX, Knobs(busy=False, cap=0))
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
