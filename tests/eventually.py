"""Wait for what must happen, however busy the machine is."""

import asyncio
import time
from collections.abc import Callable, Set
from math import ceil
from typing import Final

STEP: Final = 0.02
"""Seconds."""


async def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return once it holds; fail if it does not within so many seconds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"still not so after {seconds:g} seconds"
        await asyncio.sleep(0.005)


async def eventually_none(left: Callable[[], Set[object]], seconds: float = 30.0) -> None:
    """Return once nothing is left; fail, and say what is, if something still is after so many seconds."""
    until = time.monotonic() + seconds
    while rest := left():
        assert time.monotonic() < until, f"still left after {seconds:g} seconds: {rest}"
        await asyncio.sleep(0.005)


async def holds_within(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it holds within so many seconds in which this process could run.

    A step that took longer than it was to take counts as it was meant: the process got no time meanwhile. So
    this needs everything that is waited for in this process.
    """
    for _ in range(ceil(seconds / STEP)):
        if holds():
            return True
        await asyncio.sleep(STEP)
    return holds()


async def promptly(holds: Callable[[], bool], seconds: float) -> None:
    """Return once it holds; fail if it does not within so many seconds, as `holds_within` counts them."""
    assert await holds_within(holds, seconds), f"still not so after {seconds:g} seconds"


async def go_on(seconds: float) -> None:
    """Let what is under way in this process go on for so long, and longer if the process got no time."""
    for _ in range(ceil(seconds / STEP)):
        await asyncio.sleep(STEP)
