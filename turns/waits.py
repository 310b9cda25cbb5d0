"""How long a turn waits for others; what is left of its time is that of this service."""

import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Waits:
    """Seconds that were waited for a slot of the account, and for the backend."""

    slot: float = 0.0
    backend: float = 0.0

    def __add__(self, other: "Waits") -> "Waits":
        """The waits of two turns of one request."""
        return Waits(self.slot + other.slot, self.backend + other.backend)

    async def for_slot(self, waiting: Awaitable[T]) -> T:
        """What `waiting` gives or raises; it waits for other messages of the account."""
        began = time.monotonic()
        try:
            return await waiting
        finally:
            self.slot += time.monotonic() - began

    async def for_backend(self, waiting: Awaitable[T]) -> T:
        """What `waiting` gives or raises; it waits for the backend, or before it asks the backend again."""
        began = time.monotonic()
        try:
            return await waiting
        finally:
            self.backend += time.monotonic() - began
