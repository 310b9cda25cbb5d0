"""Lists of models by account: who waits for them, how long they serve, and what happens without them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from accounts import Credential
from tests.eventually import eventually
from tests.upstream.account.rig import ALICE, BOB, PREFIX, WORDS, Backend, Clock, backend_and_client, models
from translate.values import ModelList
from upstream.account import ModelLists
from upstream.account.model_lists import MAX_BYTES
from upstream.account.per_account import NOT_OFFERED_SECONDS, KeepingLimits

FRESH = 900.0
RETRY = 120.0


class Rig:
    """Lists, and what is around them."""

    def __init__(self, backend: Backend, lists: ModelLists, clock: Clock) -> None:
        self.backend, self.lists, self.clock = backend, lists, clock

    def latest(self, who: Credential = ALICE) -> list[str]:
        return slugs(self.lists.latest(who))

    async def first(self, who: Credential = ALICE) -> list[str]:
        return slugs(await self.lists.wait_first(who))

    async def asked(self, count: int) -> None:
        """Wait until the backend was asked so often, and its answer was read."""
        await eventually(lambda: len(self.backend.asked) == count)


def slugs(found: ModelList) -> list[str]:
    return [model.slug for model in found]


@asynccontextmanager
async def rig(
    body: object = None,
    status: int = 200,
    *,
    first_seconds: float = 5.0,
    max_accounts: int = 10,
    max_bytes: int = 10**6,
) -> AsyncIterator[Rig]:
    backend, clock = Backend(models("gpt-4") if body is None else body, status), Clock()
    kept = KeepingLimits(
        fresh_seconds=FRESH, retry_seconds=RETRY, max_accounts=max_accounts, max_bytes=max_bytes
    )
    async with backend_and_client(backend) as client:
        lists = ModelLists(client, kept, first_seconds=first_seconds, clock=clock)
        try:
            yield Rig(backend, lists, clock)
        finally:
            await lists.close()


async def test_first_request_of_an_account_waits_for_its_list_and_later_ones_do_not() -> None:
    async with rig() as it:
        assert it.lists.would_wait(ALICE)
        assert it.latest() == []
        assert await it.first() == ["gpt-4"]
        assert not it.lists.would_wait(ALICE)
        assert it.latest() == await it.first() == ["gpt-4"]
        assert it.backend.asked == [(f"GET /{PREFIX}/backend-api/models", ALICE.secret)]


async def test_accounts_have_lists_of_their_own() -> None:
    async with rig() as it:
        await it.first(ALICE)
        it.backend.body = models("gpt-6")
        assert await it.first(BOB) == ["gpt-6"]
        assert it.latest(ALICE) == ["gpt-4"]
        assert it.backend.keys == [ALICE.secret, BOB.secret]


async def test_old_list_serves_while_a_new_one_is_fetched() -> None:
    async with rig() as it:
        await it.first()
        it.clock.now += FRESH - 1
        it.latest()
        assert len(it.backend.asked) == 1
        it.clock.now += 2
        it.backend.body = models("gpt-6")
        it.backend.goes_on.clear()
        assert it.latest() == it.latest() == ["gpt-4"]
        assert not it.lists.would_wait(ALICE)
        await it.asked(2)
        it.backend.goes_on.set()
        await eventually(lambda: it.latest() == ["gpt-6"])
        assert len(it.backend.asked) == 2


async def test_list_that_does_not_come_in_time_is_not_waited_for_again_and_serves_once_it_is_there() -> None:
    async with rig(first_seconds=0.05) as it:
        it.backend.goes_on.clear()
        assert await it.first() == []
        it.clock.now += 1
        assert not it.lists.would_wait(ALICE)
        assert await it.first() == []
        it.backend.goes_on.set()
        await eventually(lambda: it.latest() == ["gpt-4"])
        assert len(it.backend.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"detail": WORDS}),
        (403, b"<html>" + WORDS.encode()),
        (500, {"detail": WORDS}),
        (200, b"<html>" + WORDS.encode()),
        (200, {"models": WORDS}),
        (200, b" " * MAX_BYTES + b'{"models": []}'),
    ],
)
async def test_failure_is_no_list_and_is_tried_again_later(status: int, body: object) -> None:
    async with rig(body, status) as it:
        assert await it.first() == []
        assert not it.lists.would_wait(ALICE)
        assert await it.first() == []
        assert len(it.backend.asked) == 1
        it.clock.now += RETRY + 1
        it.backend.status, it.backend.body = 200, models("gpt-6")
        await it.first()
        await eventually(lambda: it.latest() == ["gpt-6"])


async def test_connection_that_breaks_is_a_failure_too() -> None:
    async with rig() as it:
        it.backend.cut = True
        assert await it.first() == []
        assert not it.lists.would_wait(ALICE)


async def test_list_that_could_not_be_refreshed_still_serves() -> None:
    async with rig() as it:
        await it.first()
        it.clock.now += FRESH + 1
        it.backend.status = 404
        it.latest()
        await it.asked(2)
        assert await it.first(BOB) == []
        assert it.latest() == ["gpt-4"]


@pytest.mark.parametrize("status", [404, 405, 410, 501])
async def test_backend_without_lists_is_asked_once_an_hour_for_all_accounts(status: int) -> None:
    async with rig({"detail": WORDS}, status) as it:
        assert await it.first(ALICE) == []
        assert not it.lists.would_wait(BOB)
        assert await it.first(BOB) == []
        assert it.backend.keys == [ALICE.secret]
        it.clock.now += NOT_OFFERED_SECONDS + 1
        it.backend.status, it.backend.body = 200, models("gpt-6")
        assert await it.first(BOB) == ["gpt-6"]


async def test_key_for_which_the_path_is_not_found_does_not_speak_for_others_once_there_was_a_list() -> None:
    async with rig() as it:
        await it.first(ALICE)
        it.backend.status = 404
        assert await it.first(BOB) == []
        it.backend.status = 200
        carol = Credential("fk-carol")
        assert await it.first(carol) == ["gpt-4"]


async def test_accounts_used_longest_ago_are_forgotten() -> None:
    async with rig(max_accounts=2) as it:
        for who in (ALICE, BOB, Credential("fk-carol")):
            await it.first(who)
        assert it.lists.would_wait(ALICE)
        assert not it.lists.would_wait(BOB)


async def test_all_lists_together_are_bounded_and_equal_ones_take_their_place_once() -> None:
    names = [f"gpt-{number}" for number in range(100)]
    async with rig(models(*names), max_bytes=100_000, max_accounts=1000) as it:
        crowd = [Credential(f"fk-{number}") for number in range(30)]
        for who in crowd:
            await it.first(who)
        assert not any(it.lists.would_wait(who) for who in crowd)
        for number, who in enumerate(crowd):
            it.backend.body = models(f"own-{number}", *names)
            it.clock.now += FRESH + 1
            await it.first(who)  # if it was forgotten
            await eventually(lambda: it.latest(who)[:1] == [f"own-{number}"])  # noqa: B023 - awaited here
        known = [who for who in crowd if not it.lists.would_wait(who)]
        assert 0 < len(known) < 10
        assert crowd[-1] in known


async def test_clock_that_was_set_back_stops_no_refresh_for_long() -> None:
    async with rig() as it:
        await it.first()
        it.clock.now -= 10 * FRESH
        it.backend.body = models("gpt-6")
        it.latest()
        await eventually(lambda: it.latest() == ["gpt-6"])
