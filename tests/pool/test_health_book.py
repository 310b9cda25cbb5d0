"""The states of accounts as turns report them, and as they are asked for."""

import asyncio
import base64
import json
import logging
from collections.abc import Collection, Mapping

import pytest

from accounts import Need
from pool import AccountFault, Condition, Fault, HealthBook, Obstacle
from pool.health import Health
from tests.pool.accounts import NOW, Clock, account, book_over

NEED = Need(slug="gpt-4")
ALICE, BOB = account("alice"), account("bob", "fk-other")
REFUSED = Fault(AccountFault.REFUSED)
INFINITE = float("inf")


class NoStore:
    """Keeps nothing."""

    read_every: float | None = None

    async def read(self) -> dict[str, Health]:
        return {}

    async def write(self, states: Mapping[str, Health], changed: Collection[str]) -> None:
        pass

    async def close(self) -> None:
        pass


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> HealthBook:
    return book_over(NoStore(), clock)


async def test_account_of_which_nothing_is_known_is_well(book: HealthBook) -> None:
    assert book.obstacle(ALICE, NEED, NOW) == (Obstacle.NONE, 0.0)
    shown, other = book.view()
    assert (shown.alias, other.alias) == ("alice", "bob")
    assert (shown.condition, shown.reason, shown.enabled) == (Condition.OK, None, True)


async def test_account_that_failed_rests_and_the_other_does_not(book: HealthBook) -> None:
    book.failed(ALICE, Fault(AccountFault.RATE, 40.0), slug="gpt-4", began=NOW)
    assert book.obstacle(ALICE, NEED, NOW) == (Obstacle.COOLING, NOW + 40)
    assert book.obstacle(ALICE, NEED, NOW + 40) == (Obstacle.NONE, 0.0)
    assert book.obstacle(BOB, NEED, NOW) == (Obstacle.NONE, 0.0)
    assert book.view()[0].condition is Condition.COOLING


async def test_success_ends_a_rest_unless_it_began_before(book: HealthBook, clock: Clock) -> None:
    book.failed(ALICE, REFUSED, began=NOW)
    book.succeeded(ALICE, began=NOW - 5)
    assert book.view()[0].condition is Condition.NEEDS_PERSON
    clock.now += 60
    book.succeeded(ALICE, began=NOW + 60)
    assert book.view()[0].condition is Condition.OK


async def test_models_and_features_that_rest_are_shown_while_they_do(book: HealthBook, clock: Clock) -> None:
    book.failed(ALICE, Fault(AccountFault.CAPPED, 5400.0), slug="gpt-4", began=NOW)
    book.failed(ALICE, Fault(AccountFault.FEATURE, 60.0, "image_gen"), slug="gpt-4", began=NOW)
    shown = book.view()[0]
    assert (shown.models, shown.features) == ({"gpt-4": NOW + 5400}, {"image_gen": NOW + 60})
    assert book.obstacle(ALICE, Need(slug="gpt-5"), NOW)[0] is Obstacle.NONE
    drawing = Need(slug="gpt-5", features=("image_gen",))
    assert book.obstacle(ALICE, drawing, NOW) == (Obstacle.FEATURE, NOW + 60)
    clock.now += 60
    assert book.view()[0].features == {}


async def test_renewed_credential_is_tried_at_once(book: HealthBook) -> None:
    book.failed(ALICE, REFUSED, began=NOW)
    renewed = account("alice", "fk-renewed")
    assert book.obstacle(ALICE, NEED, NOW)[0] is Obstacle.REFUSED
    assert book.obstacle(renewed, NEED, NOW) == (Obstacle.NONE, 0.0)
    book.failed(ALICE, REFUSED, began=NOW)
    book.succeeded(ALICE, began=NOW)
    assert book.obstacle(renewed, NEED, NOW) == (Obstacle.NONE, 0.0), "the old credential says nothing of it"


