"""The credentials with which the backend is asked."""

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
    for the only one. `proxy` is the address of the proxy through which the backend is asked with it, empty
    for the way that all others take (`UPSTREAM_PROXY`). `kind` and `digest` follow from the former two
    and are computed once; `digest` is 32 hex digits that stand for the credential where the secret must not
    be.
    """

    secret: str = field(repr=False)
    account_id: str = field(default="", repr=False)
    proxy: str = field(default="", repr=False)
    kind: KeyKind = field(init=False, compare=False)
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        kind = _KINDS.get(self.secret[:3], KeyKind.TOKEN)
        told = f"{self.secret}\n{self.account_id}" if self.account_id else self.secret
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "digest", hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32])
