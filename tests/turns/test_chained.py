"""A turn that goes on in a conversation of the backend, and what becomes of it where that is lost."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from metrics import Outcome
from tests.turns.rig import DONE, Call, Rig, Script, ScriptedBackend, fails, question, record, sends
from translate.values import BadRequest, Overloaded
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
        self.on_again: Callable[[], None] = lambda: None
        self.runner = ChainedRunner(self.rig.turn(request=question("More")), self._again, self._keep)

    async def _again(self) -> TurnRunner:
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
