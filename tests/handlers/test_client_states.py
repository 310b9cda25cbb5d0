"""The table of a response's states: each state and each signal."""

import pytest

from handlers.client_states import TRANSITIONS, ClientSignal, ClientState, transition

PENDING, STREAMING, ENDED, GONE = ClientState
HEADERS_SENT, LEFT, LAST_BYTE = ClientSignal

TABLE = {
    (PENDING, HEADERS_SENT): STREAMING,
    (PENDING, LEFT): GONE,
    (PENDING, LAST_BYTE): ENDED,
    (STREAMING, HEADERS_SENT): None,
    (STREAMING, LEFT): GONE,
    (STREAMING, LAST_BYTE): ENDED,
    (ENDED, HEADERS_SENT): None,
    (ENDED, LEFT): ENDED,
    (ENDED, LAST_BYTE): None,
    (GONE, HEADERS_SENT): None,
    (GONE, LEFT): GONE,
    (GONE, LAST_BYTE): GONE,
}


@pytest.mark.parametrize(
    ("state", "signal"), TABLE, ids=[f"{state.name} {signal.name}" for state, signal in TABLE]
)
def test_state_follows_by_the_table(state: ClientState, signal: ClientSignal) -> None:
    after = TABLE[state, signal]
    if after is None:
        with pytest.raises(KeyError):
            transition(state, signal)
    else:
        assert transition(state, signal) is after


def test_table_here_is_complete() -> None:
    assert set(TABLE) == {(state, signal) for state in ClientState for signal in ClientSignal}
    assert set(TRANSITIONS) == set(ClientState)
