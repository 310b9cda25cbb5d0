"""Conversations over the account's WebSocket, against the simulated backend."""

import asyncio
import time
from dataclasses import replace

import pytest

from tests.eventually import eventually, go_on
from tests.simulator.client import KEY
from tests.upstream.socket.rig import OVER_SOCKET, QUICK, world
from upstream import Aborted
from upstream.socket import SocketTimes
from upstream.socket.account_sockets import STOP_SECONDS

pytestmark = pytest.mark.timeout(seconds=60)

OTHER = "fk-other"


async def test_first_answer_of_an_account_is_whole_though_nobody_listened() -> None:
    async with world() as here:
        assert (await here.say("say exactly: one two three")).said == "one two three"
        assert here.seen("/conversation")[0].get("websocket_request_id") is None


@pytest.mark.parametrize(
    "marker", ["pace=300", "pace=300 age=2025", "pace=300 age=2024", "pace=300 age=2023-05"]
)
async def test_first_answer_of_an_account_is_whole_while_it_is_being_made(marker: str) -> None:
    async with world() as here:
        first = await here.say(f"Tell me about tea [[sim {marker}]]")
        again = await here.say(f"Tell me about tea [[sim {marker}]]")
        assert len(first.said) > 100
        assert first.said == again.said


async def test_afterwards_the_socket_is_there_before_the_post_and_is_shared() -> None:
    async with world() as here:
        await here.learn()
        for _ in range(3):
            talk = await here.say("say exactly: 你好🔥 [[sim chunk=101 ascii=0]]")
            assert talk.said == "你好🔥"
            assert talk.content.rstrip().endswith(b"data: [DONE]")
            assert talk.content.startswith(b"data: ")
        ids = [body.get("websocket_request_id") for body in here.seen("/conversation")]
        assert ids[0] is None
        assert len(set(ids[1:])) == 3
        assert here.sockets == 1
        assert len(here.seen("/register-websocket")) == 0, "the first answer's address serves"


async def test_account_whose_socket_has_closed_registers_and_connects_before_the_next_post() -> None:
    async with world(limits=replace(QUICK, times=SocketTimes(idle=0.02))) as here:
        await here.learn()
        await go_on(0.1)
        assert (await here.say("say exactly: again")).said == "again"
        assert here.sockets == 2
        assert len(here.seen("/register-websocket")) == 1
        paths = [request.path.rpartition("/")[2] for request in here.simulator.state.requests]
        assert paths[-2:] == ["register-websocket", "conversation"]


async def test_conversations_of_one_account_at_the_same_time_are_not_mixed() -> None:
    async with world() as here:
        await here.learn()
        words = ["one", "two", "three", "four"]
        talks = [here.talk(f"say exactly: {word} and {word} [[sim pace=200]]") for word in words]
        await asyncio.gather(*(talk.run() for talk in talks))
        assert [talk.said for talk in talks] == [f"{word} and {word}" for word in words]
        assert here.sockets == 1


async def test_each_account_has_a_socket_of_its_own() -> None:
    async with world() as here:
        await here.learn(KEY)
        await here.learn(OTHER)
        mine, other = await asyncio.gather(here.say("say exactly: a"), here.say("say exactly: b", OTHER))
        assert (mine.said, other.said) == ("a", "b")
        assert here.sockets == 2


async def test_end_is_seen_without_a_last_frame() -> None:
    async with world(replace(OVER_SOCKET, last_frame=False)) as here:
        await here.learn()
        assert (await here.say("say exactly: bye")).said == "bye"


async def test_end_is_seen_without_done() -> None:
    async with world() as here:
        await here.learn()
        talk = await here.say("say exactly: bye [[sim done=0]]")
        assert b"[DONE]" not in talk.content
        assert talk.said == "bye"


async def test_frames_are_acknowledged_often_enough() -> None:
    async with world(replace(OVER_SOCKET, max_unacked=100)) as here:
        await here.learn()
        talk = await here.say("Tea [[sim tokens=400]]")
        assert len(talk.said) > 1000
        assert here.sockets == 1


@pytest.mark.parametrize("marker", ["", "age=2025"])
async def test_dropped_socket_is_resumed_and_nothing_is_lost_or_repeated(marker: str) -> None:
    async with world() as here:
        await here.learn()
        whole = await here.say(f"Tell me about tea [[sim {marker}]]")
        asked, opened = len(here.simulator.state.requests), here.sockets
        talk = await here.say(f"Tell me about tea [[sim pace=2000 fault=drop_mid {marker}]]")
        assert talk.said == whole.said
        assert here.sockets == opened + 1, "came back once"
        assert len(here.simulator.state.requests) == asked + 1, "all of it came over the socket"
        assert talk.content.count(b"[DONE]") == 1


async def test_connection_that_cannot_be_resumed_is_made_up_for_by_the_stored_conversation() -> None:
    async with world() as here:
        await here.learn()
        whole = await here.say("Tell me about tea [[sim age=2025]]")
        talk = here.talk("Tell me about tea [[sim pace=200 age=2025]]")
        task = talk.start()
        await talk.started.wait()
        here.simulator.drop_websockets()
        await task
        assert talk.said == whole.said


