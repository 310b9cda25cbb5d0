"""Wait for what must happen, however busy the machine is."""

import asyncio
import time
from collections.abc import Callable


async def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return once it holds; fail if it does not within so many seconds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"still not so after {seconds:g} seconds"
        await asyncio.sleep(0.005)
