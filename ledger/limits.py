"""Pure decisions: may this key have another conversation with this model, and if not, from when on?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

DAY = 86400
HOUR = 3600

Reason = Literal["quota", "key_quota", "gpt4_window", "model_cap"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings allow; 0 is no limit. ``reset_hour`` (UTC) is when a day of quota begins."""

    per_day: int = 0
    per_key: int = 0
    window_messages: int = 0
    window: float = 10800.0
    reset_hour: int = 0

    def day(self, at: float) -> int:
        """The number of the day of quota that ``at`` lies in."""
        return int((at - self.reset_hour * HOUR) // DAY)

    def day_start(self, day: int) -> float:
        """When that day begins, in Unix seconds."""
        return float(day * DAY + self.reset_hour * HOUR)

    def reset_at(self, now: float) -> float:
        """When the next day of quota begins."""
        return self.day_start(self.day(now) + 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a key is: units of today of all keys and of this one, its messages in the window (times, oldest
    first), and until when the backend has capped the model (0: not).
    """

    units: int
    key_units: int
    window: Sequence[float]
    capped_until: float


class LimitReached(Exception):
    """Nothing may be posted now; in ``retry_after`` seconds it may."""

    def __init__(self, reason: Reason, retry_after: float) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.retry_after = retry_after


def decide(limits: Limits, standing: Standing, units: int, windowed: bool, now: float) -> LimitReached | None:
    """Why a conversation that costs ``units`` may not be posted now, if so.

    Of several reasons it gives the one that lasts longest, so that the wait is true.
    """
    until: dict[Reason, float] = {}
    if standing.capped_until > now:
        until["model_cap"] = standing.capped_until
    if windowed and 0 < limits.window_messages <= len(standing.window):
        # The message that must grow old before there is room for one more.
        until["gpt4_window"] = standing.window[-limits.window_messages] + limits.window
    if limits.per_key and standing.key_units + units > limits.per_key:
        until["key_quota"] = limits.reset_at(now)
    if limits.per_day and standing.units + units > limits.per_day:
        until["quota"] = limits.reset_at(now)
    if not until:
        return None
    reason = max(until, key=lambda known: until[known])
    return LimitReached(reason, max(0.0, until[reason] - now))


def ratelimit_headers(limits: Limits, standing: Standing, windowed: bool, now: float) -> dict[str, str]:
    """``x-ratelimit-*`` with real numbers, for the limits that are set.

    ``requests`` are messages in the rolling window, ``units`` the units of the day: the key's own, or those
    of all keys where only these are limited or fewer are left.
    """
    headers: dict[str, str] = {}
    if windowed and limits.window_messages:
        used = len(standing.window)
        reset = standing.window[0] + limits.window - now if used else 0.0
        headers |= _three("requests", limits.window_messages, limits.window_messages - used, reset)
    left = [(limit - used, limit) for limit, used in _quotas(limits, standing) if limit]
    if left:
        remaining, limit = min(left)
        headers |= _three("units", limit, remaining, limits.reset_at(now) - now)
    return headers


def _quotas(limits: Limits, standing: Standing) -> tuple[tuple[int, int], ...]:
    return (limits.per_key, standing.key_units), (limits.per_day, standing.units)


def _three(what: str, limit: int, remaining: int, reset: float) -> dict[str, str]:
    prefix = "x-ratelimit-"
    return {
        f"{prefix}limit-{what}": str(limit),
        f"{prefix}remaining-{what}": str(max(0, remaining)),
        f"{prefix}reset-{what}": _duration(reset),
    }


def _duration(seconds: float) -> str:
    """As OpenAI writes it: ``1s``, ``6m0s``, ``2h0m5s``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
