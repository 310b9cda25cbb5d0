"""Groups of threads: bounded, and none waits for another."""

import asyncio
import threading

import pytest

from runtime import Threads


async def test_result_and_exception_come_back() -> None:
    threads = Threads(1, "some")
    assert await threads.run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 1, 0)
    threads.close()


async def test_work_of_one_group_does_not_wait_for_that_of_another() -> None:
    busy, free, go_on = Threads(1, "busy"), Threads(1, "free"), threading.Event()
    stuck = [asyncio.ensure_future(busy.run(go_on.wait, 20)) for _ in range(3)]
    assert await free.run(threading.active_count) > 1
    assert not any(work.done() for work in stuck)
    go_on.set()
    assert await asyncio.gather(*stuck) == [True] * 3
    busy.close()
    free.close()


async def test_group_has_no_more_threads_than_it_may() -> None:
    threads = Threads(2, "few")
    names = await asyncio.gather(*(threads.run(lambda: threading.current_thread().name) for _ in range(50)))
    assert len(set(names)) <= 2
    threads.close()
