"""Several turns for one images request: how many, what a failure leaves, and how they are ended together."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from metrics import Attempt, Outcome
from tests.eventually import eventually
from tests.own_keys import own_slot
from tests.turns.books import Books
from tests.turns.questions import ALICE, drawn, images, question
from tests.turns.records import DONE, picture, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import Call, Script, ScriptedBackend, fails, sends, sends_and_stalls
from translate.openai import ImagesAnswer, nothing_drawn
from translate.values import BadRequest, InternalError, Overloaded, QuotaExceeded, Usage
from turns.drawing import DrawingRunner
from turns.outcome import TurnOutcome
from upstream import ConnectionLost

ONE = sends(picture("file-service://file-1", "a cat") + DONE)
TWO = sends(
    picture("file-service://file-1", "a cat") + picture("file-service://file-2", "a dog", id="t2") + DONE
)
WORDS = sends(record("I would rather not.") + DONE)
LOST = fails(ConnectionLost("body", "reset"), b": hi\n\n")
LOST_BEHIND_A_PICTURE = fails(ConnectionLost("body", "reset"), picture())
DRAINING = Overloaded("The service is restarting.", should_retry=False)


class Drawing:
    """A request for `wanted` pictures to a backend that plays these scripts."""

    def __init__(self, folder: Path, wanted: int, *scripts: Script, books: Books | None = None) -> None:
        self.rig = Rig(ScriptedBackend(*scripts), folder, books=books or Books())
        self.rig.files.files = {"file-1": b"1", "file-2": b"2"}
        self.format = images(wanted)
        self.runner = DrawingRunner(
            lambda: self.rig.turn(self.format, question("Draw")), wanted, nothing_drawn
        )

    async def run(self) -> TurnOutcome:
        outcome = await self.runner.run(self.rig.client)
        assert None not in self.rig.books.outcomes
        return outcome

    @property
    def calls(self) -> int:
        return len(self.rig.backend.calls)


def prompts(format: ImagesAnswer, outcome: TurnOutcome) -> list[str]:
    return [entry["revised_prompt"] for entry in drawn(format, outcome)]


@pytest.mark.parametrize(
    ("wanted", "script", "calls", "pictures"),
    [(1, ONE, 1, 1), (2, TWO, 1, 2), (2, ONE, 2, 2), (3, ONE, 3, 3), (3, TWO, 2, 3), (1, TWO, 1, 1)],
)
async def test_turns_follow_until_there_are_enough_pictures(
    tmp_path: Path, wanted: int, script: Script, calls: int, pictures: int
) -> None:
    drawing = Drawing(tmp_path, wanted, script)
    outcome = await drawing.run()
    assert drawing.calls == calls
    assert (outcome.outcome, outcome.units) == (Outcome.OK, 14 * calls)
    assert len(drawn(drawing.format, outcome)) == pictures


async def test_tokens_of_all_turns_are_told(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 2, ONE)
    outcome = await drawing.run()
    assert outcome.usage == recorded(drawing)
    assert drawing.calls == 2


def recorded(drawing: Drawing) -> Usage:
    """The tokens that the books have."""
    tokens = [entry.tokens for entry in drawing.rig.books.entries if entry.tokens is not None]
    return Usage(sum(prompt for prompt, _ in tokens), sum(completion for _, completion in tokens))


@pytest.mark.parametrize("later", [LOST, WORDS], ids=["lost", "words"])
async def test_what_was_drawn_is_kept_whatever_a_later_turn_does(tmp_path: Path, later: Script) -> None:
    drawing = Drawing(tmp_path, 3, ONE, later)
    outcome = await drawing.run()
    assert drawing.calls == 2
    assert (outcome.outcome, outcome.error, outcome.units) == (Outcome.OK, None, 28)
    assert prompts(drawing.format, outcome) == ["a cat"]


@pytest.mark.parametrize("refusal", [QuotaExceeded("Used up."), InternalError("The disk is full.")])
async def test_turn_that_may_not_begin_leaves_what_was_drawn_and_costs_nothing(
    tmp_path: Path, refusal: QuotaExceeded | InternalError
) -> None:
    drawing = Drawing(tmp_path, 2, ONE, books=Books(1, refusal))
    outcome = await drawing.run()
    assert (outcome.outcome, outcome.units, outcome.usage) == (Outcome.OK, 14, recorded(drawing))
    assert prompts(drawing.format, outcome) == ["a cat"]


async def test_picture_is_kept_even_if_its_own_turn_fails_behind_it(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 2, LOST_BEHIND_A_PICTURE)
    outcome = await drawing.run()
    assert drawing.calls == 1
    assert (outcome.outcome, outcome.error) == (Outcome.OK, None)
    assert prompts(drawing.format, outcome) == ["a cat"]


async def test_failure_without_a_picture_is_the_failure(tmp_path: Path) -> None:
    outcome = await Drawing(tmp_path, 2, LOST).run()
    assert outcome.outcome is Outcome.UPSTREAM_ERROR
    assert outcome.error is not None
    assert outcome.error.code == "upstream_error"


async def test_words_alone_are_an_error_that_quotes_them(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 2, WORDS)
    outcome = await drawing.run()
    assert drawing.calls == 1
    assert (outcome.outcome, outcome.end, outcome.units) == (Outcome.UPSTREAM_REFUSED, None, 14)
    assert isinstance(outcome.error, BadRequest)
    assert "I would rather not." in outcome.error.message


async def test_picture_that_cannot_be_had_is_none(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 1, ONE)
    drawing.rig.files.files = {}
    outcome = await drawing.run()
    assert isinstance(outcome.error, BadRequest)


async def test_bug_in_a_later_turn_is_the_outcome(tmp_path: Path) -> None:
    async def broken(call: Call) -> None:
        raise KeyError("canary")

    outcome = await Drawing(tmp_path, 2, ONE, broken).run()
    assert outcome.outcome is Outcome.ERROR
    assert isinstance(outcome.bug, KeyError)


async def stopped(drawing: Drawing, reached: Callable[[], bool], error: Overloaded | None) -> TurnOutcome:
    running = asyncio.create_task(drawing.run())
    await eventually(reached)
    drawing.runner.stop(error)
    async with asyncio.timeout(5):
        return await running


async def test_client_that_leaves_in_a_later_turn_is_gone(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 2, ONE, sends_and_stalls())
    outcome = await stopped(drawing, lambda: drawing.calls == 2, None)
    assert (outcome.outcome, outcome.units) == (Outcome.CLIENT_GONE, 28)
    assert drawing.rig.books.outcomes == [Attempt.OK, Attempt.STOPPED]


async def test_stop_in_the_first_turn_is_the_error(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 2, sends_and_stalls())
    outcome = await stopped(drawing, lambda: drawing.calls == 1, DRAINING)
    assert drawing.calls == 1
    assert outcome.error is DRAINING


async def test_stop_in_a_later_turn_leaves_what_was_drawn(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 3, ONE, sends_and_stalls())
    outcome = await stopped(drawing, lambda: drawing.calls == 2, DRAINING)
    assert drawing.calls == 2
    assert (outcome.outcome, prompts(drawing.format, outcome)) == (Outcome.OK, ["a cat"])


async def test_stop_at_the_end_of_a_turn_lets_no_other_begin(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 2, ONE)
    drawing.rig.client.on_quiet = lambda: drawing.runner.stop(DRAINING)
    outcome = await drawing.run()
    assert drawing.calls == 1
    assert (outcome.outcome, prompts(drawing.format, outcome)) == (Outcome.OK, ["a cat"])


async def test_stop_before_the_beginning_posts_nothing(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 2, ONE)
    drawing.runner.stop()
    assert (await drawing.run()).outcome is Outcome.CLIENT_GONE
    assert drawing.calls == 0


async def test_account_is_free_between_turns_and_after_them(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, 2, ONE)
    await drawing.run()
    await asyncio.wait_for(own_slot(drawing.rig.queue, ALICE.key).acquire(), 5)
