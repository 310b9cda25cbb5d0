"""Reading one answer off the socket: whole, late, or in part from the stored conversation; and its limits."""

import asyncio
import re

import pytest

from tests.eventually import eventually
from tests.upstream.socket.scripted import ALL, PIECES, TEXT, Backend, Peer, kept, plays, scene
from upstream import (
    Aborted,
    ConnectionLost,
    IdleTimeout,
    ProgressTimeout,
    Timeouts,
    TotalTimeout,
)
from upstream.socket.stream_reader import TRANSITIONS, State

pytestmark = pytest.mark.timeout(seconds=60)


def half_kept() -> bytes:
    """The conversation as the backend stores it while the answer is still being made."""
    return re.sub(b'"finished_successfully", "end_turn": true', b'"in_progress", "end_turn": null', kept())


async def test_frames_that_stay_missing_are_made_up_for_by_the_stored_conversation() -> None:
    async with scene(Backend([plays(1, 2, 3, 5, 6, 7)], kept=kept())) as here:
        talk = await here.talk().run()
        assert talk.said == TEXT
        assert len(here.backend.peers) == 2
        assert here.backend.calls[-1] == "conversation/c1"


async def test_frames_that_stay_missing_fail_the_turn_where_nothing_is_stored() -> None:
    async with scene(Backend([plays(1, 2, 3, 5, 6, 7)])) as here:
        with pytest.raises(ConnectionLost) as lost:
            await here.talk().run()
        assert lost.value.phase == "body"


async def test_stored_conversation_that_cannot_be_read_now_is_tried_again() -> None:
    async with scene(Backend([plays(1, 2, 3, 5, 6, 7)], kept=kept(), failures=2)) as here:
        assert (await here.talk().run()).said == TEXT
        assert here.backend.calls.count("conversation/c1") == 3


async def test_stored_conversation_that_is_none_fails_the_turn() -> None:
    async with scene(Backend([plays(1, 2, 3, 5, 6, 7)], kept=b"[]")) as here:
        with pytest.raises(ConnectionLost):
            await here.talk().run()


async def test_backend_that_marks_frames_in_its_own_way_is_followed() -> None:
    async def own(peer: Peer) -> None:
        await peer.backend.posted.wait()
        for number, piece in enumerate(PIECES, 1):
            await peer.send(number, piece)

    backend = Backend([own], kept=kept())
    async with scene(backend) as here:
        calls = here.backend.calls
        talk = await here.talk().run()
        assert talk.said == TEXT
        assert calls[-1] == "conversation"


async def test_first_answer_at_an_address_that_leads_nowhere_is_read_from_the_stored_conversation() -> None:
    async with scene(Backend(wss_url="ws://127.0.0.1:1/", kept=kept()), learnt=False) as here:
        assert (await here.talk().run()).said == TEXT


async def test_first_answer_that_nobody_heard_and_nobody_stored_fails_as_lost() -> None:
    async with scene(Backend(wss_url="ws://127.0.0.1:1/"), learnt=False) as here:
        with pytest.raises(ConnectionLost, match="pieces of the answer were lost"):
            await here.talk().run()
        assert here.backend.calls[-1] == "stop_conversation"


async def test_temporary_chat_that_was_over_before_anybody_listened_fails_as_lost() -> None:
    async with scene(Backend(), learnt=False) as here:
        with pytest.raises(ConnectionLost, match="pieces of the answer were lost"):
            await here.talk().run()
        assert here.backend.calls.count("conversation/c1") > 5, "it may have been about to begin"


@pytest.mark.parametrize(
    ("timeouts", "expected"),
    [(Timeouts(5, 5, idle=0.1), IdleTimeout), (Timeouts(5, 5, 5, total=3), TotalTimeout)],
    ids=["idle", "total"],
)
async def test_silent_socket_runs_into_the_same_limits_as_a_silent_stream(
    timeouts: Timeouts, expected: type[Exception]
) -> None:
    async with scene(Backend([plays(1, 2, 3)]), timeouts) as here:
        with pytest.raises(expected):
            await here.talk().run()
        assert here.backend.calls[-1] == "stop_conversation"


async def test_socket_that_brings_nothing_new_is_given_up_at_last() -> None:
    async def pings(peer: Peer) -> None:
        await plays(1, 2, 3)(peer)
        for number in range(4, 100):
            await asyncio.sleep(0.02)
            await peer.send(number, b": ping\n\n")

    async with scene(Backend([pings]), Timeouts(5, 5, idle=5, progress=0.2)) as here:
        with pytest.raises(ProgressTimeout):
            await here.talk().run()
        assert here.backend.calls[-1] == "stop_conversation"


async def test_socket_that_brings_something_new_now_and_then_is_not_given_up() -> None:
    async def slowly(peer: Peer) -> None:
        await peer.backend.posted.wait()
        for number, piece in enumerate(PIECES, 1):
            await asyncio.sleep(0.5)
            await peer.send(number, piece)

    async with scene(Backend([slowly]), Timeouts(30, 30, idle=30, progress=3)) as here:
        talk = here.talk()

        async def note() -> None:
            talk.exchange.progressed()

        talk.reads = note
        assert (await talk.run()).said == TEXT


async def test_time_the_reader_takes_is_no_silence() -> None:
    async with scene(Backend([plays(*ALL)]), Timeouts(30, 30, idle=2)) as here:
        talk = here.talk()

        async def slowly() -> None:
            if len(talk.pieces) == 1:
                await asyncio.sleep(2.5)

        talk.reads = slowly
        assert (await talk.run()).said == TEXT


async def test_silent_stored_conversation_runs_into_the_limit_too() -> None:
    async with scene(Backend([plays(1, 2, 3, 5)], kept=half_kept()), Timeouts(5, 5, idle=0.2)) as here:
        with pytest.raises(IdleTimeout):
            await here.talk().run()


async def test_frames_that_come_while_the_stored_conversation_shows_nothing_new_are_no_silence() -> None:
    async def pings(peer: Peer) -> None:
        await plays(1, 2, 3, 5)(peer)
        if len(peer.backend.peers) == 1:
            return
        for number in range(6, 22):
            await asyncio.sleep(0.2)
            await peer.send(number, b": ping\n\n")
        peer.backend.kept = kept()

    async with scene(Backend([pings], kept=half_kept()), Timeouts(30, 30, idle=3)) as here:
        assert (await here.talk().run()).said == TEXT


@pytest.mark.parametrize("state", ["connecting", "silent", "recovering", "late"])
async def test_abort_ends_it_in_every_state(state: str) -> None:
    scripts = {"silent": [plays(1, 2, 3)], "recovering": [plays(1, 2, 3, 5)]}.get(state, [])
    backend, call = Backend(scripts, kept=half_kept()), "conversation"
    if state == "connecting":
        backend.greeting, call = None, "register-websocket"
    async with scene(backend, learnt=state != "late") as here:
        talk = here.talk()
        task = talk.start()
        await eventually(lambda: call in backend.calls)
        await asyncio.sleep(0.2)
        assert not task.done()
        talk.exchange.abort()
        talk.exchange.abort()
        with pytest.raises(Aborted):
            await asyncio.wait_for(task, 10)
        assert ("stop_conversation" in backend.calls) == (state != "connecting")


def test_each_state_has_a_way_to_the_end() -> None:
    reached = {State.DONE}
    for _ in State:
        reached |= {state for (state, _), following in TRANSITIONS.items() if following in reached}
    assert reached == set(State)
    assert all(state is not State.DONE for state, _ in TRANSITIONS)
