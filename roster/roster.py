"""Who may use what, as it is now: accounts of the operator's and keys of this service."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from accounts import Account, Grant

KEY_PREFIX: Final = "sk-pandora-"
"""How keys begin that are made here: the backend has none such, so they are never passed on to it."""
KEY_BYTES: Final = 32


class RosterError(ValueError):
    """What is wrong with which entry of the file, in one line without secrets."""


def new_key() -> str:
    """A key of this service that nobody can guess."""
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)


def key_digest(key: str) -> bytes:
    """What the file keeps of a key: 32 bytes, from which the key cannot be told."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A key of this service. `digest` is that of `key_digest`, None while the key itself is not known."""

    grant: Grant
    digest: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Roster:
    """A snapshot: `accounts` and `keys` in the order of the file.

    `exists` is whether there is a file at all. `problems` are what operators should know of entries that have
    no effect now, a line each, without secrets.
    """

    accounts: tuple[Account, ...] = ()
    keys: tuple[ServiceKey, ...] = ()
    exists: bool = False
    problems: tuple[str, ...] = ()
    _accounts: Mapping[str, Account] = field(init=False, repr=False, compare=False)
    _keys: Mapping[bytes, ServiceKey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_accounts", {account.alias: account for account in self.accounts})
        object.__setattr__(self, "_keys", {key.digest: key for key in self.keys if key.digest is not None})

    @property
    def grants(self) -> tuple[Grant, ...]:
        """What each key may do."""
        return tuple(key.grant for key in self.keys)

    def account(self, alias: str) -> Account | None:
        """The account of this alias, None if there is none."""
        return self._accounts.get(alias)

    def grant_for(self, key: str) -> Grant | None:
        """What `key` may do, expired or not; None if it is no key of this service."""
        digest = key_digest(key)
        found = self._keys.get(digest)
        if found is None or found.digest is None or not hmac.compare_digest(found.digest, digest):
            return None
        return found.grant

    def with_account(self, changed: Account) -> "Roster":
        """The same with another account in the place of that of its alias."""
        accounts = tuple(changed if account.alias == changed.alias else account for account in self.accounts)
        return Roster(accounts, self.keys, self.exists, self.problems)
