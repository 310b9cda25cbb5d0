"""A turn on accounts of the operator's: where one fails for nothing, the turn moves on; never after that."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from accounts import Account, Caller, Credential, Grant
from ledger import Charge
from metrics import Attempt, Outcome
from pool import AccountFault
from tests.eventually import eventually
from tests.pool.world import GPT_4 as NEED
from tests.turns.books import Books
from tests.turns.questions import question, whole_chat
from tests.turns.records import CUT, DONE, record
from tests.turns.rig import Rig, never_renewed
from tests.turns.scripted_backend import Call, Script, ScriptedBackend, fails, sends, sends_and_stalls
from tests.turns.stored_files import StoredFiles
from translate.values import Attachment, HomeUnavailable, Model, Place
from turns.outcome import TurnOutcome
from turns.parts import TurnRequest
from upstream import ConnectFailed, ConnectionLost, ResponseRefused, UpstreamError

GOOD = sends(record("Hi there") + DONE)
TEAM = Caller("sk-team", Grant(alias="team", accounts=frozenset("abc")))
BUSY = b'{"detail": "Only one message at a time. Please allow any other responses to complete before sending another message, or wait one minute."}'  # noqa: E501
CAPPED = b'{"detail": {"code": "model_cap_exceeded", "message": "capped", "clears_in": 600}}'
EXPIRED = b'{"detail": {"code": "token_expired", "message": "expired"}}'
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)


def refused(status: int, body: bytes = b"{}", content_type: str = "application/json") -> Script:
    return fails(ResponseRefused(status, content_type, {}, body), status=status)


def accounts(*aliases: str) -> tuple[Account, ...]:
    return tuple(Account(alias=alias, credential=Credential(f"fk-{alias}")) for alias in aliases)


def rig_of(
    tmp_path: Path,
    *scripts: Script,
    aliases: str = "ab",
    retries: int = 0,
    books: Books | None = None,
    max_wait: float = 60.0,
    renewed: Callable[[Account], Awaitable[bool]] = never_renewed,
) -> Rig:
    return Rig(
        ScriptedBackend(*scripts),
        tmp_path,
        accounts=accounts(*aliases),
        retries=retries,
        books=books or Books(),
        max_wait=max_wait,
        renewed=renewed,
    )


async def run(rig: Rig, request: TurnRequest | None = None) -> TurnOutcome:
    outcome = await rig.anywhere(request or question(caller=TEAM)).run(rig.client)
    rig.check_clean()
    assert len(rig.pool) == 0
    return outcome


def asked(rig: Rig) -> list[str]:
    """The accounts that were posted to, in order."""
    return [call.credential.secret.removeprefix("fk-") for call in rig.backend.calls]


def counted(rig: Rig, what: str, account: str) -> dict[str, float]:
    """Failures of the account, or turns that left it, by reason."""
    families = rig.metrics.registry.collect()
    return {
        sample.labels["reason"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == f"pandora_account_{what}_total"
        and sample.labels["account"] == account
        and sample.value
    }


@pytest.mark.parametrize(
    ("failing", "fault"),
    [
        (refused(401, EXPIRED), AccountFault.EXPIRED),
        (refused(401), AccountFault.REFUSED),
        (refused(429, CAPPED), None),
        (refused(429, BUSY), AccountFault.BUSY),
        (refused(403, b"<html>Just a moment...</html>", "text/html"), AccountFault.CHALLENGE),
        (fails(ConnectFailed("no")), AccountFault.UNREACHABLE),
        (refused(503, b'{"detail": "Internal Server Error"}'), AccountFault.FAILING),
    ],
    ids=["expired", "refused", "capped", "busy", "challenge", "unreachable", "failing"],
)
async def test_turn_moves_on_where_its_account_fails_for_nothing(
    tmp_path: Path, failing: Script, fault: AccountFault | None
) -> None:
    rig = rig_of(tmp_path, failing, GOOD)
    outcome = await run(rig)
    assert (outcome.outcome, outcome.account, outcome.units) == (Outcome.OK, "b", 14)
    assert rig.client.text == "Hi there"
    assert asked(rig) == ["a", "b"]
    assert rig.books.outcomes[-1] is Attempt.OK
    assert rig.books.outcomes[0] in (Attempt.REFUSED, Attempt.UNSENT)
    health = {known.alias: known for known in rig.health.view()}
    assert health["a"].reason == fault or health["a"].models
    assert health["b"].reason is None
    reason = fault or AccountFault.CAPPED
    assert counted(rig, "failures", "a") == counted(rig, "switches", "a") == {reason: 1}
    assert counted(rig, "failures", "b") == counted(rig, "switches", "b") == {}


@pytest.mark.parametrize(
    "failing",
    [
        fails(ConnectionLost("before_headers", "reset")),
        fails(ConnectionLost("body", "reset"), record("Hi", done=False)),
        refused(504),
        refused(500, b'{"detail": "Internal Server Error"}'),
        refused(502, b"<html>bad gateway</html>", "text/html"),
        refused(400, b'{"detail": "no"}'),
        refused(413),
    ],
    ids=[
        "unclear",
        "broken off",
        "gateway timeout",
        "server error",
        "bad gateway",
        "bad request",
        "too large",
    ],
)
async def test_turn_stays_where_something_may_be_spent_or_the_request_is_at_fault(
    tmp_path: Path, failing: Script
) -> None:
    rig = rig_of(tmp_path, failing, GOOD)
    outcome = await run(rig)
    assert outcome.outcome is not Outcome.OK
    assert asked(rig) == ["a"]
    assert counted(rig, "switches", "a") == {}


async def test_answer_that_has_begun_is_never_asked_for_again(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, fails(ConnectFailed("no"), record("Hi", done=False)), GOOD)
    outcome = await run(rig)
    assert outcome.outcome is not Outcome.OK
    assert outcome.units == 14
    assert asked(rig) == ["a"]


async def test_each_account_is_tried_once_and_then_the_truth_is_told(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, refused(401), aliases="abc")
    outcome = await run(rig)
    assert sorted(asked(rig)) == ["a", "b", "c"]
    assert outcome.units == 0
    error = outcome.error
    assert error is not None
    assert (error.status, error.code) == (503, "no_account_available")
    assert error.retry_after is not None
    assert "fk-" not in error.message
    assert [counted(rig, "failures", alias) for alias in "abc"] == [{"refused": 1}] * 3
    switches = [counted(rig, "switches", alias) for alias in asked(rig)]
    assert switches == [{"refused": 1}, {"refused": 1}, {}], "from the last one the turn went nowhere"


async def test_next_turn_leaves_out_an_account_that_needs_a_person(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, refused(401), GOOD)
    await run(rig)
    await run(rig)
    assert asked(rig) == ["a", "b", "b"]


async def test_capped_model_is_asked_of_another_account_and_others_are_not(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, refused(429, CAPPED), GOOD)
    await run(rig)
    mini = replace(question().prompt.model, name="gpt-3.5-turbo", slug="text-davinci-002-render-sha", units=4)
    await run(rig, question(caller=TEAM, model=mini))
    assert asked(rig) == ["a", "b", "a"]


async def test_only_account_is_tried_again_as_a_callers_own_would_be(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, fails(ConnectFailed("no")), GOOD, aliases="a", retries=2)
    outcome = await run(rig)
    assert outcome.outcome is Outcome.OK
    assert asked(rig) == ["a", "a"]


async def test_renewed_credential_is_tried_at_once(tmp_path: Path) -> None:
    looked: list[Account] = []

    async def renewed(failed: Account) -> bool:
        looked.append(failed)
        rig.pool.changed()
        return rig.renew(failed.alias, Credential("fk-fresh"))

    rig = rig_of(tmp_path, refused(401, EXPIRED), GOOD, aliases="a", renewed=renewed)
    outcome = await run(rig)
    assert outcome.outcome is Outcome.OK
    assert asked(rig) == ["a", "fresh"]
    assert looked == list(accounts("a"))
    assert counted(rig, "failures", "a") == {"expired": 1}
    assert counted(rig, "switches", "a") == {}, "it stays on its account"


async def test_account_whose_last_message_another_instance_took_is_left(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, GOOD, books=Books(spent_accounts={"a"}))
    outcome = await run(rig)
    assert (outcome.outcome, outcome.account) == (Outcome.OK, "b")
    assert asked(rig) == ["b"]
    assert counted(rig, "failures", "a") == {}
    assert counted(rig, "switches", "a") == {"window": 1}


class SpentMeanwhile(Books):
    """Another instance spends the rest of the account after the first message."""

    def allows(self, caller: Caller, model: Model, account: Account | None = None) -> bool:
        return True

    async def post(
        self, caller: Caller, model: Model, message_id: str = "", account: Account | None = None
    ) -> Charge:
        self.spent_accounts = {"a"} if self.entries else ()
        return await super().post(caller, model, message_id, account)


async def test_answer_whose_account_is_spent_before_its_rest_is_not_asked_for_again(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, sends(CUT), GOOD, books=SpentMeanwhile())
    turn = rig.anywhere(question(caller=TEAM), whole_chat())
    outcome = await turn.run(rig.client)
    assert asked(rig) == ["a"]
    assert (outcome.units, outcome.spent) == (14, True)
    assert outcome.error is not None
    assert (outcome.error.status, outcome.error.should_retry) == (429, False)
    assert "Nothing was sent" not in outcome.error.message


async def test_rest_of_an_answer_is_not_asked_for_where_its_account_is_spent(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, sends(CUT), GOOD, books=Books(last_messages={"a": 1}))
    outcome = await rig.anywhere(question(caller=TEAM), whole_chat()).run(rig.client)
    assert asked(rig) == ["a"]
    assert outcome.end is not None
    assert (outcome.end.answer.text, outcome.end.reason) == ("Half a sen", "length")


async def test_file_that_one_account_refuses_is_put_on_another(tmp_path: Path) -> None:
    files = StoredFiles()
    files.upload_failure = ResponseRefused(401, "application/json", {}, EXPIRED)
    rig = rig_of(tmp_path, GOOD)
    rig.files = files

    async def heal(failed: Account) -> bool:
        files.upload_failure = None
        return False

    rig.renewed = heal
    attachment = Attachment("image", PICTURE, "", "messages.[0]")
    outcome = await run(rig, question(caller=TEAM, attachments=(attachment,)))
    assert outcome.outcome is Outcome.OK
    assert asked(rig) == ["b"]
    assert len(files.uploaded) == 2, "each account has its own files"
    assert counted(rig, "failures", "a") == counted(rig, "switches", "a") == {"expired": 1}


async def test_client_that_leaves_ends_the_moving(tmp_path: Path) -> None:
    turn = None

    async def script(call: Call) -> None:
        assert turn is not None
        turn.stop()
        call.answer(401, "application/json")
        raise ResponseRefused(401, "application/json", {}, b"{}")

    rig = rig_of(tmp_path, script, GOOD)
    turn = rig.anywhere(question(caller=TEAM))
    outcome = await turn.run(rig.client)
    assert outcome.outcome is Outcome.CLIENT_GONE
    assert asked(rig) == ["a"]


async def test_client_that_leaves_while_the_turn_waits_for_another_account_holds_nothing(
    tmp_path: Path,
) -> None:
    rig = rig_of(tmp_path, refused(401), GOOD)
    held = rig.pool.slot(Caller("fk-b"), NEED)
    await held.acquire()
    turn = rig.anywhere(question(caller=TEAM))
    running = asyncio.create_task(turn.run(rig.client))
    await eventually(lambda: len(rig.pool) == 1)
    turn.stop()
    assert (await running).outcome is Outcome.CLIENT_GONE
    assert len(rig.pool) == 0
    held.release()


async def test_request_is_let_go_of_once_its_answer_has_begun(tmp_path: Path) -> None:
    prepared: list[bool] = []
    rig = rig_of(tmp_path, sends_and_stalls(record("Hi", done=False)))
    turn = rig.anywhere(question(caller=TEAM, on_prepared=lambda: prepared.append(True)))
    running = asyncio.create_task(turn.run(rig.client))
    await eventually(lambda: rig.client.text == "Hi")
    assert prepared == [True]
    turn.stop()
    await running


async def test_request_is_kept_until_it_is_sure_that_it_need_not_move(tmp_path: Path) -> None:
    prepared: list[str] = []
    rig = rig_of(tmp_path, refused(401), GOOD)
    await run(rig, question(caller=TEAM, on_prepared=lambda: prepared.append(asked(rig)[-1])))
    assert prepared == ["b"]


async def test_whole_answers_move_too(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, refused(401), GOOD)
    turn = rig.anywhere(question(caller=TEAM), whole_chat())
    outcome = await turn.run(rig.client)
    assert outcome.end is not None
    assert outcome.end.answer.text == "Hi there"


async def test_conversation_does_not_move(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, refused(401), GOOD)
    prompt = replace(question().prompt, place=Place("c1", "m1"), home="a")
    outcome = await run(rig, replace(question(caller=TEAM), prompt=prompt))
    assert asked(rig) == ["a"]
    assert isinstance(outcome.error, HomeUnavailable)


@pytest.mark.parametrize("failing", [refused(429, BUSY), fails(ConnectFailed("no"))])
async def test_conversation_is_not_left_for_what_soon_passes(tmp_path: Path, failing: Script) -> None:
    prompt = replace(question().prompt, place=Place("c1", "m1"), home="a")
    rig = rig_of(tmp_path, failing, GOOD, retries=1)
    outcome = await run(rig, replace(question(caller=TEAM), prompt=prompt))
    assert outcome.outcome is Outcome.OK
    assert asked(rig) == ["a", "a"]


async def test_conversation_is_left_if_its_account_stays_busy(tmp_path: Path) -> None:
    prompt = replace(question().prompt, place=Place("c1", "m1"), home="a")
    rig = rig_of(tmp_path, refused(429, BUSY), retries=1)
    outcome = await run(rig, replace(question(caller=TEAM), prompt=prompt))
    assert isinstance(outcome.error, HomeUnavailable)
    assert asked(rig) == ["a", "a"]


async def test_callers_own_key_does_not_move(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, refused(401), GOOD)
    outcome = await run(rig, question())
    assert [call.credential.secret for call in rig.backend.calls] == [question().caller.key]
    assert outcome.error is not None
    assert outcome.error.status == 401


async def test_success_makes_an_account_well_again(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, fails(ConnectFailed("no")), GOOD, aliases="a", retries=1)
    await run(rig)
    (health,) = rig.health.view()
    assert health.failures == 0


async def test_failure_of_an_unknown_kind_is_no_fault(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, fails(UpstreamError("odd")), GOOD)
    await run(rig)
    assert asked(rig) == ["a"]
