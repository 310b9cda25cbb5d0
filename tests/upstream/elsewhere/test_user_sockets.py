"""The user's socket: shared, closed after its last turn, bounded."""

import asyncio
import gc

import pytest

from accounts import Credential
from tests.cases.backend import CaseBackend
from tests.eventually import eventually
from tests.upstream.elsewhere.rig import rig
from tests.upstream.rig import ME
from translate.backend import TopicMessage
from upstream.elsewhere import UserSockets
from upstream.elsewhere.user_sockets import Subscription
from upstream.http import Aborted, ConnectFailed, ConnectionLost, ResponseRefused
from upstream.socket import BufferBudget

TOPIC = "conversation-turn-te1"


async def messages_of(subscription: Subscription) -> list[TopicMessage]:
    """All that comes, until the backend has said all of the case."""
    found: list[TopicMessage] = []

    def done() -> bool:
        found.extend(subscription.take_all())
        return len(found) >= 8

    await eventually(done)
    return found


async def test_turns_of_one_user_share_a_socket_that_is_closed_after_the_last_one() -> None:
    async with rig("ws") as world:
        woken = asyncio.Event()
        first = world.sockets.subscribe(ME, TOPIC, woken.set)
        assert len(await messages_of(first)) == 8
        assert woken.is_set()
        second = world.sockets.subscribe(ME, TOPIC, woken.set)
        assert len(await messages_of(second)) == 8
        assert world.backend.count("GET", "/celsius/ws/user") == world.backend.sockets == 1
        world.sockets.release(ME, first)
        await asyncio.sleep(0.02)
        assert world.backend.sockets == 1
        world.sockets.release(ME, second)
        await eventually(lambda: world.backend.sockets == 0)


async def test_topic_is_cancelled_once_nobody_follows_it_any_more() -> None:
    def cancelled(backend: CaseBackend) -> list[str]:
        return [topic for command, topic in backend.commands if command == "unsubscribe"]

    async with rig("ws") as world:
        first, second = (world.sockets.subscribe(ME, TOPIC, lambda: None) for _ in range(2))
        other = world.sockets.subscribe(ME, "conversation-turn-other", lambda: None)
        assert await messages_of(second)
        world.sockets.release(ME, first)
        await asyncio.sleep(0.05)
        assert cancelled(world.backend) == [], "another turn listens to it"
        world.sockets.release(ME, second)
        await eventually(lambda: cancelled(world.backend) == [TOPIC])
        world.sockets.release(ME, other)


async def test_other_topics_are_not_kept() -> None:
    async with rig("ws") as world:
        other = world.sockets.subscribe(ME, "conversation-turn-other", lambda: None)
        mine = world.sockets.subscribe(ME, TOPIC, lambda: None)
        assert await messages_of(mine)
        assert other.take_all() == []
        world.sockets.release(ME, other)
        world.sockets.release(ME, mine)


@pytest.mark.parametrize(
    ("drops", "ways", "error"),
    [(0, ["ws"], ConnectionLost), (None, [], ResponseRefused)],
)
async def test_socket_that_cannot_be_had_ends_the_subscription(
    drops: int | None, ways: list[str], error: type[Exception]
) -> None:
    def adapt(backend: CaseBackend) -> None:
        backend.drops = drops

    async with rig(*ways, adapt=adapt) as world:
        subscription = world.sockets.subscribe(ME, TOPIC, lambda: None)
        raised: list[Exception] = []

        def failed() -> bool:
            try:
                subscription.take_all()
            except (ConnectionLost, ResponseRefused, ConnectFailed) as reason:
                raised.append(reason)
            return bool(raised)

        await eventually(failed)
        assert isinstance(raised[0], error)
        world.sockets.release(ME, subscription)


@pytest.mark.parametrize("credential", [ME, Credential("a\r\nX: 1")])
async def test_subscription_that_comes_too_late_or_cannot_be_asked_for_ends(
    credential: Credential, caplog: pytest.LogCaptureFixture
) -> None:
    async with rig("ws") as world:
        if credential is ME:
            world.http.close()
        woken = asyncio.Event()
        subscription = world.sockets.subscribe(credential, TOPIC, woken.set)
        await woken.wait()
        with pytest.raises(Aborted if credential is ME else ConnectFailed):
            subscription.take_all()
        world.sockets.release(credential, subscription)
        gc.collect()
    assert "never retrieved" not in caplog.text


async def test_slow_reader_loses_its_subscription_and_nobody_else() -> None:
    async with rig("ws") as world:
        budget = BufferBudget(per_buffer=3000, total=100_000)
        sockets = UserSockets(world.http, budget)
        slow = sockets.subscribe(ME, TOPIC, lambda: None)
        taken: list[TopicMessage] = []
        quick = sockets.subscribe(ME, TOPIC, lambda: taken.extend(quick.take_all()))
        await eventually(lambda: len(taken) >= 8)
        assert 0 < len(slow.take_all()) < 8
        with pytest.raises(ConnectionLost):
            slow.take_all()
        assert budget.left == 100_000
        sockets.release(ME, slow)
        sockets.release(ME, quick)
        sockets.close()


async def test_all_sockets_can_be_closed_at_once_which_ends_their_subscriptions() -> None:
    async with rig("ws") as world:
        others = Credential("fk-other")
        subscriptions = [(who, world.sockets.subscribe(who, TOPIC, lambda: None)) for who in (ME, others)]
        await eventually(lambda: world.backend.sockets == 2)
        world.sockets.close()
        await eventually(lambda: world.backend.sockets == 0)
        for who, subscription in subscriptions:
            subscription.empty()
            with pytest.raises(ConnectionLost):
                subscription.take_all()
            world.sockets.release(who, subscription)


async def test_socket_that_is_being_asked_for_is_closed_too() -> None:
    async with rig("ws") as world:
        subscription = world.sockets.subscribe(ME, TOPIC, lambda: None)
        await asyncio.sleep(0)
        world.sockets.close()
        await asyncio.sleep(0.05)
        assert world.backend.sockets == 0
        with pytest.raises(ConnectionLost):
            subscription.take_all()
        world.sockets.release(ME, subscription)
