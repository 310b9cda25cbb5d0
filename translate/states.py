"""The life of a conversation turn as a table.

Theory of operation. A turn is one or more exchanges: something is posted, and the backend streams what it
says to that. The table below says where a turn can stand and what moves it on. There are two rules:

1. A turn changes its state only by `transition`, with a signal that the table has for the state; any other
   signal is a mistake of the caller and raises.
2. Bytes are read only in the states of `READING`. In the other states what was received waits.

WAITING          nothing of the backend's own has come; it only repeats what was posted, if anything
ANSWERING        there is a message of the backend's own: the conversation exists, and has been charged
FETCHING         a picture is wanted; what comes behind it waits for `supply`
ELSEWHERE        the stream has ended and the answer has not: the caller follows it elsewhere, or gives it up
EXCHANGE_ENDED   the exchange ended well; the caller begins the next one, or concludes
FINISHED         the turn is over, and the answer is whole
FAILED           the turn is over, and the answer is not whole; the error is known
ABANDONED        the turn was ended from outside; what was held back has been shown
"""

from enum import Enum, auto
from typing import Final


class State(Enum):
    """Where a turn stands."""

    WAITING = auto()
    ANSWERING = auto()
    FETCHING = auto()
    ELSEWHERE = auto()
    EXCHANGE_ENDED = auto()
    FINISHED = auto()
    FAILED = auto()
    ABANDONED = auto()


class Signal(Enum):
    """What moves a turn on."""

    ANSWER_BEGAN = auto()
    """The first message of the backend's own."""
    PICTURE_WANTED = auto()
    PICTURES_SUPPLIED = auto()
    """The last picture that was waited for is there, or could not be fetched."""
    GOES_ON = auto()
    """The stream has ended, and the rest of the answer is elsewhere."""
    CONTINUED = auto()
    """Another stream brings the rest."""
    ENDED = auto()
    """The backend is done, or a stop sequence was met."""
    FAILURE = auto()
    """An error record, nonsense, or an end of input in mid-answer."""
    NEXT_EXCHANGE = auto()
    CONCLUDED = auto()
    ABANDONED = auto()


_ALWAYS: Final = {Signal.FAILURE: State.FAILED, Signal.ABANDONED: State.ABANDONED}

TRANSITIONS: Final[dict[State, dict[Signal, State]]] = {
    State.WAITING: _ALWAYS
    | {
        Signal.ANSWER_BEGAN: State.ANSWERING,
        Signal.GOES_ON: State.ELSEWHERE,
        Signal.ENDED: State.EXCHANGE_ENDED,
    },
    State.ANSWERING: _ALWAYS
    | {
        Signal.PICTURE_WANTED: State.FETCHING,
        Signal.GOES_ON: State.ELSEWHERE,
        Signal.ENDED: State.EXCHANGE_ENDED,
    },
    State.FETCHING: _ALWAYS | {Signal.PICTURES_SUPPLIED: State.ANSWERING, Signal.ENDED: State.EXCHANGE_ENDED},
    State.ELSEWHERE: _ALWAYS
    | {
        Signal.CONTINUED: State.ANSWERING,
        Signal.PICTURE_WANTED: State.FETCHING,
        Signal.ENDED: State.EXCHANGE_ENDED,
    },
    State.EXCHANGE_ENDED: _ALWAYS | {Signal.NEXT_EXCHANGE: State.ANSWERING, Signal.CONCLUDED: State.FINISHED},
    State.FINISHED: {},
    State.FAILED: {},
    State.ABANDONED: {},
}

READING: Final = frozenset((State.WAITING, State.ANSWERING))
OVER: Final = frozenset((State.FINISHED, State.FAILED, State.ABANDONED))


class WrongState(RuntimeError):
    """The caller did what is not possible in this state of the turn."""


def transition(state: State, signal: Signal) -> State:
    """The state that follows `state` by `signal`. Raises WrongState if none does."""
    try:
        return TRANSITIONS[state][signal]
    except KeyError:
        raise WrongState(f"{signal.name} is not possible while the turn is {state.name}") from None
