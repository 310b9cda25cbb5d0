"""Who is let through to the backend: strangers with made-up keys cost posts, records and places there.

Keys of this service are known by the roster. All others are refused where none are passed on to the
backend, and one address may try a few of them in a minute. Where they are passed on, the backend alone knows
which keys are good. So a key that it has just refused is refused here for a while, and of keys that it has
not accepted yet, one address may try a few at once and a few in a minute. A key that was accepted before is
let in whatever others at its address do.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from typing import NoReturn, Protocol, Self

from access.address_budgets import AddressBudgets
from access.admin import Admin
from access.client_address import client_address
from access.refused_keys import AcceptedKeys, RefusedKeys
from accounts import Caller
from roster import KEY_PREFIX, Roster
from translate.values import NotAdmitted, Unauthorized


class AccessMetrics(Protocol):
    """Where refusals are counted."""

    def rejected(self, reason: str) -> None:
        """A request was turned away."""
        ...


class KeyVerdict(Enum):
    """What a request has shown of its key."""

    NOTHING = auto()
    """Nothing, and it cost nothing that others would miss."""
    ACCEPTED = auto()
    """The backend has answered it."""
    DOUBTFUL = auto()
    """The backend was asked, perhaps at a cost, and did not show that it accepts the key."""
    REFUSED = auto()
    """The backend refuses the key."""


class Visit:
    """The context of one request that was let in; set `verdict` before it ends, of which `on_end` is told."""

    __slots__ = ("_on_end", "verdict")

    def __init__(self, on_end: Callable[[KeyVerdict], None]) -> None:
        self.verdict = KeyVerdict.NOTHING
        self._on_end = on_end

    def __enter__(self) -> Self:
        """It has begun."""
        return self

    def __exit__(self, *exception: object) -> None:
        """It ends."""
        self._on_end(self.verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLimits:
    """See `REFUSED_KEY_SECONDS`, `REFUSALS_PER_MINUTE` and `TRUSTED_PROXIES`; 0 for no limit."""

    refused_seconds: float
    refusals_per_minute: int
    trusted_proxies: Sequence[IPv4Network | IPv6Network]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: see `client_address`."""

    peer: str
    forwarded_for: str


class Doorkeeper:
    """One per service. `knows` says whether a caller is known from before; `clock` gives seconds.

    The token of `admin` is no key, and is not told to the backend. `roster` gives the keys of this service as
    they are now. With `passes_on` other keys are keys of the backend, without it they are nobody's; with None
    that depends on whether there is a roster. `now` gives Unix seconds.
    """

    def __init__(
        self,
        limits: AccessLimits,
        metrics: AccessMetrics,
        knows: Callable[[Caller], bool],
        admin: Admin,
        clock: Callable[[], float] = time.monotonic,
        *,
        roster: Callable[[], Roster] = Roster,
        passes_on: bool | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._limits = limits
        self._metrics = metrics
        self._knows = knows
        self._admin = admin
        self._roster = roster
        self._passes_on = passes_on
        self._now = now
        self._refused = RefusedKeys(limits.refused_seconds, clock)
        self._accepted = AcceptedKeys()
        self._budgets = AddressBudgets(limits.refusals_per_minute, clock)

    def caller(self, key: str, account_id: str, origin: Origin) -> Caller:
        """Who sends `key` and names an account of it, perhaps (which means nothing for keys of this service).

        Raises:
            Unauthorized: the key has expired; or it is none of this service, and others are not passed on.
            NotAdmitted: (429) its address has tried too many of these.
            ValueError: what names the account can be no id of one.
        """
        roster = self._roster()
        if (grant := roster.grant_for(key)) is not None:
            if grant.has_expired(self._now()):
                self._metrics.rejected("expired_key")
                raise Unauthorized(
                    "This API key has expired. Ask whoever runs this service for another one.",
                    code="invalid_api_key",
                    should_retry=False,
                )
            return Caller(key, grant)
        passes_on = not roster.exists if self._passes_on is None else self._passes_on
        if not passes_on or key.startswith(KEY_PREFIX):
            self._refuse_stranger(key, origin)
        caller = Caller(key)
        return caller.at_account(account_id) if account_id else caller

    def _refuse_stranger(self, key: str, origin: Origin) -> NoReturn:
        if self._admin.is_token(key):
            raise _admin_token()
        if self._limits.refusals_per_minute:
            address = self._address(origin)
            if wait := self._budgets.take(address):
                raise self._too_many(wait)
            self._budgets.release(address, spent=True)
        self._metrics.rejected("incorrect_key")
        raise Unauthorized(
            "Incorrect API key provided. Ask whoever runs this service for a key.",
            code="invalid_api_key",
            should_retry=False,
        )

    def check_key(self, caller: Caller) -> None:
        """Raise Unauthorized for a key that the backend has just refused, and for the admin token."""
        if caller.grant is not None:
            return  # what the backend says of an account says nothing of the key
        if self._admin.is_token(caller.key):
            raise _admin_token()
        if wait := self._refused.seconds_left(caller.digest):
            self._metrics.rejected("refused_key")
            raise Unauthorized(
                "The backend has just refused this API key. "
                f"It is asked about the key again in {int(wait) + 1} seconds.",
                code="invalid_api_key",
                should_retry=False,
            )

    def admit(self, caller: Caller, origin: Origin) -> Visit:
        """Let a request through.

        Raises:
            Unauthorized: see `check_key`.
            NotAdmitted: (429) its address has tried too many unknown keys.
        """
        if caller.grant is not None:
            return Visit(_nothing)
        self.check_key(caller)
        digest = caller.digest
        known = not self._limits.refusals_per_minute or digest in self._accepted or self._knows(caller)
        address = "" if known else self._address(origin)
        if not known and (wait := self._budgets.take(address)):
            raise self._too_many(wait)
        return Visit(partial(self._learn, digest, None if known else address))

    def _address(self, origin: Origin) -> str:
        return client_address(origin.peer, origin.forwarded_for, self._limits.trusted_proxies)

    def _too_many(self, wait: float) -> NotAdmitted:
        self._metrics.rejected("unknown_keys")
        return NotAdmitted(
            "Too many keys that were not accepted came from this address. Try again later.", retry_after=wait
        )

    def _learn(self, digest: str, address: str | None, verdict: KeyVerdict) -> None:
        """A visit has ended; `address` is where an unknown key came from."""
        if address is not None:
            spent = verdict in (KeyVerdict.DOUBTFUL, KeyVerdict.REFUSED)
            self._budgets.release(address, spent=spent)
        if verdict is KeyVerdict.ACCEPTED:
            self._accepted.add(digest)
        elif verdict is KeyVerdict.REFUSED:
            self._refused.add(digest)


def _nothing(verdict: KeyVerdict) -> None:
    """Learn nothing."""


def _admin_token() -> Unauthorized:
    return Unauthorized("This is the admin token: conversations need a key.", code="invalid_api_key")
