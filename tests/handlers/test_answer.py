"""An answer to a client: how each outcome of a turn is told, streamed or whole, and what is counted."""

import asyncio
from typing import Any

import pytest

from handlers.client_connection import StreamTiming
from metrics import Outcome
from tests.eventually import eventually, go_on
from tests.handlers.rig import Rig, ScriptedRunner, TinyFormat, ended, serving
from translate.values import NotAdmitted, Overloaded, UpstreamFailed
from turns import Client, TurnOutcome

LOST = UpstreamFailed("lost", should_retry=False)


def whole() -> Rig:
    return Rig(format=TinyFormat(streams=False))


async def deliver(client: Client, out: bytes, *, begun: bool) -> None:
    if (delivering := client.deliver(out, begun=begun)) is not None:
        await delivering


async def says(runner: ScriptedRunner, client: Client, *, text: bool = True) -> None:
    """The turn has something to deliver."""
    runner.has_text = text
    await deliver(client, b"one", begun=True)


async def good(runner: ScriptedRunner, client: Client) -> TurnOutcome:
    await says(runner, client)
    return ended()


async def lost_at_once(runner: ScriptedRunner, client: Client) -> TurnOutcome:
    await deliver(client, b"", begun=False)
    return ended(Outcome.UPSTREAM_ERROR, error=LOST)


async def lost_later(runner: ScriptedRunner, client: Client) -> TurnOutcome:
    await says(runner, client)
    return ended(Outcome.UPSTREAM_ERROR, error=LOST)


async def bug_at_once(runner: ScriptedRunner, client: Client) -> TurnOutcome:
    return ended(Outcome.ERROR, bug=KeyError("canary"))


async def bug_later(runner: ScriptedRunner, client: Client) -> TurnOutcome:
    await says(runner, client)
    return ended(Outcome.ERROR, bug=KeyError("canary"))


async def until_stopped(runner: ScriptedRunner, client: Client) -> TurnOutcome:
    await runner.is_stopped.wait()
    return ended(Outcome.CLIENT_GONE)


async def says_until_stopped(runner: ScriptedRunner, client: Client) -> TurnOutcome:
    await says(runner, client)
    return await until_stopped(runner, client)


# How it ends.

ENDINGS: dict[str, tuple[Any, bool, int, bytes, Outcome]] = {
    "good stream": (good, True, 200, b"<open>one<finished: all>", Outcome.OK),
    "good whole": (good, False, 200, b"<finished: all>", Outcome.OK),
    "stream lost at once": (lost_at_once, True, 502, b"<refused: lost>", Outcome.UPSTREAM_ERROR),
    "whole lost": (lost_later, False, 502, b"<failed: lost>", Outcome.UPSTREAM_ERROR),
    "stream lost later": (lost_later, True, 200, b"<open>one<failed: lost>", Outcome.UPSTREAM_ERROR),
}


@pytest.mark.parametrize(("script", "streams", "status", "body", "outcome"), ENDINGS.values(), ids=ENDINGS)
async def test_outcome_is_told_in_the_words_of_the_format(
    script: Any, streams: bool, status: int, body: bytes, outcome: Outcome
) -> None:
    rig = Rig(format=TinyFormat(streams=streams))
    rig.plays(script)
    async with serving(rig), rig.client() as client:
        answer = await client.answer()
    assert (answer.status, answer.body) == (status, body)
    assert rig.requests(outcome) == 1
    failures = [failure.reason for failure in rig.failures.latest()]
    assert failures == ([] if outcome is Outcome.OK else ["lost"])
    assert rig.runner.stopped == []


async def test_headers_of_an_error_are_those_that_it_asks_for() -> None:
    async def refuse(runner: ScriptedRunner, client: Client) -> TurnOutcome:
        return ended(Outcome.REJECTED, error=NotAdmitted("full", retry_after=7, should_retry=False))

    rig = Rig()
    rig.plays(refuse)
    async with serving(rig), rig.client() as client:
        answer = await client.answer()
    assert (answer.status, answer.headers["retry-after"], answer.headers["x-should-retry"]) == (
        429,
        "7",
        "false",
    )