async def test_account_without_a_credential_is_out_of_reach(book: HealthBook) -> None:
    nobody = account("alice", None)
    assert book.obstacle(nobody, NEED, NOW) == (Obstacle.NO_CREDENTIAL, INFINITE)
    book.failed(nobody, REFUSED, began=NOW)
    assert book.view()[0].condition is Condition.OK


async def test_administrator_switches_accounts_off_and_on(book: HealthBook) -> None:
    heard: list[str] = []
    book.on_change(heard.append)
    book.set_enabled("alice", False)
    book.set_enabled("alice", False)
    assert heard == ["alice"]
    assert book.obstacle(ALICE, NEED, NOW) == (Obstacle.DISABLED, INFINITE)
    assert book.obstacle(account("alice", None), NEED, NOW)[0] is Obstacle.DISABLED
    assert not book.view()[0].enabled
    book.set_enabled("alice", True)
    assert book.obstacle(ALICE, NEED, NOW)[0] is Obstacle.NONE
    with pytest.raises(KeyError):
        book.set_enabled("carol", False)


async def test_account_that_leaves_is_forgotten(book: HealthBook) -> None:
    book.failed(ALICE, REFUSED, began=NOW)
    book.failed(BOB, REFUSED, began=NOW)
    book.keep(["carol", "bob"])
    assert [shown.alias for shown in book.view()] == ["carol", "bob"]
    assert book.view()[1].condition is Condition.NEEDS_PERSON
    book.failed(ALICE, REFUSED, began=NOW)
    assert book.obstacle(ALICE, NEED, NOW)[0] is Obstacle.NONE
    book.keep(["alice"])
    assert book.view()[0].condition is Condition.OK


async def test_listeners_hear_of_changes_only(book: HealthBook) -> None:
    heard: list[str] = []
    book.on_change(heard.append)
    book.succeeded(ALICE, began=NOW)
    assert heard == []
    book.failed(ALICE, REFUSED, began=NOW)
    book.succeeded(ALICE, began=NOW)
    book.succeeded(ALICE, began=NOW)
    assert heard == ["alice", "alice"]


def token(end: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": end}).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJSUzI1NiJ9.{claims}.c2ln"


async def test_token_that_has_run_out_is_not_used(book: HealthBook) -> None:
    holder = account("alice", token(NOW + 100))
    assert book.obstacle(holder, NEED, NOW)[0] is Obstacle.NONE
    assert book.obstacle(holder, NEED, NOW + 100) == (Obstacle.REFUSED, NOW + 160)
    assert book.view()[0].reason is AccountFault.EXPIRED
    assert book.obstacle(account("alice", token(NOW + 9999)), NEED, NOW + 101)[0] is Obstacle.NONE


async def test_backend_that_takes_a_token_knows_better_than_the_clock(book: HealthBook, clock: Clock) -> None:
    holder = account("alice", token(NOW - 1))
    assert book.obstacle(holder, NEED, NOW)[0] is Obstacle.REFUSED
    clock.now += 60
    assert book.obstacle(holder, NEED, NOW + 60)[0] is Obstacle.NONE, "it is tried"
    book.succeeded(holder, began=NOW + 60)
    assert book.obstacle(holder, NEED, NOW + 61)[0] is Obstacle.NONE
    assert book.view()[0].condition is Condition.OK


async def test_log_tells_once_what_began_and_that_it_ended(
    book: HealthBook, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for second in range(3):
        clock.now = NOW + 100 * second
        book.failed(ALICE, REFUSED, began=clock.now)
        book.failed(BOB, Fault(AccountFault.CAPPED, 5400.0), slug="gpt-4", began=clock.now)
    book.succeeded(ALICE, began=clock.now)
    assert caplog.messages == [
        "account alice: refused; a person is needed, next try in 60 s",
        "account bob: capped (gpt-4); not used for 5400 s",
        "account alice: well again",
    ]
    assert "fk-" not in caplog.text


async def test_who_waits_for_what_is_kept_goes_on_once_it_is_known(book: HealthBook) -> None:
    waiting = asyncio.create_task(book.wait_until_loaded())
    await asyncio.sleep(0)
    assert not waiting.done()
    await book.start()
    await waiting
    await book.close()
