"""What was written to a Redis of late, which it may forget.

A Redis answers before a write is safe everywhere: one that dies takes with it what its replica has not heard
yet, or what `appendfsync everysec` has not brought to its disk. So each instance numbers its writes and keeps
the last ones, and the Redis keeps the number too. A number that has gone back tells what is to be written
again.
"""

import secrets
from collections import deque
from collections.abc import Sequence
from typing import Final

from ledger.records import Record

KEEP_SECONDS: Final = 10.0
"""A replica is behind by less, and so is the disk."""
MAX_KEPT: Final = 20_000
"""Records, some 10 MB: ten seconds of 600 conversations a second."""


class RecentWrites:
    """The writes of this instance, each of some records, by number; the first one has the number 1."""

    def __init__(self) -> None:
        self.name: Final = secrets.token_hex(8)
        """Tells instances apart. One that begins anew has nothing to write again."""
        self.number = 0
        """How many there were."""
        self._there = 0  # the Redis has them up to this one
        self._kept: deque[tuple[int, float, Sequence[Record]]] = deque()
        self._records = 0

    @property
    def all_there(self) -> bool:
        """Nothing is forgotten."""
        return self._there == self.number

    @property
    def forgotten(self) -> list[Record]:
        """What is to be written again, in order."""
        return [record for number, _, records in self._kept if number > self._there for record in records]

    @property
    def lost(self) -> bool:
        """What is forgotten is more than that: the rest is not known here any more."""
        return self._there < self.number - len(self._kept)

    def add(self, records: Sequence[Record], now: float) -> None:
        """Note that these are written. `now` is in seconds, of a clock that never goes back."""
        if self.all_there:
            self._there += 1
        self.number += 1
        self._kept.append((self.number, now, records))
        self._records += len(records)
        while self._kept[0][1] < now - KEEP_SECONDS or self._records > MAX_KEPT:
            self._records -= len(self._kept.popleft()[2])

    def found(self, number: int, at_least: int) -> None:
        """Note the number that the Redis has, which was asked for when there were `at_least` so many."""
        if number < at_least:
            self._there = min(self._there, number)

    def drop(self) -> None:
        """Forget them here too: they are of no use any more."""
        self._kept.clear()
        self._records = 0
        self.written_again()

    def written_again(self) -> None:
        """Note that the Redis has them all."""
        self._there = self.number
