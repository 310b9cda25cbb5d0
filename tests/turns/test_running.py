"""Answers in flight: how many there may be, and how they end when the service stops."""

import asyncio
import time

import pytest

from metrics import Metrics
from runtime import BackgroundTasks
from translate.values import ApiError, Overloaded
from turns.running import STOP_SECONDS, RunningAnswers


class Answering:
    """An answer that ends when it is told to, or when it is stopped."""

    def __init__(self, running: RunningAnswers) -> None:
        self.running = running
        self.stopped_with: ApiError | None = None
        self.end = asyncio.Event()

    def stop(self, error: ApiError) -> None:
        self.stopped_with = error
        self.end.set()

    async def run(self) -> None:
        with self.running.admit(self, "chat"):
            await self.end.wait()


class Rig:
    """`running` admits at most `limit` answers."""

    def __init__(self, limit: int = 10) -> None:
        self.metrics = Metrics(("chat",), [])
        self.aftermath = BackgroundTasks()
        self.running = RunningAnswers(self.metrics, limit, self.aftermath)

    async def begin(self) -> tuple[Answering, "asyncio.Task[None]"]:
        answer = Answering(self.running)
        task = asyncio.create_task(answer.run())
        await asyncio.sleep(0)
        return answer, task

    def counted(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


async def test_answers_are_counted_while_they_are_made() -> None:
    rig = Rig()
    answer, task = await rig.begin()
    assert len(rig.running) == rig.counted("pandora_in_flight", route="chat") == 1
    answer.end.set()
    await task
    assert len(rig.running) == rig.counted("pandora_in_flight", route="chat") == 0


async def test_answer_that_fails_is_counted_no_longer() -> None:
    rig = Rig()
    with pytest.raises(KeyError), rig.running.admit(Answering(rig.running), "chat"):
        raise KeyError
    assert len(rig.running) == 0


async def test_one_too_many_is_refused_until_another_has_ended() -> None:
    rig = Rig(limit=1)
    answer, task = await rig.begin()
    with pytest.raises(Overloaded) as raised, rig.running.admit(Answering(rig.running), "chat"):
        pass
    assert (raised.value.retry_after, raised.value.should_retry) == (2, None)
    assert rig.counted("pandora_rejected_total", reason="overloaded") == 1
    answer.end.set()
    await task
    with rig.running.admit(Answering(rig.running), "chat"):
        assert len(rig.running) == 1


async def test_stopping_service_lets_answers_end_and_takes_no_others() -> None:
    rig = Rig()
    answer, task = await rig.begin()
    draining = asyncio.create_task(rig.running.drain(60))
    await asyncio.sleep(0)
    assert rig.running.draining
    with pytest.raises(Overloaded) as raised, rig.running.admit(Answering(rig.running), "chat"):
        pass
    assert raised.value.retry_after == 5
    assert rig.counted("pandora_rejected_total", reason="draining") == 1
    assert not draining.done()
    answer.end.set()
    await asyncio.wait_for(draining, 5)
    assert answer.stopped_with is None
    await task


async def test_answers_that_take_longer_are_stopped_with_an_error() -> None:
    rig = Rig()
    answer, task = await rig.begin()
    await asyncio.wait_for(rig.running.drain(0.01), 5)
    assert isinstance(answer.stopped_with, Overloaded)
    assert answer.stopped_with.should_retry is False
    await task


async def lengthy() -> None:
    """Holds up the loop, and takes some turns of it to end."""
    time.sleep(STOP_SECONDS * 1.1)  # noqa: ASYNC251 - as many answers at once may do on a slow machine
    for _ in range(5):
        await asyncio.sleep(0)


async def test_stopped_answers_have_their_time_though_the_loop_is_held_up() -> None:
    rig = Rig()
    answer = Answering(rig.running)

    async def answering() -> None:
        with rig.running.admit(answer, "chat"):
            await answer.end.wait()
            await lengthy()

    task = asyncio.create_task(answering())
    await asyncio.sleep(0)
    await rig.running.drain(0)
    assert task.done()


async def test_what_follows_answers_has_its_time_though_the_loop_is_held_up() -> None:
    rig = Rig()
    follows = rig.aftermath.start(lengthy())
    await rig.running.drain(0)
    assert follows.done()


async def test_service_that_makes_no_answer_stops_at_once_but_for_what_follows_answers() -> None:
    rig = Rig()
    go_on = asyncio.Event()
    rig.aftermath.start(go_on.wait())
    draining = asyncio.create_task(rig.running.drain(0))
    await asyncio.sleep(0.02)
    assert not draining.done()
    go_on.set()
    await asyncio.wait_for(draining, 5)


async def test_idle_is_waited_for() -> None:
    rig = Rig()
    await rig.running.wait_idle()
    answer, task = await rig.begin()
    waiting = asyncio.create_task(rig.running.wait_idle())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    answer.end.set()
    await asyncio.wait_for(waiting, 5)
    await task
