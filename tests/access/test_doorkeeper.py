"""Who is let through to the backend, and what is learnt from it."""

import pytest

from access import AccessLimits, Admin, Doorkeeper, KeyVerdict
from accounts import Caller
from tests.access.clock import Clock
from translate.values import NotAdmitted, Unauthorized

HERE, THERE = "192.0.2.1", "192.0.2.2"
ADMIN = Admin("admin-token", trusts_machine=False)
GOOD, NAMED = Caller("fk-good"), Caller("fk-named")


class Counted:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def rejected(self, reason: str) -> None:
        self.reasons.append(reason)


class Gate:
    """A doorkeeper with a clock that stands still."""

    def __init__(self, *, refused_seconds: float = 60, refusals_per_minute: int = 5) -> None:
        self.clock = Clock()
        self.metrics = Counted()
        limits = AccessLimits(
            refused_seconds=refused_seconds, refusals_per_minute=refusals_per_minute, trusted_proxies=()
        )
        self.doorkeeper = Doorkeeper(limits, self.metrics, lambda caller: caller == NAMED, ADMIN, self.clock)

    def visit(self, caller: Caller, verdict: KeyVerdict, address: str = HERE) -> None:
        """One request from its begin to its end."""
        with self.doorkeeper.admit(caller, address, "") as visit:
            visit.verdict = verdict


def strangers(number: int) -> list[Caller]:
    return [Caller(f"fk-made-up-{index}") for index in range(number)]


def test_key_that_was_refused_is_refused_again_for_a_while() -> None:
    gate = Gate()
    gate.visit(GOOD, KeyVerdict.REFUSED)
    with pytest.raises(Unauthorized) as refusal:
        gate.visit(GOOD, KeyVerdict.ACCEPTED)
    assert (refusal.value.code, refusal.value.should_retry) == ("invalid_api_key", False)
    assert "fk-" not in refusal.value.message
    with pytest.raises(Unauthorized):
        gate.doorkeeper.check_key(GOOD)
    assert gate.metrics.reasons == ["refused_key", "refused_key"]
    gate.clock.now += 60
    gate.visit(GOOD, KeyVerdict.ACCEPTED)
    gate.doorkeeper.check_key(GOOD)


def test_address_may_try_so_many_unknown_keys_in_a_minute() -> None:
    gate = Gate()
    first, second, *others = strangers(7)
    for caller in (first, second, *others[:3]):
        gate.visit(caller, KeyVerdict.REFUSED)
    with pytest.raises(NotAdmitted) as refusal:
        gate.visit(others[3], KeyVerdict.REFUSED)
    assert refusal.value.retry_after == pytest.approx(12)
    assert gate.metrics.reasons == ["unknown_keys"]
    gate.visit(others[3], KeyVerdict.REFUSED, THERE)
    gate.clock.now += 12
    gate.visit(others[4], KeyVerdict.REFUSED)


@pytest.mark.parametrize("verdict", [KeyVerdict.REFUSED, KeyVerdict.DOUBTFUL])
def test_accepted_key_is_let_in_whatever_strangers_at_its_address_do(verdict: KeyVerdict) -> None:
    gate = Gate()
    gate.visit(GOOD, KeyVerdict.ACCEPTED)
    for caller in strangers(5):
        gate.visit(caller, verdict)
    for _ in range(20):
        gate.visit(GOOD, verdict.NOTHING)
        gate.visit(NAMED, verdict.NOTHING)
    with pytest.raises(NotAdmitted):
        gate.visit(Caller("fk-newcomer"), KeyVerdict.ACCEPTED)


def test_what_says_nothing_of_a_key_is_not_held_against_its_address() -> None:
    gate = Gate()
    for caller in strangers(100):
        gate.visit(caller, KeyVerdict.NOTHING)
        gate.visit(caller, KeyVerdict.ACCEPTED)


def test_unknown_keys_are_limited_at_once() -> None:
    gate = Gate()
    *five, sixth = strangers(6)
    visits = [gate.doorkeeper.admit(caller, HERE, "") for caller in five]
    for visit in visits:
        visit.__enter__()
    gate.clock.now += 3600
    with pytest.raises(NotAdmitted):
        gate.visit(sixth, KeyVerdict.ACCEPTED)
    visits[0].__exit__(None, None, None)
    gate.visit(sixth, KeyVerdict.ACCEPTED)


def test_backend_that_refuses_everybody_for_a_while_makes_strangers_of_nobody() -> None:
    gate = Gate()
    callers = strangers(100)
    for caller in callers:
        gate.visit(caller, KeyVerdict.ACCEPTED)
    for caller in callers:
        gate.visit(caller, KeyVerdict.REFUSED)
    gate.clock.now += 60
    for caller in callers:
        gate.visit(caller, KeyVerdict.ACCEPTED)


def test_limits_can_be_turned_off() -> None:
    gate = Gate(refused_seconds=0, refusals_per_minute=0)
    for caller in strangers(50) * 2:
        gate.visit(caller, KeyVerdict.REFUSED)
    assert gate.metrics.reasons == []


def test_request_that_fails_gives_its_place_back() -> None:
    gate = Gate()
    for caller in strangers(20):
        with pytest.raises(RuntimeError), gate.doorkeeper.admit(caller, HERE, ""):
            raise RuntimeError
    gate.visit(GOOD, KeyVerdict.ACCEPTED)


def test_admin_token_is_no_key() -> None:
    gate = Gate()
    with pytest.raises(Unauthorized) as refusal:
        gate.visit(Caller(ADMIN.token), KeyVerdict.ACCEPTED)
    assert ADMIN.token not in refusal.value.message
