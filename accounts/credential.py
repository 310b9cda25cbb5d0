"""Callers, who send requests, and the credentials with which the backend is asked.

Today the two are the same key: what a caller sends is passed on. `credential_for` is the only place that
chooses a credential for a caller; it is called where a slot of the queue is taken.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class KeyKind(StrEnum):
    """What a key of the backend stands for (protocol notes, section 15)."""

    SHARE = "fk"
    """A share token `fk-...`: one account, conversations apart from other users'."""
    POOL = "pk"
    """A pool token `pk-...`: several accounts; each request may reach another one."""
    TOKEN = "token"  # noqa: S105 - no password, a kind
    """An access token: one account."""


_KINDS: Final = {"fk-": KeyKind.SHARE, "pk-": KeyKind.POOL}


@dataclass(frozen=True, slots=True)
class Credential:
    """What the backend is told.

    `secret` is the bearer token. `account_id` names one of several accounts (workspaces) of its owner, empty
    for the only one. `kind` and `digest` follow from them and are computed once; `digest` is 32 hex digits
    that stand for the credential wherever the secret itself must not be.
    """

    secret: str = field(repr=False)
    account_id: str = ""
    kind: KeyKind = field(init=False, compare=False)
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        kind = _KINDS.get(self.secret[:3], KeyKind.TOKEN)
        told = f"{self.secret}\n{self.account_id}" if self.account_id else self.secret
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "digest", hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends requests, known by the key in them. The key is never logged and never stored.

    `own` is this key as a credential, made once.
    """

    key: str = field(repr=False)
    own: Credential = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "own", Credential(self.key))


def credential_for(caller: Caller) -> Credential:
    """The credential with which the backend is asked on behalf of `caller`: its own key."""
    return caller.own
