"""A future whose waiting task goes on at once."""

import asyncio
from collections.abc import Callable

import pytest

from transport.arrival import Arrival


def in_a_callback(do: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(do)


async def test_waiting_task_goes_on_within_the_callback() -> None:
    arrival, steps = Arrival[int](), []

    async def wait() -> None:
        steps.append(await arrival)
        assert asyncio.current_task() is task

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)

    def arrive() -> None:
        arrival.arrive(1)
        steps.append(2)

    in_a_callback(arrive)
    await task
    assert steps == [1, 2]


async def test_task_that_comes_later_finds_the_value() -> None:
    arrival = Arrival[int]()
    arrival.arrive(1)
    assert await arrival == 1


async def test_other_ways_to_resolve_it_are_those_of_any_future() -> None:
    for resolve, expected in (
        (lambda arrival: arrival.set_result(1), 1),
        (lambda arrival: arrival.set_exception(OSError("x")), OSError),
        (lambda arrival: arrival.cancel(), asyncio.CancelledError),
    ):
        arrival = Arrival[int]()
        task = asyncio.ensure_future(asyncio.wait_for(arrival, 10))
        await asyncio.sleep(0)
        resolve(arrival)  # type: ignore[no-untyped-call]
        [result] = await asyncio.gather(task, return_exceptions=True)
        assert result == expected or type(result) is expected


async def test_cancelling_the_task_that_waits_ends_its_wait() -> None:
    arrival = Arrival[int]()

    async def wait() -> int:
        return await arrival

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert arrival.cancelled()
