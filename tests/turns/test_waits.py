"""How long a turn has waited, and for whom."""

import asyncio

import pytest

from turns.waits import Waits

PAUSE = 0.02


async def late(value: str) -> str:
    await asyncio.sleep(PAUSE)
    return value


async def broken() -> None:
    await asyncio.sleep(PAUSE)
    raise LookupError


async def test_what_is_waited_for_is_given_on_and_its_time_counted_where_it_belongs() -> None:
    waits = Waits()
    assert await waits.for_slot(late("mine")) == "mine"
    assert waits.slot >= PAUSE
    assert waits.backend == 0
    assert await waits.for_backend(late("said")) == "said"
    assert waits.backend >= PAUSE


async def test_time_counts_also_if_it_was_in_vain() -> None:
    waits = Waits()
    for _ in range(2):
        with pytest.raises(LookupError):
            await waits.for_backend(broken())
    with pytest.raises(LookupError):
        await waits.for_slot(broken())
    assert waits.backend >= 2 * PAUSE
    assert waits.slot >= PAUSE


def test_waits_of_two_turns_add_up() -> None:
    assert Waits(1, 2) + Waits(10, 20) == Waits(11, 22)
