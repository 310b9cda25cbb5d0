"""The backend's limits by account: when it is asked, what is believed, and for how long."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from tests.eventually import eventually, go_on
from tests.upstream.account.rig import (
    ALICE,
    BOB,
    POOL,
    PREFIX,
    WORDS,
    Backend,
    Clock,
    backend_and_client,
    limits,
)
from translate.values import BackendLimits, FeatureLimit, ModelLimit
from upstream.account import AccountLimits
from upstream.account.limits import MAX_MODEL_SECONDS
from upstream.account.per_account import KeepingLimits

FRESH = 900.0
HOUR = 3600.0


class Rig:
    """Limits, and what is around them."""

    def __init__(self, backend: Backend, known: AccountLimits, clock: Clock) -> None:
        self.backend, self.known, self.clock = backend, known, clock

    def model_limit(self, seconds: float = HOUR) -> BackendLimits:
        return BackendLimits((ModelLimit("gpt-5-6", "gpt-mini", self.clock.now + seconds),))

    def feature(
        self, remaining: int | None, seconds: float = HOUR, *, blocked: bool = False
    ) -> BackendLimits:
        limit = FeatureLimit("image_gen", remaining, blocked, self.clock.now + seconds)
        return BackendLimits(features=(limit,))

    def seconds(self) -> float:
        """For how long the model is used up; 0 if it is not."""
        found = self.known.model_used_up(ALICE, "gpt-5-6")
        return found.seconds if found else 0.0

    def in_an_hour(self) -> str:
        return datetime.fromtimestamp(self.clock.now + HOUR, UTC).isoformat()


@asynccontextmanager
async def rig(body: object = None, status: int = 200) -> AsyncIterator[Rig]:
    backend, clock = Backend(limits() if body is None else body, status), Clock()
    kept = KeepingLimits(fresh_seconds=FRESH, retry_seconds=FRESH, max_accounts=10, max_bytes=10**6)
    async with backend_and_client(backend) as client:
        known = AccountLimits(client, kept, after_turn=0.0, clock=clock)
        try:
            yield Rig(backend, known, clock)
        finally:
            await known.close()


async def test_account_is_asked_after_a_turn_and_then_not_for_a_while() -> None:
    async with rig() as it:
        it.backend.body = limits("gpt-5-6", resets_after=it.in_an_hour())
        assert it.known.latest(ALICE) is None
        it.known.turn_ended(ALICE)
        await eventually(lambda: it.known.latest(ALICE) is not None)
        it.known.turn_ended(ALICE)
        assert it.backend.asked == [(f"POST /{PREFIX}/backend-api/conversation/init", ALICE.secret)]
        assert it.seconds() == HOUR
        assert it.known.model_used_up(BOB, "gpt-5-6") is None
        assert it.known.models_used_up() == {"gpt-5-6"}
        it.clock.now += FRESH + 1
        it.backend.body = limits()
        it.known.turn_ended(ALICE)
        await eventually(lambda: not it.known.models_used_up())
        assert it.seconds() == 0


async def test_what_a_stream_has_told_is_not_asked_for() -> None:
    async with rig() as it:
        it.known.note(ALICE, it.model_limit())
        it.known.turn_ended(ALICE)
        assert it.seconds() == HOUR
        used_up = it.known.model_used_up(ALICE, "gpt-5-6")
        assert used_up is not None
        assert used_up.what == "gpt-mini"
        assert it.known.model_used_up(ALICE, "gpt-mini") is None
        assert it.known.latest(ALICE) == (it.model_limit(), it.clock.now)
        assert [limits for _, limits, _ in it.known.items()] == [it.model_limit()]
        assert it.backend.asked == []


async def test_limit_is_over_at_its_time() -> None:
    async with rig() as it:
        it.known.note(ALICE, it.model_limit(FRESH / 2))
        it.clock.now += FRESH / 2 - 1
        assert it.seconds() == 1
        it.clock.now += 1
        assert it.seconds() == 0
        assert it.known.models_used_up() == set()


async def test_limit_that_is_obeyed_is_asked_about_again_though_no_turn_ends() -> None:
    async with rig() as it:
        it.known.note(ALICE, it.model_limit())
        it.seconds()
        assert it.backend.asked == []
        it.clock.now += FRESH + 1
        assert it.seconds() > 0
        await eventually(lambda: it.seconds() == 0)
        assert len(it.backend.asked) == 1


async def test_limit_without_a_time_holds_until_the_backend_is_asked_again() -> None:
    async with rig() as it:
        it.known.note(ALICE, BackendLimits((ModelLimit("gpt-5-6", "", 0.0),)))
        assert it.seconds() == FRESH
        it.clock.now += FRESH
        assert it.seconds() == 0


async def test_limit_that_lasts_longer_than_can_be_true_is_not_believed() -> None:
    async with rig() as it:
        it.known.note(ALICE, it.model_limit(MAX_MODEL_SECONDS + 60))
        assert it.seconds() == 0
        it.known.note(ALICE, it.feature(0, MAX_MODEL_SECONDS + 60))
        assert it.known.feature_used_up(ALICE, "image_gen") is not None
        it.known.note(ALICE, it.feature(0, 100 * 86400))
        assert it.known.feature_used_up(ALICE, "image_gen") is None


async def test_feature_is_used_up_if_none_is_left_or_it_is_blocked() -> None:
    async with rig() as it:
        assert it.known.feature_used_up(ALICE, "image_gen") is None
        for told, used_up in (
            (it.feature(1), False),
            (it.feature(0), True),
            (it.feature(5, blocked=True), True),
            (it.feature(None, blocked=True), True),
        ):
            it.known.note(ALICE, told)
            assert (it.known.feature_used_up(ALICE, "image_gen") is not None) is used_up
        assert it.known.feature_used_up(ALICE, "deep_research") is None


async def test_fewest_uses_left_are_told_over_all_accounts() -> None:
    async with rig() as it:
        assert it.known.remaining() == {}
        it.known.note(ALICE, it.feature(7))
        it.known.note(BOB, it.feature(3))
        assert it.known.remaining() == {"image_gen": 3}
        it.known.note(BOB, it.feature(3, blocked=True))
        assert it.known.remaining() == {"image_gen": 0}
        it.clock.now += 2 * HOUR
        assert it.known.remaining() == {}


async def test_pool_has_no_limits_of_its_own() -> None:
    async with rig() as it:
        it.known.note(POOL, it.model_limit())
        it.known.turn_ended(POOL)
        await go_on(0.1)  # as long as a question takes
        assert it.known.model_used_up(POOL, "gpt-5-6") is None
        assert it.backend.asked == []


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, {"detail": WORDS}), (401, {"detail": WORDS}), (200, {"detail": WORDS}), (200, b"<html>")],
)
async def test_failure_tells_nothing_and_takes_nothing_back(status: int, body: object) -> None:
    async with rig(body, status) as it:
        it.known.note(ALICE, it.model_limit())
        it.clock.now += FRESH + 1
        it.known.turn_ended(ALICE)
        await eventually(lambda: len(it.backend.asked) == 1)
        assert it.seconds() > 0
        it.known.turn_ended(BOB)
        await eventually(lambda: len(it.backend.asked) == 2)
        assert it.known.latest(BOB) is None


async def test_backend_without_limits_is_not_asked_again() -> None:
    async with rig({"detail": "Not Found"}, 404) as it:
        it.known.turn_ended(ALICE)
        await eventually(lambda: len(it.backend.asked) == 1)
        await go_on(0.1)  # the answer is read
        it.known.turn_ended(BOB)
        await go_on(0.1)
        assert it.backend.keys == [ALICE.secret]
