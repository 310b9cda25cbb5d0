"""What keeps the ledger's records durably: the interface of SQLite and of Redis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from metrics.entries import Capped, Posted, Record, Spent
from metrics.limits import Standing


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


def merged(rows: Iterable[Spent]) -> list[Spent]:
    """Rows of the same stretch, model and key as one, sorted."""
    sums: dict[tuple[int, str, str], Spent] = {}
    for row in rows:
        known = sums.get(key := (row.start, row.model, row.alias))
        sums[key] = row if known is None else _sum(known, row)
    return [sums[key] for key in sorted(sums)]


def _sum(one: Spent, other: Spent) -> Spent:
    return replace(
        one,
        conversations=one.conversations + other.conversations,
        free=one.free + other.free,
        unknown=one.unknown + other.unknown,
        units=one.units + other.units,
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
    )
