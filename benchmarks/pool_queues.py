"""Ways to give requests to accounts: a queue for all, and a queue for each."""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from math import inf
from random import Random
from typing import Final, Protocol

from benchmarks.pool_accounts import CAP, WINDOW, Refused
from benchmarks.pool_load import Request
from benchmarks.pool_run import LONGEST_WAIT, Rests, Run
from pool.candidate import Candidate, Obstacle, Policy
from pool.choice import choose, refusal
from pool.rotation import Rotation

TRIES: Final = 3
"""Of a request whose refusals teach nothing."""


class Queue(Protocol):
    """Gives requests to accounts."""

    def arrive(self, request: Request) -> None:
        """A request has come."""
        ...


class SharedQueue:
    """All requests wait together; each takes the account that `choose` gives for it, once there is one."""

    def __init__(self, run: Run, random: Random, policy: Policy) -> None:
        self._run = run
        self._policy = policy
        self._rests = Rests(random)
        self._rotation = Rotation()
        self._waiting: list[Request] = []
        self._refused_by: dict[Request, frozenset[str]] = {}
        self._sent: dict[str, deque[float]] = {alias: deque() for alias in run.accounts}
        """When messages that count were sent to each account, in a window."""
        self._used_at = dict.fromkeys(run.accounts, 0.0)
        self._last: dict[int, str] = {}
        self._next_look = 0.0

    def arrive(self, request: Request) -> None:
        """See `Queue`."""
        self._refused_by[request] = frozenset()
        self._waiting.append(request)
        self._run.at(request.at + LONGEST_WAIT, self._give)
        self._give()

    def _give(self) -> None:
        """Give every free account to the first who can take it; refuse those who wait in vain."""
        blocked: dict[tuple[bool, frozenset[str]], float] = {}
        """When somebody may take such requests as nobody can take now; to give to others changes nothing."""
        for request in tuple(self._waiting):
            alike = request.windowed, self._refused_by[request]
            if alike not in blocked:
                candidates = self._candidates(*alike)
                chosen = choose(candidates, self._policy, self._last.get(request.caller, ""))
                if chosen is not None:
                    self._send(request, chosen.alias)
                    continue
                told = refusal(candidates, self._run.now)
                ready = 0.0 if told.only_busy else inf if told.retry_after is None else told.retry_after
                blocked[alike] = self._run.now + ready
                if 0.0 < ready <= LONGEST_WAIT:
                    self._look(self._run.now + ready)
            if self._run.now >= request.at + LONGEST_WAIT or blocked[alike] > request.at + LONGEST_WAIT:
                self._waiting.remove(request)
                del self._refused_by[request]
                self._run.refuse(request)

    def _look(self, time: float) -> None:
        """Have a look then, unless there is one before, which will say when the next is due."""
        if time < self._next_look or self._next_look <= self._run.now:
            self._next_look = time
            self._run.at(time, self._give)

    def _send(self, request: Request, alias: str) -> None:
        self._waiting.remove(request)
        self._last[request.caller] = alias
        self._used_at[alias] = self._run.now
        self._rotation.took(alias)
        if request.windowed:
            self._sent[alias].append(self._run.now)
        self._run.post(request, alias, partial(self._done, request, alias))

    def _done(self, request: Request, alias: str, refused: Refused | None) -> None:
        self._rests.learn(alias, self._run.now, refused)
        if refused is not None:
            if request.windowed:
                self._sent[alias].pop()
            self._refused_by[request] |= {alias}
            self._waiting.append(request)
            self._waiting.sort(key=lambda waiting: waiting.number)
        else:
            del self._refused_by[request]
        self._give()

    def _candidates(self, windowed: bool, refused_by: frozenset[str]) -> list[Candidate]:
        return [
            self._candidate(order, alias, windowed)
            for order, alias in enumerate(self._run.accounts)
            if alias not in refused_by
        ]

    def _candidate(self, order: int, alias: str, windowed: bool) -> Candidate:
        now, sent = self._run.now, self._sent[alias]
        while sent and sent[0] <= now - WINDOW:
            sent.popleft()
        hindrances = [(self._rests.failing_until(alias), Obstacle.COOLING)]
        if windowed:
            hindrances.append((self._rests.capped_until(alias), Obstacle.CAPPED))
            hindrances.append((sent[0] + WINDOW if len(sent) >= CAP else 0.0, Obstacle.WINDOW))
        ready_at, obstacle = max(hindrances)
        return Candidate(
            alias=alias,
            order=order,
            in_use=int(alias in self._run.busy),
            messages_left=CAP - len(sent) if windowed else inf,
            messages_limit=CAP if windowed else inf,
            used_at=self._used_at[alias],
            due=self._rotation.due(alias),
            obstacle=obstacle if ready_at > now else Obstacle.NONE,
            ready_at=ready_at,
        )


