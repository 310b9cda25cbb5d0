"""Which way a turn is followed, when the next one is tried, and how it ends from outside."""

import asyncio
import copy
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.cases.backend import CaseBackend
from tests.cases.case import Case
from tests.eventually import eventually
from tests.translate.wire import Json
from tests.upstream.elsewhere.rig import BROKEN, HANDOFF, QUICK, KeepingReader, rig
from tests.upstream.rig import ME, PATIENT
from translate.values import Elsewhere, ElsewhereKind, ElsewhereWay
from upstream.elsewhere import Paces
from upstream.elsewhere.follower import STOP_SECONDS
from upstream.elsewhere.stored import GivenUp
from upstream.http import (
    Aborted,
    ConnectionLost,
    Exchange,
    IdleTimeout,
    ProgressTimeout,
    ResponseRefused,
    Timeouts,
    TotalTimeout,
    UpstreamError,
)

STORED = "/conversation/c1"
RESUME = "/f/conversation/resume"
USER = "/celsius/ws/user"
STOP = "/stop_conversation"


def streams(*bodies: bytes) -> Any:
    def adapt(backend: CaseBackend) -> None:
        backend.resumes = list(bodies)

    return adapt


def order(backend: CaseBackend) -> list[str]:
    """The ways that were gone, each once, in order."""
    ends = [path.partition("/backend-api")[2] for path in backend.asked]
    return list(dict.fromkeys(path for path in ends if path in (STORED, RESUME, USER)))


@pytest.mark.parametrize(
    ("elsewhere", "ways"),
    [
        (HANDOFF, [USER, RESUME, STORED]),
        (replace(HANDOFF, offered=(ElsewhereWay.RESUME,)), [RESUME, USER, STORED]),
        (replace(HANDOFF, offered=(ElsewhereWay.RESUME, ElsewhereWay.SOCKET)), [RESUME, USER, STORED]),
        (replace(HANDOFF, topic_id=""), [RESUME, STORED]),
        (BROKEN, [RESUME, USER, STORED]),
        (replace(HANDOFF, kind=ElsewhereKind.PRO), [USER, RESUME, STORED]),
    ],
)
async def test_ways_are_gone_in_the_order_of_the_backend_and_the_stored_conversation_last(
    elsewhere: Elsewhere, ways: list[str]
) -> None:
    async with rig() as world:
        with pytest.raises(ConnectionLost):
            await world.follow(KeepingReader(elsewhere))
        assert order(world.backend) == ways
        assert world.backend.count("POST", STOP) == 1
        assert len(world.backend.asked) < 30


async def test_task_is_looked_for_in_the_conversation_and_listened_for_at_once() -> None:
    async with rig("poll") as world:
        reader = KeepingReader(replace(HANDOFF, kind=ElsewhereKind.RESEARCH))
        await world.follow(reader)
        assert set(order(world.backend)) == {USER, STORED}
        assert b"The long answer." in reader.streams[0][1]


@pytest.mark.parametrize(
    ("elsewhere", "offset", "fresh"),
    [(BROKEN, 3, False), (replace(BROKEN, token=""), 0, True), (HANDOFF, 0, True)],
)
async def test_stream_is_resumed_behind_what_came_where_it_can_be(
    elsewhere: Elsewhere, offset: int, fresh: bool
) -> None:
    async with rig("resume", adapt=streams(b"data: rest\n\n")) as world:
        reader = KeepingReader(replace(elsewhere, topic_id=""))
        await world.follow(reader)
        assert reader.streams == [(fresh, b"data: rest\n\n")]
        assert reader.ends == [None]
        ((_, body, token),) = world.backend.bodies
        assert body == {"conversation_id": "c1", "offset": offset}
        assert token == elsewhere.token


@pytest.mark.parametrize("status", [408, 409, 425, 429, 502, 503, 504])
async def test_resume_endpoint_is_asked_again_after_refusals_that_pass(status: int) -> None:
    def busy(backend: CaseBackend) -> None:
        backend.refused_resumes = [status] * 3
        backend.resumes = [b"data: rest\n\n"]

    async with rig("resume", adapt=busy) as world:
        reader = KeepingReader(replace(BROKEN, topic_id=""))
        await world.follow(reader)
        assert reader.streams == [(False, b"data: rest\n\n")]
        assert world.backend.count("POST", RESUME) == 4


