"""Work that is stopped: before it, during it, when it is done, and what follows it."""

import asyncio

import pytest

from turns.stoppable import StoppableWork, Stopped


async def test_result_is_that_of_the_work() -> None:
    work = StoppableWork()
    assert await work.do(asyncio.sleep(0, "done")) == "done"
    assert not work.stopped


async def test_failure_is_that_of_the_work() -> None:
    async def fails() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await StoppableWork().do(fails())


async def test_work_that_waits_is_cancelled() -> None:
    work, began, cancelled = StoppableWork(), asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    task = asyncio.create_task(work.do(waits()))
    await began.wait()
    work.stop()
    with pytest.raises(Stopped):
        await task
    assert cancelled.is_set()


async def test_nothing_is_begun_once_it_is_stopped() -> None:
    work, begun = StoppableWork(), []

    async def begins() -> None:
        begun.append(True)

    work.stop()
    with pytest.raises(Stopped):
        await work.do(begins())
    assert begun == []


async def test_result_that_comes_with_the_stop_is_not_used() -> None:
    work = StoppableWork()

    async def is_done_in_spite_of_it() -> str:
        work.stop()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return "done"
        return "not cancelled"

    with pytest.raises(Stopped):
        await work.do(is_done_in_spite_of_it())


async def test_cancellation_from_elsewhere_is_no_stop() -> None:
    task = asyncio.create_task(StoppableWork().do(asyncio.sleep(60)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
