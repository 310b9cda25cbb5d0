"""The table of states: what moves a turn on from where, and what is a mistake."""

import pytest

from translate.states import OVER, READING, TRANSITIONS, Signal, State, WrongState, transition


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("state", State)
def test_signal_leads_where_the_table_says_and_any_other_is_a_mistake(state: State, signal: Signal) -> None:
    if signal in TRANSITIONS[state]:
        assert transition(state, signal) is TRANSITIONS[state][signal]
    else:
        with pytest.raises(WrongState, match=f"{signal.name} is not possible .* {state.name}"):
            transition(state, signal)


def test_turn_that_is_over_stays_so_and_any_other_can_fail_or_be_abandoned() -> None:
    for state in State:
        if state in OVER:
            assert TRANSITIONS[state] == {}
        else:
            assert transition(state, Signal.FAILURE) is State.FAILED
            assert transition(state, Signal.ABANDONED) is State.ABANDONED
    assert not READING & OVER


def test_every_state_is_reached_and_every_signal_is_of_use() -> None:
    reached, old = {State.WAITING}, set[State]()
    while reached != old:
        old = set(reached)
        reached |= {after for state in old for after in TRANSITIONS[state].values()}
    assert reached == set(State)
    assert {signal for exits in TRANSITIONS.values() for signal in exits} == set(Signal)


def test_exchange_that_ended_well_is_never_read_on_but_by_the_next_one() -> None:
    assert transition(State.EXCHANGE_ENDED, Signal.NEXT_EXCHANGE) in READING
    for signal in (Signal.ANSWER_BEGAN, Signal.PICTURE_WANTED, Signal.PICTURES_SUPPLIED, Signal.ENDED):
        assert signal not in TRANSITIONS[State.EXCHANGE_ENDED]
