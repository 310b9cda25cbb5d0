"""Limits of time that do not blame a store for an event loop that is held up.

A loop that has to do with hundreds of answers at once hears late of what a store has long done. So the limit
is looked at in equal steps, and a step that comes late counts as one: a slow loop takes few of them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

LOOKS: Final = 20
"""Steps in a limit."""


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """As `asyncio.timeout`, with the time in which the loop could look. Raises TimeoutError."""
    loop, left = asyncio.get_running_loop(), LOOKS
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal left, timer
        left -= 1
        if left:
            timer = loop.call_later(seconds / LOOKS, look)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        timer = loop.call_later(seconds / LOOKS, look)
        try:
            yield
        finally:
            timer.cancel()
