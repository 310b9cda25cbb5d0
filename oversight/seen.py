"""An account and a key as the operator sees them: what is known of them, without a secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from accounts import Account, Grant
from ledger import Allowance
from metrics import AccountState
from pool import AccountHealth


class KeyState(StrEnum):
    """Whether a key of this service is good."""

    OK = "ok"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    """The key itself cannot be read where the file says that it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAccount:
    """An account with its `health`, how many messages are under way on it from here (`in_use`), and what of
    its `allowance` is spent: `units` today, and GPT-4 `messages` in the window. `capped` are models that the
    backend has capped for it, as it calls them, until when (Unix seconds).
    """

    account: Account
    state: AccountState
    health: AccountHealth
    in_use: int
    allowance: Allowance
    units: int
    messages: int
    capped: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenKey:
    """A key by what it may do, and what of its `allowance` is spent: see `SeenAccount`."""

    grant: Grant
    state: KeyState
    allowance: Allowance
    units: int
    messages: int


def account_as_json(seen: SeenAccount) -> dict[str, object]:
    """`{"object": "account", "alias", "state", ...}`: limits are null for none, times are in Unix seconds and
    null for none. Empty `models` are all.
    """
    account, health = seen.account, seen.health
    return {
        "object": "account",
        "alias": account.alias,
        "state": seen.state,
        "reason": health.reason,
        "problem": account.problem,
        "since": _time(health.since),
        "until": _time(health.until),
        "failures": health.failures,
        "enabled": health.enabled,
        "in_use": seen.in_use,
        "units_today": seen.units,
        "units_limit": seen.allowance.units_per_day or None,
        "window_messages": seen.messages,
        "window_limit": seen.allowance.window_messages or None,
        "resting_models": _resting(health.models, seen.capped),
        "resting_features": _resting(health.features),
        "models": list(account.models),
        "groups": sorted(account.groups),
        "weight": account.weight,
        "plan": account.plan,
        "note": account.note,
    }


def key_as_json(seen: SeenKey) -> dict[str, object]:
    """`{"object": "key", "alias", "state", ...}`: as of an account."""
    grant = seen.grant
    return {
        "object": "key",
        "alias": grant.alias,
        "state": seen.state,
        "accounts": sorted(grant.accounts),
        "models": list(grant.models),
        "units_today": seen.units,
        "units_limit": seen.allowance.units_per_day or None,
        "window_messages": seen.messages,
        "window_limit": seen.allowance.window_messages or None,
        "expires_at": _time(grant.expires_at),
        "style": grant.style or None,
    }


def _resting(*known: Mapping[str, float]) -> list[dict[str, object]]:
    """What rests, each with the last time that somebody knows."""
    names = sorted({name for told in known for name in told})
    ends = ((name, max(told.get(name, 0.0) for told in known)) for name in names)
    return [{"name": name, "until": _time(until)} for name, until in ends]


def _time(seconds: float) -> int | None:
    return int(seconds) or None
