"""Requests that run and that ended last: bounded, told once to each who watches, and of no cost to nobody."""

import asyncio
from contextlib import ExitStack

import pytest

from activity import (
    KEPT,
    SHOWN,
    Activity,
    EndedRequest,
    RunningRequest,
    Watch,
    ended_as_json,
    running_as_json,
)
from activity.activity import MAX_WATCHES
from logs import RecentFailures
from metrics import Outcome
from translate.values import BadRequest, Overloaded, UpstreamFailed


class Answer:
    """An answer that has come so far."""

    has_text = False


def request(name: str = "req_1") -> RunningRequest:
    return RunningRequest(name, 1_700_000_000.0, "chat", "gpt-4-s", "laptop", "")


def ended(name: str = "req_1") -> EndedRequest:
    return EndedRequest(request=request(name), status=200, outcome=Outcome.OK, duration=1.0)


def names(requests: list[RunningRequest]) -> list[str]:
    return [each.request_id for each in requests]


def test_request_is_among_those_that_run_and_then_among_those_that_ended() -> None:
    activity, answer = Activity(), Answer()
    with activity.runs(request(), answer):
        assert activity.look().running == [(request(), False)]
        answer.has_text = True
        assert activity.look().running == [(request(), True)]
        activity.ended(ended())
        seen = activity.look()
        assert (seen.running, names([each.request for each in seen.ended])) == ([], ["req_1"])
    assert len(activity.look().ended) == 1, "leaving the context changes nothing"


def test_request_without_an_end_runs_no_more_once_its_context_is_left() -> None:
    activity = Activity()
    with activity.runs(request(), Answer()):
        pass
    seen = activity.look()
    assert (seen.running, seen.ended) == ([], [])


def test_who_looks_again_sees_what_ended_since_and_who_comes_late_what_is_remembered() -> None:
    activity = Activity()
    activity.ended(ended("req_0"))
    first = activity.look()
    for number in range(1, 4):
        activity.ended(ended(f"req_{number}"))
    second = activity.look(first.position)
    assert names([each.request for each in second.ended]) == ["req_3", "req_2", "req_1"]
    assert activity.look(second.position).ended == []
    for number in range(4, KEPT + 10):
        activity.ended(ended(f"req_{number}"))
    late = activity.look(second.position)
    assert len(late.ended) == KEPT, "no more is remembered for anybody"
    assert late.ended[0].request.request_id == f"req_{KEPT + 9}"


def test_no_more_are_shown_than_there_is_room_for_and_the_oldest_are() -> None:
    activity = Activity()
    for number in range(SHOWN + 5):
        activity.runs(request(f"req_{number}"), Answer())
    running = [each for each, _ in activity.look().running]
    assert names(running) == [f"req_{number}" for number in range(SHOWN)]


async def test_change_ends_the_wait_of_all_who_watch_also_one_that_came_before_it() -> None:
    activity = Activity()
    with activity.watch() as one, activity.watch() as two:
        waiting = [asyncio.create_task(watch.wait(0, 60)) for watch in (one, two)]
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in waiting)
        activity.ended(ended())
        async with asyncio.timeout(10):
            await asyncio.gather(*waiting)
            with activity.runs(request(), Answer()):
                pass
            await one.wait(0, 60)
        assert await still_waits(one), "all is known"
        assert not one.over
        assert not two.over


async def still_waits(watch: Watch) -> bool:
    task = asyncio.create_task(watch.wait(0, 60))
    await asyncio.sleep(0.02)
    waits = not task.done()
    task.cancel()
    return waits


async def test_nobody_waits_longer_than_wanted_and_changes_are_told_together_after_the_pause() -> None:
    activity = Activity()
    with activity.watch() as watch:
        async with asyncio.timeout(10):
            await watch.wait(0, 0.01)
        activity.ended(ended())
        pausing = asyncio.create_task(watch.wait(60, 60))
        await asyncio.sleep(0.02)
        assert not pausing.done()
        watch.end()
        async with asyncio.timeout(10):
            await pausing


async def test_who_watches_goes_when_the_service_stops_and_is_waited_for() -> None:
    activity = Activity()
    gone = []

    async def watching() -> None:
        with activity.watch() as watch:
            await watch.wait(60, 60)
            assert watch.over
        gone.append(watch)

    tasks = [asyncio.create_task(watching()) for _ in range(3)]
    await asyncio.sleep(0)
    activity.end()
    async with asyncio.timeout(10):
        await activity.wait_until_left()
    assert len(gone) == len(tasks)
    await activity.wait_until_left()


async def test_service_that_stops_waits_until_the_last_one_who_watches_has_left_and_no_longer() -> None:
    activity = Activity()
    with activity.watch():
        pass  # that all have left once is no reason to go
    with ExitStack() as last:
        last.enter_context(activity.watch())
        with activity.watch():
            activity.end()
            waiting = asyncio.create_task(activity.wait_until_left())
        await turns_of_the_loop()
        assert not waiting.done(), "one still watches"
    await turns_of_the_loop()
    assert waiting.done(), "nobody is waited for"


async def turns_of_the_loop() -> None:
    """Let everything be done that waits for nothing."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_so_many_may_watch_and_nobody_once_the_service_stops() -> None:
    activity = Activity()
    with ExitStack() as stack:
        for _ in range(MAX_WATCHES):
            stack.enter_context(activity.watch())
        with pytest.raises(Overloaded), activity.watch():
            pass
    with activity.watch():
        pass
    activity.end()
    with pytest.raises(Overloaded), activity.watch():
        pass


def test_failure_is_told_by_code_and_of_mistakes_in_the_request_by_that_alone() -> None:
    failures = RecentFailures()
    told = []
    for error in (
        UpstreamFailed("The connection was lost."),
        BadRequest("'my secret'", code="invalid_value"),
    ):
        failure = failures.add("req_1", "chat", "gpt-4-s", error.status, error)
        end = EndedRequest(
            request=request(), status=error.status, outcome=Outcome.ERROR, duration=1.0, failure=failure
        )
        told.append((ended_as_json(end)["code"], ended_as_json(end)["reason"]))
    assert told == [("upstream_error", "The connection was lost."), ("invalid_value", "")]


def test_both_are_told_with_the_same_names() -> None:
    running = running_as_json(request(), True)
    over = ended_as_json(ended())
    assert running["answering"] is True
    assert set(running) - {"answering"} < set(over)
    assert (over["request_id"], over["outcome"], over["ttft"]) == ("req_1", "ok", None)
