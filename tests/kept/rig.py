"""What tests of stores have in common."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kept import KeptBounds, ResponseStore

NOW = 1_800_000_000.0
DAY = 86400.0
BOUNDS = KeptBounds(30)


@asynccontextmanager
async def closing(store: ResponseStore) -> AsyncIterator[ResponseStore]:
    try:
        yield store
    finally:
        await store.close()
