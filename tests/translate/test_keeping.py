"""What is decided about an answer that has to keep to a contract."""

from typing import Literal

import pytest

from translate.backend import TurnFacts
from translate.keeping import Keeping
from translate.text import AnswerBuilder, Renderer
from translate.tools import AnswerContract
from translate.values import ApiError, Contract, Style, Tool, Toolbox

NONCE = "7f3a9c12"
CALL = f'<call-{NONCE} name="weather">\n{{"city": "Rome"}}\n</call-{NONCE}>'


def contract(choice: Literal["auto", "required"] = "auto") -> AnswerContract:
    return AnswerContract(Toolbox((Tool("weather"),), choice=choice), None, NONCE, lambda: "call_1")


def keeping(contract: Contract | None) -> tuple[Keeping, TurnFacts]:
    facts = TurnFacts()
    builder = AnswerBuilder()
    return Keeping(contract, Renderer(builder, Style.WEB, None, contract=contract), facts), facts


def test_without_a_contract_all_is_decided_and_nothing_asked() -> None:
    kept, _ = keeping(None)
    assert kept.decided
    assert kept.decide() == ""
    assert kept.decide_at_last() is None
    assert not kept.do_without()


def test_answer_that_is_right_is_decided_once() -> None:
    kept, facts = keeping(contract())
    assert not kept.decided
    assert kept.decide() == ""
    assert kept.decided
    assert kept.decide_at_last() is None
    assert (kept.called, facts.finish_reason) == ("", "stop")


def test_call_that_must_be_made_is_asked_for_once_and_then_missing() -> None:
    kept, _ = keeping(contract("required"))
    assert "weather" in kept.decide()
    assert not kept.decided
    kept.begin()
    assert kept.decide() == ""
    error = kept.decide_at_last()
    assert isinstance(error, ApiError)
    assert error.code == "tool_call_failed"


def test_question_for_a_call_that_must_be_made_cannot_be_done_without() -> None:
    kept, _ = keeping(contract("required"))
    assert kept.decide()
    assert not kept.do_without()


def test_call_is_told_with_the_answer_and_gives_the_reason() -> None:
    calls = contract()
    kept, facts = keeping(calls)
    calls.feed(CALL)
    assert kept.decide() == ""
    assert kept.called == 'weather{"city": "Rome"}'
    assert facts.finish_reason == "tool_calls"


@pytest.mark.parametrize("is_asked", [True, False])
def test_answer_of_which_nothing_is_asked_any_more_is_decided_all_the_same(is_asked: bool) -> None:
    fenced = contract()
    kept, facts = keeping(fenced)
    fenced.feed(f"```\n{CALL}\n```")
    if is_asked:
        assert kept.decide() != ""
        assert kept.do_without()
    assert kept.decide_at_last() is None
    assert kept.decided
    assert (kept.called, facts.finish_reason) == ("", "stop")
