"""Questions at a steady pace over connections that are kept alive, and what became of each."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from itertools import count

from tests.raw_client import Answer, Connection, connect
from tests.service.deployment import CHAT

PER_SECOND = 15
USERS = 240
"""So many take turns, each with a key and an address: nobody waits for an earlier question of their own."""
PATIENCE = 90.0
"""Seconds after which a question that is not answered counts as lost."""
LONG = 30
"""One question of so many takes ten seconds, so that each restart finds some under way; others take two."""
_numbers = count(1)


class Questions:
    """Asked from the start on, until `stop` has them all answered or lost."""

    def __init__(self, port: int) -> None:
        self.asked = 0
        self.answered: Counter[str] = Counter()
        self.lost: list[str] = []
        self._port = port
        self._idle: list[Connection] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask()))
        self._thread.start()

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.answered.items()))
        words = "".join(f"; {number} x {what}" for what, number in Counter(self.lost).most_common())
        return f"lost {len(self.lost)} of {self.asked} ({kinds}){words}"

    def wait_for(self, number: int) -> None:
        """Until so many were asked, from the start on."""
        while self.asked < number and self._thread.is_alive():
            self._over.wait(0.1)

    def stop(self) -> None:
        """Ask nothing more, and wait for what was asked."""
        self._over.set()
        self._thread.join()

    async def _ask(self) -> None:
        clock = asyncio.get_running_loop().time
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            begun = clock()
            while not self._over.is_set():
                self.asked += 1
                group.create_task(self._question(next(_numbers), stack))
                await asyncio.sleep(begun + self.asked / PER_SECOND - clock())

    async def _question(self, number: int, stack: AsyncExitStack) -> None:
        stream, long = number % 2 == 0, number % LONG == 0
        kind = "long streams" if long else "streams" if stream else "whole answers"
        text = f"Tell me about tea, for the {number}th time. [[sim tokens={200 if long else 30} pace=20]]"
        message = {"role": "user", "content": text}
        body = json.dumps({"model": "gpt-4-s", "stream": stream, "messages": [message]}).encode()
        try:
            async with asyncio.timeout(PATIENCE):
                if self._idle:
                    connection = self._idle.pop()
                else:
                    connection = await stack.enter_async_context(connect(self._port))
                await connection.send("POST", CHAT, _headers(number % USERS), body)
                answer = await connection.answer()
        except (OSError, EOFError, TimeoutError) as error:
            self.lost.append(f"{kind} that ended by {type(error).__name__}")
            return
        if answer.headers.get("connection") != "close":
            self._idle.append(connection)
        if trouble := _trouble(answer, stream):
            self.lost.append(trouble)
        else:
            self.answered[kind] += 1


def _headers(user: int) -> dict[str, str]:
    """As the proxy in front of the stack sends them, which has the users' addresses."""
    return {
        "Authorization": f"Bearer fk-load-{user}",
        "Content-Type": "application/json",
        "X-Forwarded-For": f"198.51.100.{user + 1}",
    }


def _trouble(answer: Answer, stream: bool) -> str:
    """What is wrong with an answer; empty if it is whole."""
    if answer.status != 200:
        retry = answer.headers.get("x-should-retry", "not said")
        return f"{answer.status} ({answer.error['message']}), x-should-retry: {retry}"
    if not stream:
        (choice,) = answer.json["choices"]
        return "" if choice["finish_reason"] == "stop" and choice["message"]["content"] else "no whole answer"
    if answer.stream.errors:
        return f"broken stream: {answer.stream.errors[0]['code']}"
    whole = answer.stream.done and answer.stream.finish_reasons == ["stop"] and answer.stream.text
    return "" if whole else "stream without its end"


@contextmanager
def questions(port: int, at_least: int = 0) -> Iterator[Questions]:
    """Questions to 127.0.0.1 while the caller does something, at least so many; all are over afterwards."""
    asking = Questions(port)
    try:
        yield asking
        asking.wait_for(at_least)
    finally:
        asking.stop()
