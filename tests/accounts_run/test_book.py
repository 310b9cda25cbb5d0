"""The judge of runs finds what is wrong in them, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pytest

from simulator.conditions import Counts
from tests.accounts_run.book import BROKEN, KILLED, REFUSED, WHOLE, WRONG, Book, Booked, Turn, problems

CAP = 3


def counts(accepted: int, **more: int) -> dict[str, Any]:
    """Of an account that has answered so many messages."""
    told = {"attempts": accepted, "accepted": accepted, "units": 14 * accepted, "most_at_once": 1, **more}
    return asdict(Counts(**told))


def book(
    turns: Sequence[Turn], accounts: Mapping[str, dict[str, Any]], booked: Mapping[str, Booked], **more: Any
) -> Book:
    """A run over accounts that answer one message at once."""
    concurrency = dict.fromkeys(accounts, 1)
    return Book(turns, accounts, booked, concurrency=concurrency, cap=CAP, window=20.0, **more)


WHOLE_ONES = [Turn(number, WHOLE, at=float(number), status=200) for number in range(4)]
BOTH = {"ada": counts(2), "ben": counts(2)}
BOOKED = {"ada": Booked(28), "ben": Booked(28)}
LATER: dict[str, Any] = {"status": 429, "code": "rate_limit_exceeded", "retry_after": 12.0}


def test_answered_turns_that_are_booked_are_no_problem() -> None:
    assert problems(book(WHOLE_ONES, BOTH, BOOKED)) == []


def test_refusal_beyond_the_caps_that_says_when_is_no_problem() -> None:
    assert problems(book([*WHOLE_ONES, Turn(4, REFUSED, at=5.0, **LATER)], BOTH, BOOKED)) == []


@pytest.mark.parametrize(
    ("turn", "why"),
    [
        (Turn(4, WRONG), "answer of another"),
        (Turn(4, KILLED), "cut off"),
        (Turn(4, BROKEN), "failed only 0"),
        (Turn(4, REFUSED, status=502), "failed only 0"),
        (Turn(4, REFUSED, status=401), "nothing in the run"),
        (Turn(4, REFUSED, at=5.0, windowed=False, **LATER), "no limit"),
        (Turn(4, REFUSED, at=5.0, **{**LATER, "retry_after": -1.0}), "may end in -1"),
        (Turn(4, REFUSED, at=5.0, **{**LATER, "retry_after": 60.0}), "may end in 60"),
        (Turn(4, REFUSED, at=90.0, **LATER), "after only 0 messages"),
    ],
)
def test_turn_without_answer_or_true_reason_is_a_problem(turn: Turn, why: str) -> None:
    [problem] = problems(book([*WHOLE_ONES, turn], BOTH, BOOKED))
    assert why in problem


def test_turn_that_a_kill_has_cut_off_may_have_been_answered_and_be_unknown() -> None:
    accounts = {"ada": counts(2), "ben": counts(3)}
    turns = [*WHOLE_ONES, Turn(4, KILLED), Turn(5, KILLED)]
    booked = {"ada": Booked(42, unknown=1), "ben": Booked(42, unknown=1)}
    assert problems(book(turns, accounts, booked, kills=1, at_once=2)) == []
    assert len(problems(book(turns, accounts, booked, kills=1, at_once=1))) == 2


@pytest.mark.parametrize(
    "booked", [{"ada": Booked(28)}, {**BOOKED, "ben": Booked(42)}, {**BOOKED, "x": Booked(4)}]
)
def test_units_that_the_backend_has_not_accepted_or_that_are_missing_are_a_problem(
    booked: dict[str, Booked],
) -> None:
    [problem] = problems(book(WHOLE_ONES, BOTH, booked))
    assert "units booked" in problem


def test_more_answers_than_turns_are_a_problem() -> None:
    accounts = {"ada": counts(3), "ben": counts(2)}
    [problem] = problems(book(WHOLE_ONES, accounts, {"ada": Booked(42), "ben": Booked(28)}))
    assert "5 answers for 4 turns" in problem


@pytest.mark.parametrize(
    ("more", "surprises", "why"),
    [
        ({"most_at_once": 2}, 0, "2 messages at once"),
        ({"refused_as_busy": 1}, 0, "while it answered"),
        ({"refused_as_capped": 1}, 0, "beyond its cap"),
        ({"refused_as_capped": 3}, 1, "beyond its cap"),
    ],
)
def test_account_that_was_asked_for_too_much_is_a_problem(
    more: dict[str, int], surprises: int, why: str
) -> None:
    accounts = {"ada": counts(2, **more), "ben": counts(2)}
    [problem] = problems(book(WHOLE_ONES, accounts, BOOKED, surprises={"ada": surprises}))
    assert why in problem


def test_cap_that_nobody_could_know_may_be_met_once() -> None:
    accounts = {"ada": counts(2, refused_as_capped=1, attempts=3), "ben": counts(2)}
    assert problems(book(WHOLE_ONES, accounts, BOOKED, surprises={"ada": 1})) == []
