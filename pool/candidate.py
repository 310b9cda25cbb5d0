"""What is known of the accounts at the time when one of them is chosen."""

from dataclasses import dataclass
from enum import StrEnum
from math import isinf


class Policy(StrEnum):
    """How an account is chosen among those that can take a turn now."""

    BALANCE = "balance"
    """The one that has most left."""
    FILL = "fill"
    """The first of the file that has anything left: the others rest, and stay in reserve."""
    ROUND_ROBIN = "round-robin"
    """Each in its turn: the one that was used longest ago."""


class Obstacle(StrEnum):
    """Why an account cannot take a turn, whether it is busy or not."""

    NONE = ""
    DISABLED = "disabled"
    """The administrator has switched it off."""
    NO_CREDENTIAL = "no_credential"
    """There is no credential for it now."""
    UNABLE = "unable"
    """It does not have the model or the feature at all."""
    REFUSED = "refused"
    """The backend refuses its credential: a person is needed."""
    NO_ACCOUNT = "no_account"
    """The key may use no account at all."""
    COOLING = "cooling"
    """It has failed lately."""
    QUOTA = "quota"
    """It may spend no more today."""
    WINDOW = "window"
    """It has sent as many GPT-4 messages as it may."""
    CAPPED = "capped"
    """The backend has capped the model for it."""
    FEATURE = "feature"
    """The backend has no uses of the feature left for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An account that a caller may use.

    `order` is its place where nothing else makes a difference: that in the file, or one of this instance's
    own. Of `slots` messages at once (0 for no limit) it has `in_use` now.
    `units_left` and `messages_left` (GPT-4 messages in the window, where such a message is asked for) are
    infinite without a limit; `units_limit` and `messages_limit` are these limits. `used_at` is when it took
    its last turn, in seconds of any clock, 0 for never. `due` is its place among those that take turns in
    turn, the lowest first: see `Rotation`. `obstacle` says why it cannot take the turn, until `ready_at`
    (Unix seconds): infinite if nobody knows when. `weight` is above 0.
    """

    alias: str
    order: int
    weight: float = 1.0
    slots: int = 1
    in_use: int = 0
    units_left: float = float("inf")
    units_limit: float = float("inf")
    messages_left: float = float("inf")
    messages_limit: float = float("inf")
    used_at: float = 0.0
    due: float = 0.0
    obstacle: Obstacle = Obstacle.NONE
    ready_at: float = float("inf")

    @property
    def free(self) -> bool:
        """It can take the turn at once."""
        return not self.obstacle and (not self.slots or self.in_use < self.slots)

    @property
    def share_left(self) -> float:
        """How much of what it may spend is left, from 0 to 1: of units or messages, whichever is scarcer."""
        return min(_share(self.units_left, self.units_limit), _share(self.messages_left, self.messages_limit))


def _share(left: float, limit: float) -> float:
    if left <= 0.0 or limit <= 0.0:
        return 0.0
    return 1.0 if left >= limit or isinf(limit) else left / limit
