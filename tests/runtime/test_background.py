"""Tasks that go on beside whoever began them, and end together."""

import asyncio

import pytest

from runtime import BackgroundTasks


async def forever() -> None:
    await asyncio.Event().wait()


async def test_result_comes_from_the_task_that_was_started() -> None:
    async def answer() -> int:
        return 42

    assert await BackgroundTasks().start(answer()) == 42


async def test_tasks_are_counted_while_they_run() -> None:
    tasks = BackgroundTasks()
    release = asyncio.Event()
    for _ in range(3):
        tasks.start(release.wait())
    assert len(tasks) == 3
    release.set()
    assert await tasks.wait()
    assert len(tasks) == 0


async def test_wait_ends_with_its_time_and_leaves_the_tasks_running() -> None:
    tasks = BackgroundTasks()
    task = tasks.start(forever())
    assert not await tasks.wait(0.01)
    assert not task.done()
    await tasks.cancel()


async def test_wait_for_no_tasks_ends_at_once() -> None:
    assert await BackgroundTasks().wait()


async def test_cancel_waits_until_all_have_cleaned_up() -> None:
    tasks = BackgroundTasks()
    cleaned: list[int] = []

    async def slow_to_end(number: int) -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(number)

    started = [tasks.start(slow_to_end(number)) for number in range(3)]
    await asyncio.sleep(0)
    await tasks.cancel()
    assert sorted(cleaned) == [0, 1, 2]
    assert all(task.cancelled() for task in started)
    await tasks.cancel()


async def test_failure_is_for_whoever_awaits_the_task_and_stops_no_other() -> None:
    tasks = BackgroundTasks()

    async def fail() -> None:
        raise ValueError("broken")

    failing, running = tasks.start(fail()), tasks.start(forever())
    with pytest.raises(ValueError, match="broken"):
        await failing
    assert not running.done()
    await tasks.cancel()