@pytest.mark.parametrize(("status", "times"), [(503, 6), (404, 1), (410, 1), (400, 1)])
async def test_resume_endpoint_is_left_after_some_refusals_or_one_that_is_final(
    status: int, times: int
) -> None:
    def refusing(backend: CaseBackend) -> None:
        backend.refused_resumes = [status] * 100

    async with rig("resume", adapt=refusing) as world:
        with pytest.raises(UpstreamError):
            await world.follow(KeepingReader(replace(BROKEN, topic_id="")))
        assert world.backend.count("POST", RESUME) == times


async def test_resume_endpoint_that_is_busy_is_left_alone_for_a_while() -> None:
    def busy(backend: CaseBackend) -> None:
        backend.refused_resumes = [503] * 100

    slow = replace(QUICK, retry=30.0, longest_retry=60.0)
    async with rig("resume", limits=slow, adapt=busy) as world:
        exchange = Exchange()
        following = asyncio.create_task(world.follow(KeepingReader(replace(BROKEN, topic_id="")), exchange))
        await eventually(lambda: world.backend.count("POST", RESUME) == 1)
        await asyncio.sleep(0.2)
        assert world.backend.count("POST", RESUME) == 1
        exchange.abort()
        with pytest.raises(Aborted):
            await following


async def test_topic_that_broke_is_not_resumed_by_its_own_count() -> None:
    def drop(backend: CaseBackend) -> None:
        backend.drops = 5
        backend.resumes = [b"data: rest\n\n"]

    async with rig("ws", "resume", adapt=drop) as world:
        reader = KeepingReader(HANDOFF, places=[replace(BROKEN, records=99)] * 3)
        await world.follow(reader)
        assert [fresh for fresh, _ in reader.streams] == [True] * 4
        assert [body["offset"] for path, body, _ in world.backend.bodies if path.endswith(RESUME)] == [0]


async def test_turn_that_always_goes_on_elsewhere_is_given_up_after_some_rounds() -> None:
    async with rig("resume", "ws", "poll", adapt=streams(b"data: again\n\n")) as world:
        reader = KeepingReader(HANDOFF, places=[HANDOFF] * 100)
        with pytest.raises(ConnectionLost):
            await world.follow(reader)
        assert len(reader.streams) == 3 + 6 + 2


async def test_who_is_not_waited_for_is_left() -> None:
    async with rig("poll", limits=replace(QUICK, research=0.0)) as world:
        reader = KeepingReader(replace(HANDOFF, kind=ElsewhereKind.RESEARCH))
        await world.follow(reader)
        assert reader.elsewhere is not None
        assert world.backend.asked == []


@pytest.mark.parametrize("way", ["ws", "resume", "poll"])
async def test_abort_ends_it_wherever_it_is_and_has_the_backend_stop(way: str) -> None:
    def silent(backend: CaseBackend) -> None:
        backend.frames = []
        backend.stored = [{"path": f"/backend-api{STORED}", "status": 404, "body": {}}]
        backend.holds = way == "resume"

    slow = replace(QUICK, first_item=30.0, paces=Paces(text=(30.0,)))
    elsewhere = replace(HANDOFF, topic_id="conversation-turn-te1" if way == "ws" else "")
    async with rig(way, limits=slow, adapt=silent) as world:
        exchange = Exchange()
        following = asyncio.create_task(world.follow(KeepingReader(elsewhere), exchange))
        await eventually(lambda: len(world.backend.asked) >= (2 if way == "poll" else 1))
        await asyncio.sleep(0.05)
        exchange.abort()
        with pytest.raises(Aborted):
            await following
        assert exchange.aborted
        (stop,) = [body for path, body, _ in world.backend.bodies if path.endswith(STOP)]
        assert stop == {"conversation_id": "c1", "exclude_async_types": []}


async def test_cancelled_following_leaves_nothing_behind() -> None:
    def silent(backend: CaseBackend) -> None:
        backend.frames = []

    async with rig("ws", limits=replace(QUICK, first_item=30.0), adapt=silent) as world:
        following = asyncio.create_task(world.follow(KeepingReader(HANDOFF)))
        await eventually(lambda: world.backend.sockets == 1)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        await eventually(lambda: world.backend.sockets == 0)


