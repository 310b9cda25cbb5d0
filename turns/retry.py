"""Whether a failed exchange is repeated: only where that costs nothing, a few times, and soon.

Free is what cannot have begun a conversation: no connection, a reset before any answer, a 5xx without a
conversation, and the backend's "only one message at a time". A gateway's time-out is not among them,
since what it waited for may well have been an answer.
"""

from collections.abc import Callable

from translate.values import AccountBusy
from turns.failures import announced_wait, as_api_error
from upstream import ConnectFailed, ConnectionLost, ResponseRefused, UpstreamError

BUDGET_SECONDS = 20.0
"""Seconds after the first attempt in which another may begin; later failures are passed on."""
FIRST_PAUSE_SECONDS = 1.0
"""The longest pause before the first retry, and twice that before the next."""
GATEWAY_TIMEOUTS = (504, 524)


def free_retry(error: UpstreamError) -> str | None:
    """Why another attempt after `error` costs nothing; None if it may cost something."""
    if isinstance(error, ConnectFailed):
        return "connect"
    if isinstance(error, ConnectionLost):
        return "reset" if error.phase == "before_headers" else None
    if not isinstance(error, ResponseRefused):
        return None
    failure = as_api_error(error)
    if isinstance(failure, AccountBusy):
        return "busy"
    server_error = error.status >= 500 and error.status not in GATEWAY_TIMEOUTS
    if server_error and failure.should_retry is not False and b"conversation_id" not in error.body:
        return "server_error"
    return None


class Retries:
    """The attempts at one exchange: at most `limit` retries. `clock` gives seconds, `random` is in 0..1."""

    def __init__(self, limit: int, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._random = random
        self._began = clock()
        self._made = 0

    def pause_after(self, error: UpstreamError) -> float | None:
        """Seconds to wait before the next attempt; None if there is to be none."""
        if self._made >= self._limit:
            return None
        pause = self._random() * FIRST_PAUSE_SECONDS * 2.0**self._made
        asked = announced_wait(error)
        if asked is not None:
            pause = max(pause, asked)
        if self._clock() + pause - self._began > BUDGET_SECONDS:
            return None
        self._made += 1
        return pause
