"""May there be another conversation with a model, and if not, from when on? Pure decisions, no clock.

It is decided for the caller, and where the account is one of the operator's, for that too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from accounts import Account, Grant

DAY: Final = 86400
"""Seconds."""
HOUR: Final = 3600
"""Seconds."""

INFINITY: Final = float("inf")

AccountReason = Literal["account_quota", "account_window", "account_cap"]
Reason = Literal["quota", "key_quota", "gpt4_window", "model_cap", "feature_limit"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one caller, or one account, may spend: units of quota in a day, and GPT-4 messages in a window.
    0 is no limit.
    """

    units_per_day: int = 0
    window_messages: int = 0


UNLIMITED: Final = Allowance()


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be spent by the subjects of one conversation."""

    caller: Allowance
    account: Allowance = UNLIMITED


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the settings allow; 0 is no limit.

    `per_day` and `per_key` are units of quota that all callers, and each of them, may spend in a day, which
    begins at `reset_hour` (UTC). `window_messages` is how many GPT-4 messages each account may send within
    `window` seconds; a caller's key of the backend is an account.
    """

    window: float
    per_day: int = 0
    per_key: int = 0
    window_messages: int = 0
    reset_hour: int = 0

    def of_caller(self, grant: Grant | None) -> Allowance:
        """What a caller may spend, by what its key is granted; None for a key of the backend."""
        if grant is None:
            return Allowance(self.per_key, self.window_messages)
        units = self.per_key if grant.units_per_day is None else grant.units_per_day
        return Allowance(units, grant.window_messages)

    def of_account(self, account: Account) -> Allowance:
        """What all callers together may spend on an account of the operator's."""
        messages = account.window_messages
        return Allowance(account.units_per_day, self.window_messages if messages is None else messages)

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
    """What counts against the limits of a caller, or an account, when it is asked for a model.

    `units` are those of today of all callers, `own_units` of this one. `window` holds the times of its
    messages in the rolling window, oldest first. Until `capped_until` the backend has capped the model for
    it; 0 if it has not. Times are in Unix seconds.
    """

    units: int
    own_units: int
    window: Sequence[float]
    capped_until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is left of an account by this ledger, for a certain conversation.

    Units are those of today; messages are GPT-4 messages in the window, where it is one. Both are infinite
    without a limit. Times are in Unix seconds, and 0 where there is room: until when the backend has capped
    the model, when the day of quota ends that has too few units left, when the window has room again.
    """

    units_left: float = INFINITY
    units_limit: float = INFINITY
    messages_left: float = INFINITY
    messages_limit: float = INFINITY
    capped_until: float = 0.0
    quota_resets_at: float = 0.0
    window_frees_at: float = 0.0


class LimitReached(Exception):
    """Nothing may be posted now; in `retry_after` seconds it may. `what` is the feature that is used up, or
    the model that would answer in place of the one that is.
    """

    def __init__(self, reason: Reason, retry_after: float, what: str = "") -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.retry_after = retry_after
        self.what = what


class AccountSpent(Exception):
    """An account of the operator's may take no such conversation now; in `retry_after` seconds it may.

    Nothing was posted, and another account may take it.
    """

    def __init__(self, reason: AccountReason, retry_after: float) -> None:
        super().__init__(reason)
        self.reason: AccountReason = reason
        self.retry_after = retry_after


def limit_reached(
    limits: Limits, allowance: Allowance, usage: CurrentUsage, units: int, windowed: bool, now: float
) -> LimitReached | None:
    """Why a caller may not post a conversation that costs `units` at the time `now`, if so.

    Of several limits it gives the one that lasts longest, so that its wait is enough.
    """
    left = standing(limits, allowance, usage, units, windowed, now)
    until: dict[Reason, float] = {
        "model_cap": left.capped_until,
        "gpt4_window": left.window_frees_at,
        "key_quota": left.quota_resets_at,
    }
    if limits.per_day and usage.units + units > limits.per_day:
        until["quota"] = limits.reset_at(now)
    reason = max(until, key=lambda known: until[known])
    return LimitReached(reason, max(0.0, until[reason] - now)) if until[reason] else None


def account_spent(
    limits: Limits, allowance: Allowance, usage: CurrentUsage, units: int, windowed: bool, now: float
) -> AccountSpent | None:
    """The same for an account of the operator's. What all callers may spend does not concern it."""
    left = standing(limits, allowance, usage, units, windowed, now)
    until: dict[AccountReason, float] = {
        "account_cap": left.capped_until,
        "account_window": left.window_frees_at,
        "account_quota": left.quota_resets_at,
    }
    reason = max(until, key=lambda known: until[known])
    return AccountSpent(reason, max(0.0, until[reason] - now)) if until[reason] else None


def standing(
    limits: Limits, allowance: Allowance, usage: CurrentUsage, units: int, windowed: bool, now: float
) -> Standing:
    """What is left of an allowance for a conversation that costs `units`, at the time `now`."""
    units_limit = messages_limit = units_left = messages_left = INFINITY
    quota_resets_at = window_frees_at = 0.0
    if limit := allowance.units_per_day:
        units_limit, units_left = limit, min(limit, max(0, limit - usage.own_units))
        if usage.own_units + units > limit:
            quota_resets_at = limits.reset_at(now)
    if windowed and (limit := allowance.window_messages):
        sent = len(usage.window)
        messages_limit, messages_left = limit, max(0, limit - sent)
        if sent >= limit:
            # The message that must leave the window before there is room for one more.
            window_frees_at = usage.window[-limit] + limits.window
    return Standing(
        units_left=units_left,
        units_limit=units_limit,
        messages_left=messages_left,
        messages_limit=messages_limit,
        capped_until=usage.capped_until if usage.capped_until > now else 0.0,
        quota_resets_at=quota_resets_at,
        window_frees_at=window_frees_at,
    )


def ratelimit_headers(
    limits: Limits, allowance: Allowance, usage: CurrentUsage, windowed: bool, now: float
) -> dict[str, str]:
    """`x-ratelimit-*` for the limits that are set.

    `requests` are messages in the rolling window, `units` the units of the day: the caller's own, or those of
    all callers where only these are limited or fewer are left.
    """
    headers: dict[str, str] = {}
    if windowed and allowance.window_messages:
        used = len(usage.window)
        reset = usage.window[0] + limits.window - now if used else 0.0
        headers |= _headers("requests", allowance.window_messages, allowance.window_messages - used, reset)
    quotas = (allowance.units_per_day, usage.own_units), (limits.per_day, usage.units)
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
