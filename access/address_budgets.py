"""How many keys that nobody knows yet one address may try: a token bucket for each address.

A try takes a token and holds it until its end. One that cost something for nothing keeps it, and others give
it back. Tokens come back with time, so that a full bucket does in a minute; tokens held do not.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MAX_ADDRESSES: Final = 10_000
"""How many buckets are kept; a full one need not be."""
MINUTE: Final = 60.0


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float
    held: int = 0


class AddressBudgets:
    """Buckets of `per_minute` tokens, at most `max_addresses` of them. `clock` gives seconds."""

    def __init__(
        self, per_minute: int, clock: Callable[[], float], *, max_addresses: int = MAX_ADDRESSES
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._max_addresses = max_addresses
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._buckets)

    def take(self, address: str) -> float:
        """Take a token: 0 if that is done, else the seconds after which there may be one."""
        bucket = self._bucket(address)
        if bucket.left < 1:
            return (1 - bucket.left) * MINUTE / self._per_minute
        bucket.left -= 1
        bucket.held += 1
        return 0.0

    def release(self, address: str, *, spent: bool) -> None:
        """End a try; its token comes back at once, unless it is `spent`."""
        bucket = self._bucket(address)
        bucket.held -= 1
        if not spent:
            bucket.left = min(self._per_minute - bucket.held, bucket.left + 1)
        if bucket.left == self._per_minute:
            del self._buckets[address]

    def _bucket(self, address: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(address)
        if bucket is None:
            self._make_room()
            bucket = self._buckets[address] = _Bucket(self._per_minute, now)
        self._buckets.move_to_end(address)
        back = (now - bucket.at) * self._per_minute / MINUTE
        bucket.left = min(self._per_minute - bucket.held, bucket.left + back)
        bucket.at = now
        return bucket

    def _make_room(self) -> None:
        """Keep the bound; who holds a token is remembered all the same."""
        if len(self._buckets) >= self._max_addresses:
            idle = next((name for name, bucket in self._buckets.items() if not bucket.held), None)
            if idle is not None:
                del self._buckets[idle]
