"""Callers, who send requests, and the credentials with which the backend is asked.

What a caller sends is passed on: a token, or `token,account` where the token's owner has several accounts
(workspaces). `credential_for` is the only place that chooses a credential for a caller.
"""

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


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
    account_id: str = field(default="", repr=False)
    kind: KeyKind = field(init=False, compare=False)
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        kind = _KINDS.get(self.secret[:3], KeyKind.TOKEN)
        told = f"{self.secret}\n{self.account_id}" if self.account_id else self.secret
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "digest", hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends requests, known by the key in them: a token, or `token,account`.

    Two accounts of one token are two callers. The key is never logged and never stored. `own` is this key as
    a credential, made once.
    """

    key: str = field(repr=False)
    own: Credential = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        token, _, account_id = self.key.rpartition(",")
        named = token and _ACCOUNT.fullmatch(account_id)
        object.__setattr__(self, "own", Credential(token, account_id) if named else Credential(self.key))

    def at_account(self, account_id: str) -> "Caller":
        """The caller's account of that id, unless the key names one itself. Raises ValueError for no id."""
        if not _ACCOUNT.fullmatch(account_id):
            raise ValueError("not the id of an account")
        return self if self.own.account_id else Caller(f"{self.key},{account_id}")


def credential_for(caller: Caller) -> Credential:
    """The credential with which the backend is asked on behalf of `caller`: its own key."""
    return caller.own
