"""Accounts as the backend sees them: what it counts, and what it refuses."""

from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Final

CAP: Final = 40
"""Messages that are counted, in each window of an account."""
WINDOW: Final = 3 * 3600.0
LOWER_CAP: Final = 25
"""That of an account which is capped earlier than anybody has told us: each seventh one."""
OWNER_INTERVAL: Final = 1200.0
"""Mean time between messages that the owner of an account sends from elsewhere: of each fourth one."""
OUTAGE_SECONDS: Final = 1200.0
"""Mean time in which an account refuses everything: each fifth one does, now and then."""
WORKING_SECONDS: Final = 7200.0
"""Mean time between two such times."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A message was refused; `until` is when the cap leaves room again, None if the account fails."""

    until: float | None


class SimulatedAccount:
    """One account. `owner` are the times of its owner's messages, `outages` when it fails, both in order.

    Times in seconds; it must be asked in order of time.
    """

    def __init__(
        self, alias: str, cap: int = CAP, owner: tuple[float, ...] = (), outages: tuple[float, ...] = ()
    ) -> None:
        self.alias = alias
        self.cap = cap
        self.used = 0
        """Messages that were counted, its owner's too."""
        self._owner = deque(owner)
        self._outages = outages
        self._counted: deque[float] = deque()

    def post(self, now: float, *, windowed: bool) -> Refused | None:
        """Send a message; None if it is answered."""
        refused = self.refusal(now, windowed=windowed)
        if refused is None and windowed:
            self._count(now)
        return refused

    def refusal(self, now: float, *, windowed: bool) -> Refused | None:
        """What a message would be told now."""
        if sum(time <= now for time in self._outages) % 2:
            return Refused(None)
        while self._owner and self._owner[0] <= now:
            self._count(self._owner.popleft())
        self._forget(now)
        if windowed and len(self._counted) >= self.cap:
            return Refused(self._counted[0] + WINDOW)
        return None

    def _count(self, at: float) -> None:
        self._forget(at)
        if len(self._counted) < self.cap:
            self._counted.append(at)
            self.used += 1

    def _forget(self, now: float) -> None:
        while self._counted and self._counted[0] <= now - WINDOW:
            self._counted.popleft()


def make_accounts(count: int, duration: float, random: Random) -> list[SimulatedAccount]:
    """A mix of accounts: see the constants for what is wrong with some of them."""
    return [
        SimulatedAccount(
            f"account-{place}",
            LOWER_CAP if place % 7 == 3 else CAP,
            _times(duration, random, OWNER_INTERVAL) if place % 4 == 1 else (),
            _times(duration, random, WORKING_SECONDS, OUTAGE_SECONDS) if place % 5 == 0 else (),
        )
        for place in range(count)
    ]


def _times(duration: float, random: Random, *intervals: float) -> tuple[float, ...]:
    """Times whose distances have these means, one after the other, again and again."""
    times: list[float] = []
    now = 0.0
    while now < duration:
        now += random.expovariate(1 / intervals[len(times) % len(intervals)])
        times.append(now)
    return tuple(times)
