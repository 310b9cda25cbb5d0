"""May a caller have another conversation with a model, and if not, from when on? Pure decisions, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

DAY: Final = 86400
"""Seconds."""
HOUR: Final = 3600
"""Seconds."""

Reason = Literal["quota", "key_quota", "gpt4_window", "model_cap", "feature_limit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the settings allow; 0 is no limit.

    `per_day` and `per_key` are units of quota that all callers, and each of them, may spend in a day, which
    begins at `reset_hour` (UTC). `window_messages` is how many GPT-4 messages each may send within `window`
    seconds.
    """

    window: float
    per_day: int = 0
    per_key: int = 0
    window_messages: int = 0
    reset_hour: int = 0

    @property
    def any(self) -> bool:
        """Some limit is set."""
        return bool(self.per_day or self.per_key or self.window_messages)

    def day(self, at: float) -> int:
        """The number of the day of quota that the time `at` (Unix seconds) lies in."""
        return int((at - self.reset_hour * HOUR) // DAY)

    def day_start(self, day: int) -> float:
        """When that day begins, in Unix seconds."""
        return float(day * DAY + self.reset_hour * HOUR)

    def reset_at(self, now: float) -> float:
        """When the next day of quota begins, in Unix seconds."""
        return self.day_start(self.day(now) + 1)


@dataclass(frozen=True, slots=True)
class CurrentUsage:
    """What counts against the limits when a caller asks for a model.

    `units` are those of today of all callers, `key_units` of this one. `window` holds the times of its
    messages in the rolling window, oldest first. Until `capped_until` the backend has capped the model for
    it; 0 if it has not. Times are in Unix seconds.
    """

    units: int
    key_units: int
    window: Sequence[float]
    capped_until: float


class LimitReached(Exception):
    """Nothing may be posted now; in `retry_after` seconds it may. `what` is the feature that is used up, or
    the model that would answer in place of the one that is.
    """

    def __init__(self, reason: Reason, retry_after: float, what: str = "") -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.retry_after = retry_after
        self.what = what


def limit_reached(
    limits: Limits, usage: CurrentUsage, units: int, windowed: bool, now: float
) -> LimitReached | None:
    """Why a conversation that costs `units` may not be posted at the time `now`, if so.

    Of several limits it gives the one that lasts longest, so that its wait is enough.
    """
    until: dict[Reason, float] = {}
    if usage.capped_until > now:
        until["model_cap"] = usage.capped_until
    if windowed and 0 < limits.window_messages <= len(usage.window):
        # The message that must leave the window before there is room for one more.
        until["gpt4_window"] = usage.window[-limits.window_messages] + limits.window
    if limits.per_key and usage.key_units + units > limits.per_key:
        until["key_quota"] = limits.reset_at(now)
    if limits.per_day and usage.units + units > limits.per_day:
        until["quota"] = limits.reset_at(now)
    if not until:
        return None
    reason = max(until, key=lambda known: until[known])
    return LimitReached(reason, max(0.0, until[reason] - now))


def ratelimit_headers(limits: Limits, usage: CurrentUsage, windowed: bool, now: float) -> dict[str, str]:
    """`x-ratelimit-*` for the limits that are set.

    `requests` are messages in the rolling window, `units` the units of the day: the caller's own, or those of
    all callers where only these are limited or fewer are left.
    """
    headers: dict[str, str] = {}
    if windowed and limits.window_messages:
        used = len(usage.window)
        reset = usage.window[0] + limits.window - now if used else 0.0
        headers |= _headers("requests", limits.window_messages, limits.window_messages - used, reset)
    quotas = (limits.per_key, usage.key_units), (limits.per_day, usage.units)
    left = [(limit - used, limit) for limit, used in quotas if limit]
    if left:
        remaining, limit = min(left)
        headers |= _headers("units", limit, remaining, limits.reset_at(now) - now)
    return headers


def _headers(what: str, limit: int, remaining: int, reset: float) -> dict[str, str]:
    prefix = "x-ratelimit-"
    return {
        f"{prefix}limit-{what}": str(limit),
        f"{prefix}remaining-{what}": str(max(0, remaining)),
        f"{prefix}reset-{what}": _duration(reset),
    }


def _duration(seconds: float) -> str:
    """As OpenAI writes it: `1s`, `6m0s`, `2h0m5s`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