@pytest.mark.parametrize("streams", [True, False])
async def test_bug_before_the_headers_is_a_500(streams: bool, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(format=TinyFormat(streams=streams))
    rig.plays(bug_at_once)
    async with serving(rig), rig.client() as client:
        answer = await client.answer()
    assert answer.status == 500
    assert answer.headers["x-request-id"] in answer.body.decode()
    assert "canary" in caplog.text
    assert rig.requests(Outcome.ERROR) == 1


async def test_bug_in_mid_stream_is_the_end_of_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.plays(bug_later)
    async with serving(rig), rig.client() as client:
        answer = await client.answer()
    assert answer.status == 200
    assert answer.body.startswith(b"<open>one<failed: The service failed.")
    assert "canary" in caplog.text
    assert rig.requests(Outcome.ERROR) == 1


@pytest.mark.parametrize("streams", [True, False])
async def test_bug_is_logged_also_when_nobody_waits_for_the_answer(
    streams: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def bug_when_stopped(runner: ScriptedRunner, client: Client) -> TurnOutcome:
        await runner.is_stopped.wait()
        return ended(Outcome.ERROR, bug=KeyError("canary"))

    rig = Rig(format=TinyFormat(streams=streams))
    rig.plays(bug_when_stopped)
    async with serving(rig):
        async with rig.client() as client:
            await eventually(lambda: len(rig.running) == 1)
            client.close()
        await eventually(lambda: rig.requests(Outcome.ERROR) == 1)
    assert "canary" in caplog.text
    assert rig.failures.latest() == []


# What is delivered.


@pytest.mark.parametrize(
    ("out", "begun", "opened"), [(b"", True, True), (b"", False, False), (b"one", False, False)]
)
async def test_stream_is_opened_by_a_good_beginning_only(out: bytes, begun: bool, opened: bool) -> None:
    async def script(runner: ScriptedRunner, client: Client) -> TurnOutcome:
        await deliver(client, out, begun=begun)
        return ended(Outcome.UPSTREAM_ERROR, error=LOST)

    rig = Rig()
    rig.plays(script)
    async with serving(rig), rig.client() as client:
        answer = await client.answer()
    assert answer.status == (200 if opened else 502)


async def test_open_stream_takes_what_comes_even_when_all_is_lost() -> None:
    """The end of a fence, for example."""

    async def script(runner: ScriptedRunner, client: Client) -> TurnOutcome:
        await says(runner, client)
        await deliver(client, b"", begun=True)
        await deliver(client, b"two", begun=False)
        return ended(Outcome.UPSTREAM_ERROR, error=LOST)

    rig = Rig()
    rig.plays(script)
    async with serving(rig), rig.client() as client:
        assert (await client.answer()).body == b"<open>onetwo<failed: lost>"


@pytest.mark.parametrize(
    ("text", "streams", "observed"), [(True, True, 1), (False, True, 0), (True, False, 0)]
)
async def test_time_to_the_first_text_of_a_stream_is_observed(
    text: bool, streams: bool, observed: int
) -> None:
    async def script(runner: ScriptedRunner, client: Client) -> TurnOutcome:
        await says(runner, client, text=text)
        return ended()

    rig = Rig(format=TinyFormat(streams=streams))
    rig.plays(script)
    async with serving(rig), rig.client() as client:
        await client.answer()
    assert rig.counted("pandora_time_to_first_token_seconds_count", model="gpt-4-s") == observed


# Clients that leave.


@pytest.mark.parametrize(
    ("streams", "script", "phase"),
    [
        (True, until_stopped, "waiting"),
        (True, says_until_stopped, "streaming"),
        (False, says_until_stopped, "whole"),
    ],
)
async def test_client_that_leaves_stops_the_turn_and_is_counted_once(
    streams: bool, script: Any, phase: str
) -> None:
    rig = Rig(format=TinyFormat(streams=streams))
    rig.plays(script)
    async with serving(rig):
        async with rig.client() as client:
            await eventually(lambda: len(rig.running) == 1)
            if phase == "streaming":
                await client.read_head()
            client.close()
        await eventually(lambda: rig.requests(Outcome.CLIENT_GONE) == 1)
    assert rig.runner.stopped == [None]
    assert {name: rig.disconnects(name) for name in ("waiting", "streaming", "whole")} == {
        "waiting": 0,
        "streaming": 0,
        "whole": 0,
    } | {phase: 1}
    assert rig.failures.latest() == []
    assert len(rig.running) == 0


async def test_what_nobody_waited_for_is_no_first_text() -> None:
    async def late(runner: ScriptedRunner, client: Client) -> TurnOutcome:
        await runner.is_stopped.wait()
        await says(runner, client)
        return ended(Outcome.CLIENT_GONE)

    rig = Rig()
    rig.plays(late)
    async with serving(rig):
        async with rig.client() as client:
            await eventually(lambda: len(rig.running) == 1)
            client.close()
        await eventually(lambda: rig.requests(Outcome.CLIENT_GONE) == 1)
    assert rig.counted("pandora_time_to_first_token_seconds_count", model="gpt-4-s") == 0


async def test_client_that_left_before_the_turn_was_made_stops_it_at_once() -> None:
    reading = asyncio.Event()
    rig = Rig(before_answer=reading.wait)
    rig.plays(until_stopped)
    async with serving(rig):
        async with rig.client() as client:
            await eventually(lambda: bool(rig.handlers))
            client.close()
        await go_on(0.1)
        reading.set()
        await eventually(lambda: rig.requests(Outcome.CLIENT_GONE) == 1)
    assert rig.runner.stopped == [None]
    assert rig.disconnects("waiting") == 1


class Big(TinyFormat):
    """More than the kernel takes at once."""

    def finish(self, end: Any) -> bytes:
        return b"x" * 1_000_000


async def test_client_that_does_not_read_a_whole_answer_is_cut_off() -> None:
    rig = Rig(format=Big(streams=False), write_timeout=0.2)
    rig.plays(good)
    async with serving(rig), rig.client(receive_buffer=4096) as client:
        await eventually(lambda: rig.requests(Outcome.OK) == 1)
        await asyncio.sleep(0.6)
        with pytest.raises((EOFError, ConnectionError)):
            await client.answer()


# Bytes of the response.


def holding(rig: Rig, script: Any = good) -> None:
    """The turn plays `script` once bytes of the response are held."""

    async def play(runner: ScriptedRunner, client: Client) -> TurnOutcome:
        rig.handlers[-1].hold().try_grow_to(1000)
        outcome: TurnOutcome = await script(runner, client)
        return outcome

    rig.plays(play)


@pytest.mark.parametrize("script", [good, lost_later, bug_at_once])
async def test_bytes_of_a_response_are_given_back_once_it_is_written(script: Any) -> None:
    rig = whole()
    holding(rig, script)
    async with serving(rig), rig.client() as client:
        await client.answer()
        await eventually(lambda: rig.room.used == 0)


@pytest.mark.parametrize("leaves", [True, False])
async def test_bytes_of_a_response_are_held_while_it_is_not_read(leaves: bool) -> None:
    rig = Rig(format=Big(streams=False), write_timeout=60 if leaves else 3)
    holding(rig)
    async with serving(rig), rig.client(receive_buffer=4096) as client:
        await eventually(lambda: rig.requests(Outcome.OK) == 1)
        assert rig.room.used == 1000
        if leaves:
            client.close()
        await eventually(lambda: rig.room.used == 0)


async def test_nothing_is_held_for_a_client_that_left_before() -> None:
    reading = asyncio.Event()
    rig = Rig(before_answer=reading.wait)
    holding(rig, until_stopped)
    async with serving(rig):
        async with rig.client() as client:
            await eventually(lambda: bool(rig.handlers))
            client.close()
        await go_on(0.1)
        reading.set()
        await eventually(lambda: rig.requests(Outcome.CLIENT_GONE) == 1)
        assert rig.room.used == 0


# Admission.


async def test_refused_answer_leaves_nothing_behind() -> None:
    rig = Rig(StreamTiming(0.02, 0.02, 60), limit=0)
    rig.plays(good)
    async with serving(rig), rig.client() as client:
        answer = await client.answer()
        await asyncio.sleep(0.1)
    assert (answer.status, answer.body) == (503, b"<refused: Too many answers are being made at once.>")
    assert rig.requests(Outcome.REJECTED) == 1
    assert rig.runner.stopped == []


async def test_service_that_stops_ends_the_turn_with_its_error() -> None:
    async def until_drained(runner: ScriptedRunner, client: Client) -> TurnOutcome:
        await says(runner, client)
        await runner.is_stopped.wait()
        return ended(Outcome.UPSTREAM_ERROR, error=runner.stopped[0])

    rig = Rig()
    rig.plays(until_drained)
    async with serving(rig), rig.client() as client:
        await client.read_head()
        await rig.running.drain(0)
        assert await client.read_rest() == b"<open>one<failed: The service is restarting.>"
    assert isinstance(rig.runner.stopped[0], Overloaded)
