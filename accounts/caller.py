"""Callers, who send requests: with a key of the backend, which is passed on, or with a key of this service.

A key of the backend is a token, or `token,account` where the token's owner has several accounts (workspaces).
"""

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from accounts.account import Grant
from accounts.credential import Credential

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends requests, known by the key in them.

    `grant` is what a key of this service may do, None for a key of the backend; two accounts of one token are
    two callers. The key is never logged and never stored. `digest` is 32 hex digits that stand for it.
    """

    key: str = field(repr=False)
    grant: Grant | None = None
    digest: str = field(init=False, compare=False)
    _own: Credential | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        token, _, account_id = self.key.rpartition(",")
        own = None
        if self.grant is None:
            named = token and _ACCOUNT.fullmatch(account_id)
            own = Credential(token, account_id) if named else Credential(self.key)
        told = hashlib.sha256(self.key.encode("utf-8", "replace")).hexdigest()[:32]
        object.__setattr__(self, "_own", own)
        object.__setattr__(self, "digest", told if own is None else own.digest)

    @property
    def own(self) -> Credential:
        """The key of the backend as a credential. Raises RuntimeError for a key of this service."""
        if self._own is None:
            raise RuntimeError("the caller has no credential of its own")
        return self._own

    def at_account(self, account_id: str) -> "Caller":
        """The caller's account of that id, unless the key names one itself or is one of this service.

        Raises ValueError for no id.
        """
        if not _ACCOUNT.fullmatch(account_id):
            raise ValueError("not the id of an account")
        if self.grant is not None or self.own.account_id:
            return self
        return replace(self, key=f"{self.key},{account_id}")


class Lender(Protocol):
    """Says with which credentials the backend is asked on behalf of a caller, where that takes no slot."""

    def credential(self, caller: Caller) -> Credential:
        """The one for what is no message. Raises ApiError: none can be used now."""
        ...

    def credentials(self, caller: Caller) -> tuple[Credential, ...]:
        """Those of all accounts that the caller may use, the best first; some may not be usable now."""
        ...
