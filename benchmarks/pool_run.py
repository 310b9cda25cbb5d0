"""One run of the simulation: its time, its accounts, and what is measured of it."""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from benchmarks.pool_accounts import WINDOW, Refused, SimulatedAccount
from benchmarks.pool_load import Request

LONGEST_WAIT: Final = 120.0
"""Seconds that a request may wait, as `QUEUE_WAIT` has it."""
REFUSAL_SECONDS: Final = 1.0
"""How long the backend takes to refuse a message."""
FIRST_REST: Final = 30.0
"""How long an account rests that fails, for the first time; then twice as long each time."""
LONGEST_REST: Final = 600.0


@dataclass(slots=True)
class Figures:
    """What was measured, in one run or several."""

    requests: int = 0
    waits: list[float] = field(default_factory=list)
    """Seconds until the message was sent that was answered."""
    refused: int = 0
    wasted: int = 0
    """Of those the ones for which there was an account that would have answered, and had nothing to do."""
    refused_tries: int = 0
    """Messages that the backend refused."""
    used: int = 0
    capacity: float = 0.0
    """Messages that were counted, and all that could have been."""
    evenness: list[float] = field(default_factory=list)
    """Jain's index of the answers of each account: 1 if all gave as many, 1/n if one gave all."""

    def add(self, other: "Figures") -> None:
        """Take in those of another run."""
        self.requests += other.requests
        self.waits += other.waits
        self.refused += other.refused
        self.wasted += other.wasted
        self.refused_tries += other.refused_tries
        self.used += other.used
        self.capacity += other.capacity
        self.evenness += other.evenness


class Rests:
    """Which accounts need not be asked, by what the backend has said of them."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = Counter[str]()
        self._until: dict[tuple[str, bool], float] = {}

    def learn(self, alias: str, now: float, refused: Refused | None) -> None:
        """An account has answered a message, or refused it."""
        if refused is None:
            self._failures[alias] = 0
        elif refused.until is not None:
            self._until[alias, True] = refused.until
        else:
            self._failures[alias] += 1
            rest = min(LONGEST_REST, FIRST_REST * 2.0 ** (self._failures[alias] - 1))
            self._until[alias, False] = now + rest * self._random.uniform(0.8, 1.2)

    def capped_until(self, alias: str) -> float:
        """Until when its cap leaves no room, as far as the backend has told."""
        return self._until.get((alias, True), 0.0)

    def failing_until(self, alias: str) -> float:
        """Until when it rests since it has failed."""
        return self._until.get((alias, False), 0.0)


class Run:
    """The accounts and the time. Events happen in order, those of the same time as they were put in."""

    def __init__(self, accounts: Sequence[SimulatedAccount]) -> None:
        self.accounts: Mapping[str, SimulatedAccount] = {account.alias: account for account in accounts}
        self.now = 0.0
        self.busy: set[str] = set()
        self.figures = Figures()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._answers = Counter[str]()

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Do that then."""
        heapq.heappush(self._events, (time, next(self._numbers), action))

    def finish(self, requests: int, duration: float) -> Figures:
        """Do all that is to be done, and say what came of it; so many requests come in `duration` seconds."""
        while self._events:
            self.now, _, action = heapq.heappop(self._events)
            action()
        self.figures.requests = requests
        answers = [self._answers[alias] for alias in self.accounts]
        squares = len(answers) * sum(number**2 for number in answers)
        self.figures.evenness = [sum(answers) ** 2 / squares if squares else 1.0]
        self.figures.used = sum(account.used for account in self.accounts.values())
        self.figures.capacity = sum(account.cap for account in self.accounts.values()) * duration / WINDOW
        return self.figures

    def post(self, request: Request, alias: str, done: Callable[[Refused | None], None]) -> None:
        """Send the message; the account is busy until `done` is called. Raises RuntimeError if it is busy."""
        if alias in self.busy:
            raise RuntimeError("an account answers one message at a time")
        refused = self.accounts[alias].post(self.now, windowed=request.windowed)
        if refused is None:
            self.figures.waits.append(self.now - request.at)
            self._answers[alias] += 1
        else:
            self.figures.refused_tries += 1

        def end() -> None:
            self.busy.discard(alias)
            done(refused)

        self.busy.add(alias)
        self.at(self.now + (request.seconds if refused is None else REFUSAL_SECONDS), end)

    def refuse(self, request: Request) -> None:
        """Nobody answers the request."""
        self.figures.refused += 1
        idle = (account for alias, account in self.accounts.items() if alias not in self.busy)
        if any(account.refusal(self.now, windowed=request.windowed) is None for account in idle):
            self.figures.wasted += 1
