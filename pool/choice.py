"""Which account takes a turn, and what is told if none can. Pure: all that is known comes as `Candidate`s."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isinf
from typing import Final

from pool.candidate import Candidate, Obstacle, Policy

MUCH_WORSE: Final = 2.0
"""The account that a caller had is not taken again if another has more than this many times as much left."""

_Key = tuple[float | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why no account takes a turn now.

    `obstacle` is that of the account that can take it first, as far as anybody knows, in `retry_after`
    seconds: None if nobody knows when. Without an obstacle some account is able, and merely in use.
    """

    obstacle: Obstacle
    retry_after: float | None = None

    @property
    def only_busy(self) -> bool:
        """The turn can wait for an account that becomes free."""
        return not self.obstacle


def choose(candidates: Iterable[Candidate], policy: Policy, prefer: str = "") -> Candidate | None:
    """The account that takes the turn at once, None if none of them can.

    `prefer` is the alias of the account that the caller had last. `BALANCE` takes that one again unless
    another is much better; the other policies say of every turn where it goes.
    """
    free = [candidate for candidate in candidates if candidate.free]
    if not free:
        return None
    best = min(free, key=_KEYS[policy])
    if policy is Policy.BALANCE:
        for candidate in free:
            if candidate.alias == prefer and not _much_worse(candidate, best):
                return candidate
    return best


def refusal(candidates: Iterable[Candidate], now: float) -> Refusal:
    """Why `choose` found none. `now` is in Unix seconds."""
    known = tuple(candidates)
    if not known:
        return Refusal(obstacle=Obstacle.NO_ACCOUNT)
    if not all(candidate.obstacle for candidate in known):
        return Refusal(obstacle=Obstacle.NONE)
    wait, _, obstacle = min(
        (max(0.0, candidate.ready_at - now), _TOLD_FIRST.index(candidate.obstacle), candidate.obstacle)
        for candidate in known
    )
    return Refusal(obstacle=obstacle, retry_after=None if isinf(wait) else wait)


def _much_worse(candidate: Candidate, best: Candidate) -> bool:
    return (
        candidate.share_left * MUCH_WORSE < best.share_left
        or candidate.in_use + 1 > (best.in_use + 1) * MUCH_WORSE
    )


def _most_left(candidate: Candidate) -> _Key:
    # By what is used up, not by what is left: so one of twice the weight carries twice as much at any time.
    used_up = 1.0 - candidate.share_left
    return (used_up / candidate.weight, candidate.in_use / candidate.weight, *_longest_ago(candidate))


def _longest_ago(candidate: Candidate) -> _Key:
    return (candidate.due, candidate.used_at, *_first_of_file(candidate))


def _first_of_file(candidate: Candidate) -> _Key:
    return (candidate.order, candidate.alias)


_KEYS: Final[Mapping[Policy, Callable[[Candidate], _Key]]] = {
    Policy.BALANCE: _most_left,
    Policy.FILL: _first_of_file,
    Policy.ROUND_ROBIN: _longest_ago,
}

_TOLD_FIRST: Final = (
    Obstacle.FEATURE,
    Obstacle.CAPPED,
    Obstacle.WINDOW,
    Obstacle.QUOTA,
    Obstacle.COOLING,
    Obstacle.REFUSED,
    Obstacle.NO_CREDENTIAL,
    Obstacle.DISABLED,
    Obstacle.NO_ACCOUNT,
    Obstacle.UNABLE,
)
"""Of obstacles that go at the same time, or nobody knows when: those that time removes, then those that a
person removes, then what stays."""
