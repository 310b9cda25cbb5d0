"""What keeps the ledger's records durably: the interface of SQLite and of Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.limits import Standing
from ledger.records import Capped, Posted, Record, Spent


class StoreError(Exception):
    """The records could not be stored, or read, now. The text says why and holds no secret."""


@dataclass(frozen=True, slots=True)
class Item:
    """A record to be stored. ``forced``: it has happened already, so no limit may turn it away."""

    record: Record
    forced: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a shared store says of a `Posted`: whether it was taken, and where its key now is."""

    taken: bool
    standing: Standing


@dataclass(frozen=True, slots=True)
class Recent:
    """What the decisions of the next hours need: what was spent, and the caps that were learnt."""

    posted: Sequence[Posted] = ()
    capped: Sequence[Capped] = ()


class Store(Protocol):
    """Each method may raise StoreError and may be tried again: to store a record twice changes nothing."""

    async def load(self, since: float) -> Recent:
        """Open it, and give what was spent since then."""
        ...

    async def write(self, items: Sequence[Item]) -> Sequence[Verdict | None]:
        """Store the records, in order; when this returns they survive a crash. One answer for each."""
        ...

    async def usage(self, since: float, until: float, bucket: int, alias: str | None) -> list[Spent]:
        """What was spent from ``since`` to ``until``, in stretches of ``bucket`` seconds: days or hours."""
        ...

    async def unknown(self, alias: str, before: float) -> list[Posted]:
        """Entries of this key from before then that were never settled; some, the latest first."""
        ...

    async def forget(self, before: float) -> None:
        """Remove what is older."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...
