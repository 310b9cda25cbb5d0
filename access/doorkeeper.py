"""Who is let through to the backend: strangers with made-up keys cost posts, records and places there.

The backend alone knows which keys are good. So a key that it has just refused is refused here for a while,
and of keys that it has not accepted yet, one address may try a few at once and a few in a minute. A key that
was accepted before is let in whatever others at its address do.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol, Self

from access.address_budgets import AddressBudgets
from access.admin import Admin
from access.client_address import client_address
from access.refused_keys import AcceptedKeys, RefusedKeys
from accounts import Caller
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


class Doorkeeper:
    """One per service. `knows` says whether a caller is known from before; `clock` gives seconds.

    The token of `admin` is no key, and is not told to the backend.
    """

    def __init__(
        self,
        limits: AccessLimits,
        metrics: AccessMetrics,
        knows: Callable[[Caller], bool],
        admin: Admin,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._metrics = metrics
        self._knows = knows
        self._admin = admin
        self._refused = RefusedKeys(limits.refused_seconds, clock)
        self._accepted = AcceptedKeys()
        self._budgets = AddressBudgets(limits.refusals_per_minute, clock)

    def check_key(self, caller: Caller) -> None:
        """Raise Unauthorized for a key that the backend has just refused, and for the admin token."""
        if self._admin.is_token(caller.key):
            raise Unauthorized(
                "This is the admin token: conversations need a key of the backend.", code="invalid_api_key"
            )
        if wait := self._refused.seconds_left(caller.digest):
            self._metrics.rejected("refused_key")
            raise Unauthorized(
                "The backend has just refused this API key. "
                f"It is asked about the key again in {int(wait) + 1} seconds.",
                code="invalid_api_key",
                should_retry=False,
            )

    def admit(self, caller: Caller, peer: str, forwarded_for: str) -> Visit:
        """Let a request through; `peer` and `forwarded_for` are those of `client_address`.

        Raises:
            Unauthorized: see `check_key`.
            NotAdmitted: (429) its address has tried too many unknown keys.
        """
        self.check_key(caller)
        digest = caller.digest
        known = not self._limits.refusals_per_minute or digest in self._accepted or self._knows(caller)
        address = "" if known else client_address(peer, forwarded_for, self._limits.trusted_proxies)
        if not known and (wait := self._budgets.take(address)):
            self._metrics.rejected("unknown_keys")
            raise NotAdmitted(
                "Too many keys that the backend did not accept came from this address. Try again later.",
                retry_after=wait,
            )
        return Visit(partial(self._learn, digest, None if known else address))

    def _learn(self, digest: str, address: str | None, verdict: KeyVerdict) -> None:
        """A visit has ended; `address` is where an unknown key came from."""
        if address is not None:
            spent = verdict in (KeyVerdict.DOUBTFUL, KeyVerdict.REFUSED)
            self._budgets.release(address, spent=spent)
        if verdict is KeyVerdict.ACCEPTED:
            self._accepted.add(digest)
        elif verdict is KeyVerdict.REFUSED:
            self._refused.add(digest)
