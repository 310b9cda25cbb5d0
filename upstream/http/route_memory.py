"""Whether the backend has a route, found out by its answers and remembered for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

ABSENT_SECONDS: Final = 3600.0
"""How long a route that the backend does not have is not asked for again."""
MAX_ACCOUNTS: Final = 2000
"""Accounts of which it is remembered that they lack a route, the last ones."""


class RouteMemory:
    """One route of the backend: until something proves that it is not there, it may be.

    `clock` gives seconds.
    """

    def __init__(self, *, offered: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._offered = offered
        self._clock = clock
        self._again_at = float("-inf")

    @property
    def may_be_there(self) -> bool:
        """Whether to ask for it."""
        return self._offered and self._clock() >= self._again_at

    def leave_out(self, seconds: float = ABSENT_SECONDS) -> None:
        """Do not ask for it for so long."""
        self._again_at = self._clock() + seconds


class AccountRoutes:
    """A route that some accounts have and others have not. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._absent: OrderedDict[str, RouteMemory] = OrderedDict()

    def may_be_there(self, account: str) -> bool:
        """Whether to ask for it; `account` is the digest of a credential."""
        memory = self._absent.get(account)
        return memory is None or memory.may_be_there

    def leave_out(self, account: str) -> None:
        """Do not ask for it for an hour."""
        memory = self._absent[account] = RouteMemory(clock=self._clock)
        memory.leave_out()
        self._absent.move_to_end(account)
        if len(self._absent) > MAX_ACCOUNTS:
            self._absent.popitem(last=False)
