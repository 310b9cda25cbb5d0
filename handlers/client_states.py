"""The life of a response to a client that waits for an answer, as a table.

Theory of operation. An answer takes seconds to minutes, and the client may leave at any time. Whether an
error can still have a status of its own depends on whether the headers of a stream are out. There are two
rules:

1. The state changes only by `transition`, with a signal that the table has for the state.
2. Nothing is written in `GONE` and `ENDED`.

PENDING     nothing is written: an error gets its own status
STREAMING   the headers of a stream are out: an error is an event of the stream
ENDED       the last byte was handed over
GONE        the client has left, or was cut off because it did not read
"""

from enum import Enum, auto
from typing import Final


class ClientState(Enum):
    """Where a response stands."""

    PENDING = auto()
    STREAMING = auto()
    ENDED = auto()
    GONE = auto()


class ClientSignal(Enum):
    """What moves a response on."""

    HEADERS_SENT = auto()
    LEFT = auto()
    """The client closed the connection, or does not read."""
    LAST_BYTE = auto()


TRANSITIONS: Final[dict[ClientState, dict[ClientSignal, ClientState]]] = {
    ClientState.PENDING: {
        ClientSignal.HEADERS_SENT: ClientState.STREAMING,
        ClientSignal.LAST_BYTE: ClientState.ENDED,
        ClientSignal.LEFT: ClientState.GONE,
    },
    ClientState.STREAMING: {
        ClientSignal.LAST_BYTE: ClientState.ENDED,
        ClientSignal.LEFT: ClientState.GONE,
    },
    ClientState.ENDED: {ClientSignal.LEFT: ClientState.ENDED},
    ClientState.GONE: {ClientSignal.LEFT: ClientState.GONE, ClientSignal.LAST_BYTE: ClientState.GONE},
}


def transition(state: ClientState, signal: ClientSignal) -> ClientState:
    """The state that follows `state` by `signal`. Raises KeyError if the table has none."""
    return TRANSITIONS[state][signal]
