"""A turn that goes on in a conversation of the backend, and what becomes of it where that is lost."""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from metrics import Outcome
from tests.turns.questions import question
from tests.turns.records import DONE, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import Call, Script, ScriptedBackend, fails, sends
from translate.values import BadRequest, HomeUnavailable, Overloaded
from turns.chained import ChainedRunner
from turns.outcome import TurnOutcome
from turns.runner import TurnRunner
from upstream import ConnectionLost, ResponseRefused

GONE = fails(
    ResponseRefused(404, "application/json", {}, b'{"detail": {"code": "conversation_not_found"}}'),
    status=404,
)
ANSWER = sends(record("Here again.") + DONE)
BUSY = fails(ResponseRefused(500, "text/plain", {}, b"no"), status=500)


class Chained:
    """A chained turn over a backend that plays these scripts."""

    def __init__(self, folder: Path, *scripts: Script) -> None:
        self.rig = Rig(ScriptedBackend(*scripts), folder)
        self.kept: list[TurnOutcome] = []
        self.refusal: BadRequest | None = None
        self.gone: bool | None = None
        self.on_again: Callable[[], None] = lambda: None
        self.runner = ChainedRunner(self.rig.turn(request=question("More")), self.again, self._keep)

    async def again(self, gone: bool) -> TurnRunner:
        self.gone = gone
        assert not self.rig.client.is_quiet, "what keeps the client alive goes on"
        self.on_again()
        if self.refusal is not None:
            raise self.refusal
        return self.rig.turn(request=question("All of it"))

    async def _keep(self, outcome: TurnOutcome) -> TurnOutcome:
        self.kept.append(outcome)
        return outcome

    async def run(self) -> TurnOutcome:
        return await self.runner.run(self.rig.client)

    @property
    def asked(self) -> Sequence[str]:
        return [body["messages"][-1]["content"]["parts"][0] for body in self.rig.backend.bodies]


async def test_conversation_that_is_there_goes_on(tmp_path: Path) -> None:
    chained = Chained(tmp_path, ANSWER)
    outcome = await chained.run()
    assert outcome.good
    assert outcome.spent
    assert chained.asked == ["More"]
    assert chained.kept == [outcome]
    assert chained.runner.has_text
    assert chained.runner.answered_by == outcome.answered_by


async def test_conversation_that_is_gone_is_begun_anew_once(tmp_path: Path) -> None:
    chained = Chained(tmp_path, GONE, ANSWER)
    outcome = await chained.run()
    assert outcome.good
    assert outcome.units == 14
    assert chained.gone is True
    assert chained.asked == ["More", "All of it"]
    assert chained.rig.client.text == "Here again."
    assert chained.rig.client.is_quiet
    assert chained.kept == [outcome]


async def test_conversation_that_is_gone_again_is_a_failure(tmp_path: Path) -> None:
    chained = Chained(tmp_path, GONE, GONE, ANSWER)
    outcome = await chained.run()
    assert outcome.error is not None
    assert outcome.error.code == "conversation_not_found"
    assert len(chained.asked) == 2
    assert chained.kept == []


@pytest.mark.parametrize("failure", [BUSY, fails(ConnectionLost("body", "reset"), record("Hal", done=False))])
async def test_what_may_have_been_accepted_is_not_posted_again(tmp_path: Path, failure: Script) -> None:
    chained = Chained(tmp_path, failure, ANSWER)
    outcome = await chained.run()
    assert outcome.error is not None
    assert chained.asked == ["More"]
    assert chained.kept == []


async def test_chain_that_cannot_be_said_again_is_told(tmp_path: Path) -> None:
    chained = Chained(tmp_path, GONE, ANSWER)
    chained.refusal = BadRequest("It is gone.", code="previous_response_not_found")
    outcome = await chained.run()
    assert outcome.error is chained.refusal
    assert outcome.outcome is Outcome.UPSTREAM_REFUSED
    assert chained.asked == ["More"]


async def test_client_that_has_left_gets_no_second_turn(tmp_path: Path) -> None:
    async def gone_meanwhile(call: Call) -> None:
        chained.runner.stop()
        await GONE(call)

    chained = Chained(tmp_path, gone_meanwhile, ANSWER)
    outcome = await chained.run()
    assert outcome.outcome is Outcome.CLIENT_GONE
    assert chained.asked == ["More"]
    assert chained.kept == []


async def test_shutdown_ends_the_second_turn_too(tmp_path: Path) -> None:
    draining = Overloaded("The service is restarting.")
    chained = Chained(tmp_path, GONE, ANSWER)
    chained.on_again = lambda: chained.runner.stop(draining)
    outcome = await chained.run()
    assert outcome.error is not None
    assert outcome.error.message == draining.message
    assert chained.asked == ["More"]


async def test_turn_without_a_place_to_go_on_at_is_run_once(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(GONE, ANSWER), tmp_path)
    outcome = await ChainedRunner(rig.turn()).run(rig.client)
    assert outcome.error is not None
    assert len(rig.backend.calls) == 1


async def test_account_that_cannot_be_used_is_replaced_by_a_new_conversation(tmp_path: Path) -> None:
    chained = Chained(tmp_path, ANSWER)
    away = HomeUnavailable("The account that has the conversation is cooling down.")
    first = chained.rig.turn(request=question("More"))
    first.stop(away)
    outcome = await ChainedRunner(first, chained.again).run(chained.rig.client)
    assert outcome.good
    assert chained.gone is False, "it is there again when the account is"
    assert chained.asked == ["All of it"]


async def test_whole_request_is_kept_until_the_answer_has_begun(tmp_path: Path) -> None:
    class Request:
        """What the turn would have to be made of."""

    async def look(call: Call) -> None:
        states.append(kept() is not None)
        await ANSWER(call)

    states: list[bool] = []
    chained = Chained(tmp_path, look)
    request = Request()
    kept = weakref.ref(request)

    async def again(gone: bool, of: Request = request) -> TurnRunner:
        raise AssertionError(of)

    async def keep(outcome: TurnOutcome) -> TurnOutcome:
        states.append(kept() is not None)
        return outcome

    begun: list[str] = []
    runner = ChainedRunner(
        chained.rig.turn(request=question("More")), again, keep, lambda: begun.append("begun")
    )
    del request, again
    await runner.run(chained.rig.client)
    assert states == [True, False]
    assert begun == ["begun"]


async def test_what_is_kept_says_what_is_told(tmp_path: Path) -> None:
    async def keep(outcome: TurnOutcome) -> TurnOutcome:
        return replace(outcome, pictures=7)

    rig = Rig(ScriptedBackend(ANSWER), tmp_path)
    assert (await ChainedRunner(rig.turn(), None, keep).run(rig.client)).pictures == 7