def never(backend: CaseBackend) -> None:
    """The stored conversation is always at work."""
    first = backend.case.lines("poll")[0]
    backend.stored = [{"path": f"/backend-api{STORED}", "status": 200, "body": first["body"]}]


@pytest.mark.parametrize(
    ("kind", "error", "stopped"),
    [
        (ElsewhereKind.HANDOFF, ProgressTimeout, 1),
        (ElsewhereKind.PRO, TotalTimeout, 1),
        (ElsewhereKind.RESEARCH, TotalTimeout, 0),
    ],
)
async def test_what_never_ends_is_given_up_in_time(
    kind: ElsewhereKind, error: type[Exception], stopped: int
) -> None:
    limits = replace(QUICK, pro=0.3, research=0.3)
    timeouts = Timeouts(connect=30, first_byte=30, idle=30, total=0, progress=0.3)
    async with rig("poll", limits=limits, timeouts=timeouts, adapt=never) as world:
        with pytest.raises(error):
            await world.follow(KeepingReader(replace(HANDOFF, kind=kind, topic_id="")))
        assert world.backend.count("POST", STOP) == stopped


@pytest.mark.parametrize(
    ("status", "looks", "error"),
    [
        (404, range(6, 14), ConnectionLost),
        (500, range(6, 14), ResponseRefused),
        (429, range(30, 62), ResponseRefused),
        (400, range(1, 3), ResponseRefused),
    ],
)
async def test_conversation_that_is_not_shown_is_looked_at_some_times(
    status: int, looks: range, error: type[Exception]
) -> None:
    def refusing(backend: CaseBackend) -> None:
        backend.stored = [{"path": f"/backend-api{STORED}", "status": status, "body": {}}]

    async with rig("poll", adapt=refusing) as world:
        with pytest.raises(error):
            await world.follow(KeepingReader(replace(HANDOFF, topic_id="")))
        assert world.backend.count("GET", STORED) in looks


@pytest.mark.parametrize(("status", "times"), [(404, 5), (403, 5), (500, 5), (409, 5), (429, 29)])
async def test_looks_that_fail_are_counted_anew_after_one_that_does_not(status: int, times: int) -> None:
    def failing_twice(backend: CaseBackend) -> None:
        first, *_, last = backend.case.lines("poll")
        failure = {"path": f"/backend-api{STORED}", "status": status, "body": {}}
        backend.stored = [*[failure] * times, first, *[failure] * times, last]

    async with rig("poll", adapt=failing_twice) as world:
        reader = KeepingReader(replace(HANDOFF, topic_id=""))
        await world.follow(reader)
        assert b"The long answer." in reader.streams[0][1]
        assert world.backend.count("GET", STORED) == 2 * times + 2


@pytest.mark.parametrize("status", [401, 429])
@pytest.mark.parametrize("elsewhere", [HANDOFF, BROKEN, replace(HANDOFF, kind=ElsewhereKind.RESEARCH)])
async def test_who_is_refused_on_every_way_is_told_why(elsewhere: Elsewhere, status: int) -> None:
    def refusing(backend: CaseBackend) -> None:
        backend.refuses = status

    async with rig("ws", "resume", "poll", adapt=refusing) as world:
        with pytest.raises(ResponseRefused) as caught:
            await world.follow(KeepingReader(elsewhere))
        assert caught.value.status == status


async def test_refusal_is_told_though_the_last_ways_are_not_there() -> None:
    def refusing(backend: CaseBackend) -> None:
        backend.stored = [{"path": "/backend-api/celsius/ws/user", "status": 401, "body": {}}]

    async with rig("poll", adapt=refusing) as world:
        with pytest.raises(ResponseRefused) as caught:
            await world.follow(KeepingReader(HANDOFF))
        assert caught.value.status == 401


@pytest.mark.parametrize(
    ("body", "looks"),
    [
        ({"detail": {"message": "It is gone.", "code": "conversation_deleted"}}, 1),
        ({"detail": {"message": "It is gone.", "code": "history_disabled_conversation_expired"}}, 1),
        ({"detail": "Not Found"}, 1),
        ({"detail": {"message": "Not yet.", "code": "conversation_not_found"}}, 6),
        ({"detail": {"message": "Not yet.", "code": "conversation_inaccessible"}}, 6),
        ({"detail": "Can't load conversation c1"}, 6),
    ],
)
async def test_conversation_that_is_gone_for_good_is_looked_at_once(body: Json, looks: int) -> None:
    def refusing(backend: CaseBackend) -> None:
        backend.stored = [{"path": f"/backend-api{STORED}", "status": 404, "body": body}]

    async with rig("poll", adapt=refusing) as world:
        with pytest.raises(ConnectionLost):
            await world.follow(KeepingReader(replace(HANDOFF, topic_id="")))
        assert world.backend.count("GET", STORED) == looks


