"""Accounts of the operator's, and what keys of this service may do with them: see `accounts.json`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from accounts.credential import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of the backend that keys of this service share.

    `credential` is None while there is none, and `problem` says why, in words without secrets. `groups` are
    names under which keys may use it together with others. `models` are names or patterns of the models that
    it is for, empty for all. Of two accounts the one of twice the `weight` is to carry twice as much.
    `concurrency` is how many messages it answers at once, None for what its kind of key does (see
    `KEY_CONCURRENCY`). It may spend `units_per_day`, 0 for no limit, and so many GPT-4 messages in each
    window as `window_messages` says, None for what the settings say (`GPT4_LIMIT`), 0 for no limit.
    """

    alias: str
    credential: Credential | None
    problem: str = ""
    groups: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()
    weight: float = 1.0
    concurrency: int | None = None
    units_per_day: int = 0
    window_messages: int | None = None
    plan: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a key of this service may do.

    `alias` is its name in ledger, log and metrics, `accounts` are the aliases of those that it may use.
    `models` are names or patterns, empty for all. `units_per_day` is None for what the settings say of every
    key (`QUOTA_PER_KEY_PER_DAY`), 0 for no limit; `window_messages` are the GPT-4 messages in a window, 0
    for no limit beside that of the accounts. `expires_at` is in Unix seconds, 0 for never. `style` is how
    answers look, empty for what the settings say (`STYLE`).
    """

    alias: str
    accounts: frozenset[str]
    models: tuple[str, ...] = ()
    units_per_day: int | None = None
    window_messages: int = 0
    expires_at: float = 0.0
    style: str = ""

    def has_expired(self, now: float) -> bool:
        """Whether it is no longer good at that time (Unix seconds)."""
        return 0 < self.expires_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a message needs of the account that answers it.

    `names` are the names under which its model may be allowed, `slug` is that of the backend, `units` what it
    costs. `windowed`: it counts as a GPT-4 message. `features` of the backend are used. `home` is the account
    that has its conversation, empty for a new one: see `Slot.home`. `listed`: the backend lists the model for
    some account, so those for which it does not list it do not have it.
    """

    names: tuple[str, ...] = ()
    slug: str = ""
    units: int = 0
    windowed: bool = False
    features: tuple[str, ...] = ()
    home: str = ""
    listed: bool = False


def is_allowed(patterns: Sequence[str], names: Iterable[str]) -> bool:
    """Whether one of `names` is among the patterns (`*` stands for anything); without patterns all are."""
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
