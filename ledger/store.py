"""What keeps the ledger's records durably: the interface of SQLite and of Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.limits import CurrentUsage
from ledger.records import Capped, Posted, Record, UsageRow

MAX_UNSETTLED: Final = 20
"""How many entries without an outcome a store gives at once."""


class StoreError(Exception):
    """The records could not be stored, or read, now. The text says why and holds no secret."""


@dataclass(frozen=True, slots=True)
class PendingRecord:
    """A record to be stored. `forced`: it records what has happened, so no limit may refuse it."""

    record: Record
    forced: bool = True


@dataclass(frozen=True, slots=True)
class StoreDecision:
    """What a shared store says of a `Posted`: whether it was accepted, and the usage with it."""

    accepted: bool
    usage: CurrentUsage


@dataclass(frozen=True, slots=True)
class RecentRecords:
    """What the decisions of the next hours need: conversations that cost something, and caps.

    These are some of many; the last ones have no `posted`.
    """

    posted: Sequence[Posted] = ()
    capped: Sequence[Capped] = ()


class Store(Protocol):
    """Each method may raise `StoreError` and may be tried again: to store a record twice changes nothing.

    Times are in Unix seconds.
    """

    @property
    def shared(self) -> bool:
        """Whether other instances use it too."""
        ...

    async def load(self, since: float, after: str = "") -> RecentRecords:
        """Open the store, and return what was recorded since then: first some of it, in the order of time.

        Those that follow are asked for with the time and the id of the last one.
        """
        ...

    async def write(self, pending: Sequence[PendingRecord]) -> Sequence[StoreDecision | None]:
        """Store the records, in order; when this returns they survive a crash.

        Returns one decision for each, None where the store itself decides nothing.
        """
        ...

    async def usage(self, since: float, until: float, bucket: int, alias: str | None) -> list[UsageRow]:
        """What was spent from `since` to `until`, in stretches of `bucket` seconds: `DAY` or `HOUR`.

        Of one caller, or with None of all.
        """
        ...

    async def unsettled(self, alias: str, before: float) -> list[Posted]:
        """Entries of a caller from before then that were never settled; some, the latest first."""
        ...

    async def delete_before(self, before: float) -> None:
        """Delete the entries that are older."""
        ...

    async def any_between(self, begin: float, end: float) -> bool:
        """Whether there is an entry from `begin` on and before `end`."""
        ...

    async def check(self, *, write: bool) -> None:
        """Notice what has become of the store since it was used; with `write`, whether it can be written."""
        ...

    async def close(self) -> None:
        """Close connections and files. Raises nothing."""
        ...