async def test_conversation_that_is_not_shown_has_paces_of_its_own_unless_a_task_is_waited_for() -> None:
    def hidden(backend: CaseBackend) -> None:
        backend.stored = [{"path": f"/backend-api{STORED}", "status": 404, "body": {}}]

    slow = replace(QUICK, paces=replace(QUICK.paces, text=(30.0,), picture=(30.0,)))
    async with rig("poll", limits=slow, adapt=hidden) as world:
        with pytest.raises(ConnectionLost):
            await world.follow(KeepingReader(replace(HANDOFF, topic_id="")))
        exchange = Exchange()
        drawing = KeepingReader(replace(HANDOFF, kind=ElsewhereKind.PICTURE))
        following = asyncio.create_task(world.follow(drawing, exchange))
        await eventually(lambda: world.backend.count("GET", STORED) == 7)
        await asyncio.sleep(0.2)
        assert world.backend.count("GET", STORED) == 7
        exchange.abort()
        with pytest.raises(Aborted):
            await following


async def test_socket_on_which_nothing_comes_is_not_waited_for_again() -> None:
    def silent(backend: CaseBackend) -> None:
        backend.frames = []

    async with rig("ws", limits=replace(QUICK, first_item=3.0), adapt=silent) as world:
        with pytest.raises(IdleTimeout):
            await world.follow(KeepingReader(HANDOFF))
        assert world.backend.count("GET", USER) == 1


@pytest.mark.parametrize(("told", "looks"), [("FAILURE", 2), ("COMPLETE", 5)])
async def test_turn_that_the_backend_gave_up_is_given_up_and_not_looked_for_again(
    told: str, looks: int
) -> None:
    def lost(backend: CaseBackend) -> None:
        never(backend)
        assert backend.stored is not None
        path = f"/backend-api{STORED}/stream_status"
        backend.stored.append({"path": path, "status": 200, "body": {"status": told}})

    async with rig("poll", adapt=lost) as world:
        reader = KeepingReader(replace(HANDOFF, topic_id=""))
        reader.places = [replace(BROKEN, topic_id="")]
        with pytest.raises(ConnectionLost, match="given the turn up"):
            await world.follow(reader)
        assert [str(lost) for lost in reader.ends] == [str(GivenUp())]
        assert world.backend.count("GET", STORED) == looks


async def test_broken_turn_of_which_nothing_is_told_is_given_up_after_some_looks() -> None:
    async with rig("poll", adapt=never) as world:
        reader = KeepingReader(replace(BROKEN, topic_id=""))
        reader.places = [replace(BROKEN, topic_id="")]
        with pytest.raises(ConnectionLost, match="given the turn up"):
            await world.follow(reader)
        assert world.backend.count("GET", STORED) == 9


async def test_finished_turn_that_is_said_to_be_at_work_for_ever_is_over() -> None:
    def stuck(backend: CaseBackend) -> None:
        last = backend.case.lines("poll")[-1]
        body = last["body"] | {"async_status": 3}
        backend.stored = [{"path": f"/backend-api{STORED}", "status": 200, "body": body}]

    async with rig("poll", adapt=stuck) as world:
        reader = KeepingReader(replace(HANDOFF, topic_id=""))
        await world.follow(reader)
        assert reader.streams[0][1].endswith(b"data: [DONE]\n\n")


async def test_news_of_a_task_are_shown_and_end_it_where_the_conversation_does_not() -> None:
    def telling(backend: CaseBackend) -> None:
        never(backend)
        update: dict[str, Any] = {"update_type": "async-task-update-message", "conversation_id": "c1"}
        update["update_content"] = {"message": {"id": "t2"}}
        over = {"update_type": "async-task-completed", "conversation_id": "c1"}
        frames = [{"topic_id": "conversations", "payload": {"payload": told}} for told in (update, over)]
        backend.frames = [frame | {"type": "message"} for frame in frames]

    async with rig("ws", "poll", adapt=telling) as world:
        reader = KeepingReader(replace(HANDOFF, kind=ElsewhereKind.PICTURE))
        await world.follow(reader)
        assert b'"t2"' in reader.streams[0][1]
        assert reader.streams[0][1].endswith(b"data: [DONE]\n\n")


