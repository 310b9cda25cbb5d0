"""Limits of time over a loop that is held up, and over one that is not."""

import asyncio
import time

import pytest

from runtime import patience


async def test_what_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with patience(0.1):
            await asyncio.Event().wait()
    assert time.monotonic() - began >= 0.1


async def test_what_is_done_in_time_is_left_alone_from_then_on() -> None:
    async with patience(0.05):
        await asyncio.sleep(0)
    await asyncio.sleep(0.1)


@pytest.mark.parametrize(("times", "seconds"), [(1, 0.8), (8, 0.1)], ids=["once", "again and again"])
async def test_time_in_which_the_loop_was_held_up_does_not_count(times: int, seconds: float) -> None:
    async with patience(0.5):
        for _ in range(times):
            time.sleep(seconds)  # noqa: ASYNC251 - as many answers at once may do on a slow machine
            for _ in range(3):
                await asyncio.sleep(0)


async def test_limit_still_holds_after_the_loop_was_held_up() -> None:
    async def hang() -> None:
        async with patience(0.1):
            time.sleep(0.3)  # noqa: ASYNC251
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await hang()


async def test_who_is_cancelled_meanwhile_is_told_that() -> None:
    async def wait() -> None:
        async with patience(0.05):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.1)
