"""Whether the backend has a route, found out by its answers and remembered for a while."""

import time
from collections.abc import Callable
from typing import Final

ABSENT_SECONDS: Final = 3600.0
"""How long a route that the backend does not have is not asked for again."""


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
