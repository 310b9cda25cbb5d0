"""What is known of an account, from all who know something of it, as one `Candidate`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from accounts import Account, Need, is_allowed
from pool.candidate import Candidate, Obstacle

NEVER: Final = float("inf")
LASTING: Final = (Obstacle.DISABLED, Obstacle.NO_CREDENTIAL, Obstacle.UNABLE)
"""Obstacles that no waiting removes: each of them says more than one that ends by itself."""

Hindrance = tuple[Obstacle, float]
"""An obstacle, and until when it is there (Unix seconds, infinite if nobody knows)."""


class Standing(Protocol):
    """How an account stands in the ledger; numbers are infinite without a limit, times are Unix seconds."""

    @property
    def units_left(self) -> float:
        """Units of quota that it may still spend today."""
        ...

    @property
    def units_limit(self) -> float:
        """Those of a day."""
        ...

    @property
    def messages_left(self) -> float:
        """GPT-4 messages that it may still send."""
        ...

    @property
    def messages_limit(self) -> float:
        """Those of a window."""
        ...

    @property
    def capped_until(self) -> float:
        """Until when the backend has capped the model; 0 if it has not."""
        ...

    @property
    def quota_resets_at(self) -> float:
        """When the next day of quota begins."""
        ...

    @property
    def window_frees_at(self) -> float:
        """When there is room for a GPT-4 message again; 0 if there is some now."""
        ...


class HealthOf(Protocol):
    """Knows which accounts have failed."""

    def obstacle(self, account: Account, need: Need, now: float) -> Hindrance:
        """What the failures of an account mean for a turn, `Obstacle.NONE` for nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Who knows something of an account: the ledger its `standing`, the backend which features and models are
    used up or not there at all (`backend`, which may give None), and its `health`.
    """

    standing: Callable[[Account, Need], Standing]
    backend: Callable[[Account, Need], Hindrance | None]
    health: HealthOf


def survey(
    account: Account,
    need: Need,
    sources: Sources,
    *,
    now: float,
    slots: int,
    in_use: int,
    used_at: float,
    due: float,
    order: int,
) -> Candidate:
    """The account as a candidate for a turn; `now` is in Unix seconds."""
    standing = sources.standing(account, need)
    obstacle, ready_at = _obstacle(account, need, sources, standing, now)
    return Candidate(
        alias=account.alias,
        order=order,
        weight=account.weight,
        slots=slots,
        in_use=in_use,
        units_left=standing.units_left,
        units_limit=standing.units_limit,
        messages_left=standing.messages_left if need.windowed else NEVER,
        messages_limit=standing.messages_limit if need.windowed else NEVER,
        used_at=used_at,
        due=due,
        obstacle=obstacle,
        ready_at=ready_at,
    )


def _obstacle(account: Account, need: Need, sources: Sources, standing: Standing, now: float) -> Hindrance:
    """The obstacle that lasts longest, so that to wait for its end is enough."""
    if account.credential is None:
        return Obstacle.NO_CREDENTIAL, NEVER
    if need.names and not is_allowed(account.models, need.names):
        return Obstacle.UNABLE, NEVER
    found = [sources.health.obstacle(account, need, now)]
    if (told := sources.backend(account, need)) is not None:
        found.append(told)
    if standing.capped_until > now:
        found.append((Obstacle.CAPPED, standing.capped_until))
    if need.units > standing.units_left:
        found.append((Obstacle.QUOTA, standing.quota_resets_at))
    if need.windowed and standing.messages_left < 1:
        found.append((Obstacle.WINDOW, standing.window_frees_at))
    lasting = (hindrance for hindrance in found if hindrance[0] in LASTING)
    return next(lasting, None) or max(found, key=lambda hindrance: hindrance[1] if hindrance[0] else 0.0)
