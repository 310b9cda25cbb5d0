"""How many bytes of requests the service keeps in memory at once."""

from typing import Final

from metrics import Metrics
from translate.values import Overloaded

SMALL_BODY: Final = 256 * 1024
"""Bytes up to which a body may use the whole budget. Larger ones leave a quarter of it to such bodies: plain
questions are answered while pictures fill the rest."""
RETRY_AFTER: Final = 2.0
"""Seconds after which a client that was turned away may try again."""


class BodyBudget:
    """Room for `limit` bytes of requests. Each request keeps its part as a `Reservation`."""

    def __init__(self, limit: int, metrics: Metrics) -> None:
        self._limit = limit
        self._metrics = metrics
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes that are reserved."""
        return self._used

    def reservation(self) -> "Reservation":
        """A reservation of no bytes."""
        return Reservation(self)

    def take(self, size: int, more: int) -> None:
        """Count `more` bytes for a reservation, which has `size` bytes then. Raises Overloaded (503)."""
        limit = self._limit if size <= SMALL_BODY else self._limit - self._limit // 4
        if self._used + more > limit:
            self._metrics.rejected("bodies")
            raise Overloaded(
                "Too many large requests are being read at once. Nothing was spent; try again.",
                retry_after=RETRY_AFTER,
                should_retry=True,
            )
        self._used += more

    def give_back(self, size: int) -> None:
        """Count so many bytes no more."""
        self._used -= size


class Reservation:
    """The part of the budget that one request keeps. A released one stays empty."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._size = 0
        self._released = False

    def grow_to(self, size: int) -> None:
        """Keep at least `size` bytes. Raises Overloaded (503), and then keeps what it had."""
        if size > self._size and not self._released:
            self._budget.take(size, size - self._size)
            self._size = size

    def shrink_to(self, size: int) -> None:
        """Keep at most `size` bytes."""
        if size < self._size:
            self._budget.give_back(self._size - size)
            self._size = size

    def release(self) -> None:
        """Keep nothing, for good."""
        self.shrink_to(0)
        self._released = True