class BoundQueues:
    """Each request is bound to the next account in turn when it comes, and waits for that one alone.

    One that is refused goes on to the next. Without `rests` an account that has refused is asked again, and a
    request is given up after `TRIES`; else it rests until the time that the backend has told.
    """

    def __init__(self, run: Run, random: Random, *, rests: bool) -> None:
        self._run = run
        self._rests = Rests(random) if rests else None
        self._queues: dict[str, deque[Request]] = {alias: deque() for alias in run.accounts}
        self._turn = 0
        self._refused_by: dict[Request, set[str]] = {}

    def arrive(self, request: Request) -> None:
        """See `Queue`."""
        self._refused_by[request] = set()
        self._run.at(request.at + LONGEST_WAIT, partial(self._give_up, request))
        self._bind(request)

    def _bind(self, request: Request) -> None:
        refused_by = self._refused_by[request]
        alias = next(self._in_turn(request), None)
        tried_enough = self._rests is None and len(refused_by) >= TRIES
        if alias is None or tried_enough or self._run.now >= request.at + LONGEST_WAIT:
            self._run.refuse(request)
            return
        self._queues[alias].append(request)
        self._serve(alias)

    def _in_turn(self, request: Request) -> Iterator[str]:
        """The accounts that may be asked, the next one in turn first."""
        aliases = list(self._queues)
        for _ in aliases:
            alias = aliases[self._turn % len(aliases)]
            self._turn += 1
            if alias not in self._refused_by[request] and not self._resting(alias, request):
                yield alias

    def _resting(self, alias: str, request: Request) -> bool:
        if self._rests is None:
            return False
        until = self._rests.failing_until(alias)
        return max(until, self._rests.capped_until(alias) if request.windowed else 0.0) > self._run.now

    def _serve(self, alias: str) -> None:
        queue = self._queues[alias]
        while queue and alias not in self._run.busy:
            request = queue.popleft()
            if self._resting(alias, request):
                self._bind(request)
            else:
                self._run.post(request, alias, partial(self._done, request, alias))

    def _done(self, request: Request, alias: str, refused: Refused | None) -> None:
        if self._rests is not None:
            self._rests.learn(alias, self._run.now, refused)
        if refused is not None:
            self._refused_by[request].add(alias)
            self._bind(request)
        self._serve(alias)

    def _give_up(self, request: Request) -> None:
        for queue in self._queues.values():
            if request in queue:
                queue.remove(request)
                self._run.refuse(request)


QUEUES: Final[dict[str, Callable[[Run, Random], Queue]]] = {
    "balance": partial(SharedQueue, policy=Policy.BALANCE),
    "fill": partial(SharedQueue, policy=Policy.FILL),
    "round-robin": partial(SharedQueue, policy=Policy.ROUND_ROBIN),
    "bound": partial(BoundQueues, rests=False),
    "bound, resting": partial(BoundQueues, rests=True),
}
"""The ways that are compared: those of the pool, and those that bind a request when it comes."""