async def test_temporary_chat_that_lost_pieces_fails_honestly() -> None:
    async with world() as here:
        await here.learn()
        talk = here.talk("Tell me about tea [[sim pace=100]]", history_and_training_disabled=True)
        task = talk.start()
        await talk.started.wait()
        here.simulator.drop_websockets()
        with pytest.raises(Exception, match="pieces of the answer were lost"):
            await task


async def test_abort_tells_the_backend_and_leaves_the_others_alone() -> None:
    async with world() as here:
        await here.learn()
        stays, goes = (
            here.talk("say exactly: still here [[sim pace=20]]"),
            here.talk("Tea [[sim silence=60]]"),
        )
        tasks = [stays.start(), goes.start()]
        await goes.started.wait()
        goes.exchange.abort()
        with pytest.raises(Aborted):
            await tasks[1]
        (request_id,) = (body["websocket_request_id"] for body in here.seen("/stop_conversation"))
        assert request_id in [body.get("websocket_request_id") for body in here.seen("/conversation")]
        assert [stream.outcome for stream in here.simulator.state.streams].count("stopped") == 1
        await tasks[0]
        assert stays.said == "still here"
        assert here.sockets == 1


async def test_abort_while_the_post_is_under_way_stops_the_conversation_too() -> None:
    async with world() as here:
        await here.learn()
        talk = here.talk("Tea [[sim header_delay=60]]")
        task = talk.start()
        await eventually(lambda: len(here.seen("/conversation")) == 2)
        talk.exchange.abort()
        with pytest.raises(Aborted):
            await task
        assert len(here.seen("/stop_conversation")) == 1


async def test_loop_that_is_held_up_stops_the_conversation_too() -> None:
    async with world() as here:
        await here.learn()
        talk = here.talk("Tea [[sim header_delay=60]]")
        task = talk.start()
        await eventually(lambda: len(here.seen("/conversation")) == 2)
        talk.exchange.abort()
        for _ in range(3):
            await asyncio.sleep(0)
        time.sleep(STOP_SECONDS + 0.3)  # noqa: ASYNC251 - as many answers at once may do on a slow machine
        with pytest.raises(Aborted):
            await task
        assert len(here.seen("/stop_conversation")) == 1


async def test_answer_that_was_read_to_its_end_is_not_stopped() -> None:
    async with world() as here:
        await here.learn()
        talk = here.talk("say exactly: all")

        async def stop_at_the_end() -> None:
            if b"[DONE]" in talk.content:
                talk.exchange.abort()

        talk.reads = stop_at_the_end
        with pytest.raises(Aborted):
            await talk.run()
        assert talk.said == "all"
        assert here.seen("/stop_conversation") == []


async def test_cancelled_caller_stops_the_conversation() -> None:
    async with world() as here:
        await here.learn()
        talk = here.talk("Tea [[sim silence=60]]")
        task = talk.start()
        await talk.started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: len(here.seen("/stop_conversation")) == 1)


async def test_reader_that_fails_stops_the_conversation_and_its_error_comes_out() -> None:
    async with world() as here:
        await here.learn()
        talk = here.talk("Tea [[sim silence=60]]")

        async def fail() -> None:
            raise ZeroDivisionError

        talk.reads = fail
        with pytest.raises(ZeroDivisionError):
            await talk.run()
        assert len(here.seen("/stop_conversation")) == 1


async def test_backend_that_returns_to_event_streams_is_followed() -> None:
    async with world() as here:
        await here.learn()
        here.simulator.knobs = replace(OVER_SOCKET, transport="sse")
        for word in ("one", "two"):
            assert (await here.say(f"say exactly: {word}")).said == word
        ids = [body.get("websocket_request_id") for body in here.seen("/conversation")]
        assert ids[0] is None
        assert ids[1] is not None
        assert ids[2] is None
        here.simulator.knobs = OVER_SOCKET
        assert (await here.say("say exactly: three")).said == "three"


async def test_event_stream_is_preferred_where_the_backend_lets_us_choose() -> None:
    async with world() as here:
        assert (await here.say("say exactly: direct", force_use_sse=True)).said == "direct"
        assert here.sockets == 0


async def test_slow_reader_gets_everything_and_nobody_waits_for_it() -> None:
    async with world(limits=replace(QUICK, buffer_bytes=20_000)) as here:
        await here.learn()
        whole = await here.say("Tea [[sim tokens=300]]")
        slow, released = here.talk("Tea [[sim tokens=300]]"), asyncio.Event()
        slow.reads = released.wait  # type: ignore[assignment]
        task = slow.start()
        await slow.started.wait()
        assert (await here.say("say exactly: quick")).said == "quick"
        await eventually(lambda: not here.simulator.state.open_streams, seconds=10)
        released.set()
        await task
        assert slow.said == whole.said
        conversation_id = here.simulator.state.streams[-2].conversation_id
        assert here.seen(f"/{conversation_id}"), "the rest came from what the backend keeps"
