"""Many instances that share many accounts: how long requests wait, and what asking the Redis in vain costs.

    python -m benchmarks.scale_simulation

A simulation of events with `choose` and `Rotation` of `pool`, as `Pool` uses them: each instance knows what
is under way on an account from itself alone, and a lease in the Redis says who really has it. One that
another instance has counts as in use for a moment. It begins in the middle: accounts are in use already.
Nobody sleeps, and the same figures come each time.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from statistics import fmean, quantiles
from typing import Final

from pool.candidate import Candidate, Policy
from pool.choice import choose
from pool.rotation import Rotation

ROUND_TRIP: Final = 0.001
"""Seconds until the Redis has answered."""
LOOK_SECONDS: Final = 0.1
"""As in `pool.pool`: how often those who wait look again, and how long what another one has is left alone."""
TURN_SECONDS: Final = (8.0, 0.67)
"""Median of the time of a turn, and the spread of its logarithm; the mean is 10."""
MEAN_SECONDS: Final = 10.0
LOADS: Final = (0.3, 0.6, 0.9)
"""How many of the accounts are in use, on average."""
DURATION: Final = 8.0
WARM: Final = 3.0
"""Seconds at the beginning in which nothing is measured."""


@dataclass(frozen=True, slots=True)
class Size:
    """So many instances, accounts, and keys that share the accounts in equal parts."""

    instances: int = 100
    accounts: int = 10_000
    keys: int = 100


@dataclass(slots=True)
class Figures:
    """What was measured."""

    waits: list[float] = field(default_factory=list)
    """Seconds from the request to its account."""
    asked: int = 0
    """How often the Redis was asked for an account, in vain or not."""
    decisions: int = 0


@dataclass(slots=True, eq=False)
class Asking:
    """A request of a key that came `at` a time, and holds its account for so many `seconds`."""

    key: int
    at: float
    seconds: float


class Instance:
    """What one instance knows. Those who wait stand in one line for each key."""

    def __init__(self, size: Size, order: list[int]) -> None:
        self.order = order
        """The place of each account, where nothing else makes a difference."""
        self.in_use = [0] * size.accounts
        self.used_at = [0.0] * size.accounts
        self.elsewhere = [0.0] * size.accounts
        self.rotation = Rotation()
        self.last: dict[int, str] = {}
        self.waiting: dict[int, deque[Asking]] = {}
        self.looking: set[int] = set()
        """Keys for which it will have a look."""


class World:
    """All instances, and the leases."""

    def __init__(self, size: Size, load: float, policy: Policy, random: Random) -> None:
        self.figures = Figures()
        self.most_at_once = 0
        """The most turns that one account ever had."""
        self._size = size
        self._rate = load * size.accounts / MEAN_SECONDS
        self._policy = policy
        self._random = random
        self._instances = [Instance(size, self._order()) for _ in range(size.instances)]
        self._leases = [0] * size.accounts
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._now = 0.0
        for number in range(size.accounts):
            if random.random() < load:
                self._begin_in_the_middle(number)

    def run(self, duration: float) -> Figures:
        """Let requests come for so many seconds."""
        self._at(0.0, partial(self._come, duration))
        while self._events and self._now < duration:
            self._now, _, action = heapq.heappop(self._events)
            action()
        return self.figures

    def _at(self, time: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), action))

    def _order(self) -> list[int]:
        """See `Pool`: each instance has an order of its own, unless the file says who comes first."""
        order = list(range(self._size.accounts))
        if self._policy is not Policy.FILL:
            self._random.shuffle(order)
        return order

    def _begin_in_the_middle(self, number: int) -> None:
        """Let somebody have the account, for what is left of a turn; long ones are met more often."""
        median, spread = TURN_SECONDS
        seconds = median * self._random.lognormvariate(spread**2, spread) * self._random.random()
        instance = self._random.choice(self._instances)
        self._leases[number] = instance.in_use[number] = 1
        key = number // (self._size.accounts // self._size.keys)
        self._at(seconds, partial(self._end, instance, key, number))

    def _come(self, duration: float) -> None:
        median, spread = TURN_SECONDS
        seconds = median * self._random.lognormvariate(0.0, spread)
        asking = Asking(self._random.randrange(self._size.keys), self._now, seconds)
        instance = self._random.choice(self._instances)
        waiting = instance.waiting.setdefault(asking.key, deque())
        waiting.append(asking)
        if len(waiting) == 1:
            self._give(instance, asking.key)
        self._at(self._now + self._random.expovariate(self._rate), partial(self._come, duration))

    def _give(self, instance: Instance, key: int) -> None:
        """Ask the Redis for the account that the first in line is to have, or have a look later."""
        if not (waiting := instance.waiting.get(key)):
            return
        self.figures.decisions += 1
        chosen = choose(self._candidates(instance, key), self._policy, instance.last.get(key, ""))
        if chosen is None:
            if key not in instance.looking:
                instance.looking.add(key)
                self._at(self._now + LOOK_SECONDS, partial(self._look, instance, key))
            return
        number = int(chosen.alias)
        instance.in_use[number] += 1
        instance.used_at[number] = self._now
        instance.rotation.took(chosen.alias)
        instance.last[key] = chosen.alias
        self._at(self._now + ROUND_TRIP, partial(self._told, instance, waiting.popleft(), number))
        self._give(instance, key)

    def _look(self, instance: Instance, key: int) -> None:
        instance.looking.discard(key)
        self._give(instance, key)

    def _told(self, instance: Instance, asking: Asking, number: int) -> None:
        """The Redis has answered."""
        measured = self._now > WARM
        self.figures.asked += measured
        if self._leases[number]:
            instance.in_use[number] -= 1
            instance.elsewhere[number] = self._now + LOOK_SECONDS
            instance.waiting.setdefault(asking.key, deque()).appendleft(asking)
            self._give(instance, asking.key)
            return
        self._leases[number] += 1
        self.most_at_once = max(self.most_at_once, self._leases[number])
        if measured:
            self.figures.waits.append(self._now - asking.at)
        self._at(self._now + asking.seconds, partial(self._end, instance, asking.key, number))

    def _end(self, instance: Instance, key: int, number: int) -> None:
        self._leases[number] -= 1
        instance.in_use[number] -= 1
        self._give(instance, key)

    def _candidates(self, instance: Instance, key: int) -> list[Candidate]:
        """The accounts of the key that are free, as far as the instance knows."""
        each = self._size.accounts // self._size.keys
        return [
            Candidate(
                alias=str(number),
                order=instance.order[number],
                used_at=instance.used_at[number],
                due=instance.rotation.due(str(number)),
            )
            for number in range(key * each, (key + 1) * each)
            if not instance.in_use[number] and instance.elsewhere[number] <= self._now
        ]


def main() -> None:
    """Simulate, and print the table."""
    size = Size()
    print("| in use | policy | wait s: mean / p95 / p99 | asked per turn | decisions per turn |")
    print("| --- | --- | --- | --- | --- |")
    for policy in (Policy.BALANCE, Policy.FILL):
        for load in LOADS:
            found = World(size, load, policy, Random(f"{load}")).run(DURATION)
            print(f"| {load:.0%} | {policy} | {' | '.join(cells(found))} |", flush=True)


def cells(figures: Figures) -> list[str]:
    """What was measured, as the cells of a row."""
    cuts = quantiles(figures.waits, n=100, method="inclusive")
    turns = len(figures.waits)
    times = f"{fmean(figures.waits):.3f} / {cuts[94]:.3f} / {cuts[98]:.3f}"
    return [times, f"{figures.asked / turns:.2f}", f"{figures.decisions / turns:.2f}"]


if __name__ == "__main__":
    main()
