"""A run: many turns over six accounts, of which each has its trouble, while instances are killed."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

from tests.accounts_run.book import BROKEN, KILLED, REFUSED, WHOLE, WRONG, Book, Turn
from tests.accounts_run.world import CAP, CONCURRENCY, KEYS, WINDOW, World, key, world
from tests.eventually import eventually
from tests.raw_client import Answer, Connection, connect
from tests.service.deployment import CHAT, JSON_TYPE, question

CLIENTS = 16
MODELS = ("gpt-4-s", "gpt-4-s", "gpt-3.5-turbo")
SLOWLY = "[[sim pace=40]]"
"""An answer takes a quarter of a second, so that accounts are in use."""
PAUSE = 0.5
"""Seconds before a client that was refused asks the next thing."""
ANSWERED_WITHIN = 60.0
LASTS = 5.0
"""Seconds that a passing trouble lasts."""


class Run:
    """`turns` turns over so many instances."""

    def __init__(self, here: World, turns: int) -> None:
        self._here = here
        self._numbers = iter(range(turns))
        self._count = turns
        self._random = random.Random(turns)
        self._began = time.monotonic()
        self._turns: list[Turn] = []
        self._surprises: Counter[str] = Counter()
        self._kills = 0

    async def book(self) -> Book:
        """Make all turns, and say what came of them."""
        async with asyncio.TaskGroup() as group:
            for number in range(len(self._here.settings)):
                group.create_task(self._here.start(number))
        await self._here.hurt(
            cem={"fails": 0.2, "fails_by": "status_503"}, dee={"fails": 0.05, "fails_by": "reset_mid"}
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._troubles())
            for _ in range(CLIENTS):
                group.create_task(self._client())
        await eventually(lambda: len(self._turns) == self._count, 10)
        await self._quiet()
        return Book(
            turns=self._turns,
            accounts=await self._here.counted(),
            ledger=await self._here.booked(),
            concurrency=CONCURRENCY,
            cap=CAP,
            window=WINDOW,
            surprises=self._surprises,
            kills=self._kills,
            at_once=CLIENTS,
        )

    async def _troubles(self) -> None:
        """One after the other, at fixed shares of the turns."""
        steps: list[Callable[[], Awaitable[None]]] = [
            self._expire, self._kill, self._cap, self._challenge, self._kill, self._renew, self._refuse,
            self._kill, self._cap,
        ]  # fmt: skip
        for place, step in enumerate(steps, 1):
            due = self._count * place // (len(steps) + 1)
            await eventually(lambda due=due: len(self._turns) >= due, 3600)  # type: ignore[misc]
            await step()

    async def _kill(self) -> None:
        self._kills += 1
        await self._here.kill_and_restart()

    async def _expire(self) -> None:
        self._here.renew("ben", LASTS)

    async def _renew(self) -> None:
        self._here.renew("ben")

    async def _cap(self) -> None:
        """The owner has used the account elsewhere."""
        self._surprises["eve"] += 1
        await self._here.hurt(eve={"capped_until": time.time() + LASTS})

    async def _challenge(self) -> None:
        await self._here.hurt(fay={"refused": "cloudflare"})
        await asyncio.sleep(LASTS)
        await self._here.hurt(fay={})

    async def _refuse(self) -> None:
        await self._here.hurt(ada={"refused": "account_deactivated"})

    async def _client(self) -> None:
        for number in self._numbers:
            turn = await self._turn(number)
            self._turns.append(turn)
            if turn.ended in (REFUSED, KILLED):
                await asyncio.sleep(PAUSE)

    async def _turn(self, number: int) -> Turn:
        said = f"turn {number} is answered"
        model, stream = self._random.choice(MODELS), self._random.random() < 0.5
        body = question(f"say exactly: {said} {SLOWLY}", model=model, stream=stream)
        headers = {"Authorization": f"Bearer {key(KEYS[number % len(KEYS)])}", **JSON_TYPE}
        answer = None
        with suppress(OSError, EOFError, ValueError, AssertionError):
            async with asyncio.timeout(ANSWERED_WITHIN), AsyncExitStack() as stack:
                client = await self._connected(number, stack)
                await client.send("POST", CHAT, headers, json.dumps(body).encode())
                answer = await client.answer()
        turn = _read(number, said, answer, streamed=stream)
        return replace(turn, at=time.monotonic() - self._began, windowed=model == MODELS[0])

    async def _connected(self, number: int, stack: AsyncExitStack) -> Connection:
        """A connection to an instance, once that is there."""
        while True:
            with suppress(ConnectionRefusedError):
                port = self._here.ports[number % len(self._here.ports)]
                return await stack.enter_async_context(connect(port))
            await asyncio.sleep(0.1)

    async def _quiet(self) -> None:
        """Wait until the backend runs nothing any more."""
        async with asyncio.timeout(30):
            while await self._runs_something():  # noqa: ASYNC110 - a process is asked
                await asyncio.sleep(0.2)

    async def _runs_something(self) -> bool:
        return any(counts["running"] for counts in (await self._here.counted()).values())


def _read(number: int, said: str, answer: Answer | None, *, streamed: bool) -> Turn:
    """What a client makes of its answer; none: the connection was cut."""
    if answer is None:
        return Turn(number, KILLED)
    if answer.status != 200:
        retry_after = float(answer.headers.get("retry-after", -1))
        code = str(answer.json["error"]["code"] or "")
        return Turn(number, REFUSED, status=answer.status, code=code, retry_after=retry_after)
    if streamed and answer.stream.errors:
        return Turn(number, BROKEN, status=200, code=str(answer.stream.errors[0]["code"] or ""))
    text = answer.stream.text if streamed else answer.json["choices"][0]["message"]["content"]
    return Turn(number, WHOLE if text == said else WRONG, status=200)


async def run(turns: int, instances: int) -> Book:
    """One run with fresh processes."""
    with world(instances) as here:
        return await Run(here, turns).book()
