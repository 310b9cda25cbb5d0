"""What keeps responses: the interface of SQLite and of Redis."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from kept.records import KeptResponse
from translate.values import JsonObject

DAY: Final = 86400.0
TOO_LARGE: Final = "The response is too large to be kept."


class KeepingFailed(Exception):
    """Nothing can be kept, or read, now. The text says why and holds no secret."""


@dataclass(frozen=True, slots=True)
class KeptBounds:
    """How much is kept: for so many days, and of all callers so many responses and bytes; the oldest go
    first. One of more than `largest` bytes is not kept. Items are looked for in `at_once` bytes of them.
    """

    days: int
    responses: int = 10_000
    size: int = 1 << 30
    largest: int = 16 << 20
    at_once: int = 64 << 20


class ResponseStore(Protocol):
    """Each method may raise `KeepingFailed`. To whoever is not its owner there is no response."""

    async def put(self, record: KeptResponse) -> None:
        """Keep a response; it is durable then."""
        ...

    async def get(self, owner: str, id: str) -> KeptResponse | None:
        """A response; None if there is none."""
        ...

    async def delete(self, owner: str, id: str) -> bool:
        """Forget a response; gives whether there was one."""
        ...

    async def output_items(self, owner: str, ids: Collection[str]) -> Mapping[str, JsonObject]:
        """The output items of these ids, as far as there are any; within the bounds."""
        ...

    async def close(self) -> None:
        """Close the file or the connections."""
        ...