async def test_reader_that_wants_no_more_ends_it() -> None:
    async with rig("ws") as world:
        reader = KeepingReader(HANDOFF)

        def enough() -> None:
            reader.done, reader.at_work = True, False

        reader.on_data = enough
        await world.follow(reader)
        assert len(reader.streams) == 1
        assert world.backend.count("POST", STOP) == 0


async def test_socket_of_a_task_is_closed_after_it() -> None:
    async with rig("ws", "poll") as world:
        await world.follow(KeepingReader(replace(HANDOFF, kind=ElsewhereKind.RESEARCH)))
        await eventually(lambda: world.backend.sockets == 0)
        assert world.backend.count("GET", USER) == 1


async def test_backend_is_told_to_stop_also_where_who_says_so_is_cancelled() -> None:
    async with rig() as world:
        stopping = asyncio.create_task(world.follower.stop(ME, "c1"))
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        await eventually(lambda: world.backend.count("POST", STOP) == 1)


async def test_backend_is_told_to_stop_by_a_loop_that_is_held_up() -> None:
    async with rig() as world:
        stopping = asyncio.create_task(world.follower.stop(ME, "c1"))
        for _ in range(3):
            await asyncio.sleep(0)
        time.sleep(STOP_SECONDS + 0.3)  # noqa: ASYNC251 - as many answers at once may do on a slow machine
        await stopping
        assert world.backend.count("POST", STOP) == 1


async def test_backend_that_is_asked_too_often_is_left_alone_for_a_while() -> None:
    def refusing(backend: CaseBackend) -> None:
        refusal = {"path": f"/backend-api{STORED}", "status": 429, "body": {}}
        backend.stored = [refusal]

    slow = replace(QUICK, paces=replace(QUICK.paces, refused=30.0))
    async with rig("poll", limits=slow, adapt=refusing) as world:
        exchange = Exchange()
        following = asyncio.create_task(world.follow(KeepingReader(replace(HANDOFF, topic_id="")), exchange))
        await eventually(lambda: world.backend.count("GET", STORED) == 1)
        await asyncio.sleep(0.2)
        assert world.backend.count("GET", STORED) == 1
        exchange.abort()
        with pytest.raises(Aborted):
            await following


async def test_topic_that_has_begun_may_be_silent_as_long_as_any_stream() -> None:
    def begun(backend: CaseBackend) -> None:
        backend.frames = backend.said_on_socket()[:3]

    timeouts = replace(PATIENT, idle=6)
    async with rig("ws", limits=replace(QUICK, first_item=2.5), timeouts=timeouts, adapt=begun) as world:
        reader = KeepingReader(HANDOFF)
        following = asyncio.create_task(world.follow(reader))
        await eventually(lambda: bool(reader.streams))
        await asyncio.sleep(3)
        assert reader.ends == []
        await following
        assert [type(lost) for lost in reader.ends] == [IdleTimeout]


async def test_picture_is_waited_for_however_long_its_announcement_has_ended_the_turn() -> None:
    def drawn_late(backend: CaseBackend) -> None:
        (*_, last) = backend.case.lines("poll")
        announced = copy.deepcopy(last["body"]) | {"async_status": 3, "current_node": "m1"}
        announcement = {
            "id": "m1",
            "author": {"role": "assistant"},
            "content": {"content_type": "text", "parts": ["It is being drawn."]},
            "status": "finished_successfully",
            "end_turn": True,
        }
        announced["mapping"]["m1"] = {"id": "m1", "parent": "root", "message": announcement}
        backend.stored = [last | {"body": announced}] * 15 + [last]

    async with rig("poll", adapt=drawn_late, case=Case.read("image-async-card")) as world:
        reader = KeepingReader(replace(HANDOFF, kind=ElsewhereKind.PICTURE))
        await world.follow(reader)
        assert b"file_00000000aa11bb22cc33dd44ee55ff66" in reader.streams[0][1]
