"""Who is let through to the backend, and what is learnt from it."""

import pytest

from access import AccessLimits, Admin, Doorkeeper, KeyVerdict, Origin
from accounts import Caller, Grant
from roster import Roster, ServiceKey, key_digest
from tests.access.clock import Clock
from translate.values import NotAdmitted, Unauthorized

HERE, THERE = "192.0.2.1", "192.0.2.2"
ADMIN = Admin("admin-token", trusts_machine=False)
GOOD, NAMED = Caller("fk-good"), Caller("fk-named")
NO_ROSTER = Roster()
OWN = "sk-pandora-of-a-laptop"
LAPTOP = Grant(alias="laptop", accounts=frozenset())
ROSTER = Roster((), (ServiceKey(LAPTOP, key_digest(OWN)),), exists=True)


class Counted:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def rejected(self, reason: str) -> None:
        self.reasons.append(reason)


class Gate:
    """A doorkeeper with a clock that stands still."""

    def __init__(
        self,
        *,
        refused_seconds: float = 60,
        refusals_per_minute: int = 5,
        roster: Roster = NO_ROSTER,
        passes_on: bool | None = None,
    ) -> None:
        self.clock = Clock()
        self.metrics = Counted()
        limits = AccessLimits(
            refused_seconds=refused_seconds, refusals_per_minute=refusals_per_minute, trusted_proxies=()
        )
        self.roster = roster
        self.doorkeeper = Doorkeeper(
            limits,
            self.metrics,
            lambda caller: caller == NAMED,
            ADMIN,
            self.clock,
            roster=lambda: self.roster,
            passes_on=passes_on,
            now=self.clock,
        )

    def caller(self, key: str, account_id: str = "", address: str = HERE) -> Caller:
        return self.doorkeeper.caller(key, account_id, Origin(address, ""))

    def visit(self, caller: Caller, verdict: KeyVerdict, address: str = HERE) -> None:
        """One request from its begin to its end."""
        with self.doorkeeper.admit(caller, Origin(address, "")) as visit:
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
    visits = [gate.doorkeeper.admit(caller, Origin(HERE, "")) for caller in five]
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
        with pytest.raises(RuntimeError), gate.doorkeeper.admit(caller, Origin(HERE, "")):
            raise RuntimeError
    gate.visit(GOOD, KeyVerdict.ACCEPTED)


def test_admin_token_is_no_key() -> None:
    gate = Gate()
    with pytest.raises(Unauthorized) as refusal:
        gate.visit(Caller(ADMIN.token), KeyVerdict.ACCEPTED)
    assert ADMIN.token not in refusal.value.message


def test_key_of_the_service_is_known_with_what_it_may_do() -> None:
    gate = Gate(roster=ROSTER)
    assert gate.caller(OWN) == Caller(OWN, LAPTOP)
    assert gate.caller(OWN, "no id of an account at all!") == Caller(OWN, LAPTOP)


@pytest.mark.parametrize("passes_on", [None, True])
def test_keys_are_passed_on_where_there_is_no_roster(passes_on: bool | None) -> None:
    gate = Gate(passes_on=passes_on)
    assert gate.caller("eyJ") == Caller("eyJ")
    assert gate.caller("eyJ", "acc") == Caller("eyJ,acc")
    with pytest.raises(ValueError, match="no"):
        gate.caller("eyJ", "no id")


def test_keys_are_passed_on_beside_a_roster_only_if_that_is_wanted() -> None:
    assert Gate(roster=ROSTER, passes_on=True).caller("fk-other") == Caller("fk-other")
    for gate in (Gate(roster=ROSTER), Gate(roster=ROSTER, passes_on=False), Gate(passes_on=False)):
        with pytest.raises(Unauthorized) as refusal:
            gate.caller("fk-other")
        assert (refusal.value.code, refusal.value.should_retry) == ("invalid_api_key", False)
        assert refusal.value.message.startswith("Incorrect API key provided")
        assert "fk-" not in refusal.value.message
        assert gate.metrics.reasons == ["incorrect_key"]


def test_revoked_key_of_the_service_is_never_passed_on() -> None:
    gate = Gate(roster=ROSTER, passes_on=True)
    gate.roster = NO_ROSTER
    with pytest.raises(Unauthorized, match="Incorrect API key"):
        gate.caller(OWN)


def test_expired_key_is_told_so() -> None:
    expiring = Grant(alias="laptop", accounts=frozenset(), expires_at=1001.0)
    gate = Gate(roster=Roster((), (ServiceKey(expiring, key_digest(OWN)),), exists=True), passes_on=True)
    assert gate.caller(OWN).grant == expiring
    gate.clock.now = 1001.0
    with pytest.raises(Unauthorized, match="This API key has expired") as refusal:
        gate.caller(OWN)
    assert refusal.value.code == "invalid_api_key"
    assert gate.metrics.reasons == ["expired_key"]


def test_address_may_try_so_many_incorrect_keys_and_good_keys_pass_all_the_same() -> None:
    gate = Gate(roster=ROSTER)
    for number in range(5):
        with pytest.raises(Unauthorized):
            gate.caller(f"sk-{number}")
    with pytest.raises(NotAdmitted) as refusal:
        gate.caller("sk-6")
    assert refusal.value.retry_after == pytest.approx(12)
    assert gate.caller(OWN).grant == LAPTOP
    with pytest.raises(Unauthorized):
        gate.caller("sk-7", address=THERE)
    gate.clock.now += 12
    with pytest.raises(Unauthorized):
        gate.caller("sk-8")


def test_incorrect_keys_without_a_limit_are_refused_each_time() -> None:
    gate = Gate(roster=ROSTER, refusals_per_minute=0)
    for number in range(50):
        with pytest.raises(Unauthorized):
            gate.caller(f"sk-{number}")


def test_admin_token_in_the_place_of_a_key_is_told_and_no_try() -> None:
    gate = Gate(roster=ROSTER)
    for _ in range(10):
        with pytest.raises(Unauthorized, match="This is the admin token"):
            gate.caller("admin-token")


def test_what_the_backend_says_of_an_account_says_nothing_of_a_key_of_the_service() -> None:
    gate = Gate(roster=ROSTER)
    caller = Caller(OWN, LAPTOP)
    for _ in range(20):
        gate.visit(caller, KeyVerdict.REFUSED)
        gate.doorkeeper.check_key(caller)
    assert gate.metrics.reasons == []
