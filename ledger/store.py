"""What keeps the ledger's records durably: the interface of SQLite and of Redis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.limits import Allowed, CurrentUsage
from ledger.records import Capped, Posted, Record, Subject, UsageRow
from runtime import COMMAND

MAX_UNSETTLED: Final = 20
"""How many entries without an outcome a store gives at once."""
GO_BACK: Final = f"{COMMAND} ledger restore FILE"
"""What is done with a backup."""


class StoreError(Exception):
    """The records could not be stored, or read, now. The text says why and holds no secret."""


class LedgerRefused(StoreError):
    """The records are not for this version of the service, or are not whole, until somebody does what the
    text says. Nothing was changed.
    """


def refuse_schema(name: str, found: int, known: int) -> None:
    """Refuse a ledger, called `name`, that a newer version of the service has written.

    Raises:
        LedgerRefused: the schema that was found is newer than those that are known here.
    """
    if found > known:
        raise LedgerRefused(
            f"{name} has schema {found}, of a newer version of this service; this one knows schemas up to "
            f"{known}. Run that version again, or go back to a backup from before it with '{GO_BACK}'"
        )


@dataclass(frozen=True, slots=True)
class PendingRecord:
    """A record to be stored. `allowed` is what may refuse a `Posted`; None if it records what has happened,
    so that no limit may refuse it.
    """

    record: Record
    allowed: Allowed | None = None


@dataclass(frozen=True, slots=True)
class StoreDecision:
    """What a shared store says of a `Posted`: whether it was accepted, and the usage with it, of the caller
    and of the operator's account, if it is posted to one. `by_account`: only that has refused it.
    """

    accepted: bool
    usage: CurrentUsage
    account: CurrentUsage | None = None
    by_account: bool = False


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """What a shared store knows of an account of the operator's: the `usage` of a day, without caps, and the
    models that are capped with the times until when (Unix seconds).
    """

    usage: CurrentUsage
    caps: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RecentRecords:
    """What the decisions of the next hours need: conversations that cost something, and caps.

    These are some of many; the last ones have no `posted`.
    """

    posted: Sequence[Posted] = ()
    capped: Sequence[Capped] = ()


class Store(Protocol):
    """Each method may raise `StoreError` and may be tried again: to store a record twice changes nothing.

    After a failure it is looked again whether this version of the service can use what is there, before that
    is written; so each method may raise `LedgerRefused`.

    Times are in Unix seconds.
    """

    @property
    def shared(self) -> bool:
        """Whether other instances use it too."""
        ...

    @property
    def incomplete(self) -> bool:
        """Whether it has lost, during the last day, what it held: more was spent then than it says."""
        ...

    async def refuse_newer(self) -> None:
        """Look whether this version of the service can use what is there; it is only read.

        Raises:
            LedgerRefused: it cannot, and must not go on.
            StoreError: that cannot be told now.
        """
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

    async def accounts(self, messages: Mapping[str, int], day: int) -> Mapping[str, AccountRecord]:
        """What all instances have spent on accounts of the operator's in a day of quota, by alias.

        Of the window it gives so many of the latest times as `messages` says for the account. A store that
        no other instance uses knows nothing that is not known here, and gives nothing.
        """
        ...

    async def total(self, day: int) -> int | None:
        """The units that all instances have spent in a day of quota; None where no other instance uses it."""
        ...

    async def fullest_window(self, now: float) -> tuple[Subject, CurrentUsage] | None:
        """The caller with the most messages in the rolling window of an account of its own, and its usage.

        None if there is none, or where no other instance uses the store: what `load` gives tells it then.
        """
        ...

    async def unsettled(self, owner: Subject, before: float) -> list[Posted]:
        """Entries from before then that were never settled, and were posted to the account of `owner`; some,
        the latest first.
        """
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
