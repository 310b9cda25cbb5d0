"""Whether a failed attempt is repeated: where the verdict says that it cost nothing, a few times, and soon.

An operator whose backend does not charge for what it fails itself may have unclear failures repeated too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from translate.values import AccountBusy
from turns.failures import announced_wait, as_api_error
from turns.verdict import GATEWAY_TIMEOUTS, Verdict
from upstream import ConnectFailed, ConnectionLost, ResponseRefused, UpstreamError

FREE: Final = (Verdict.UNSENT, Verdict.REFUSED)
"""What failed so has cost nothing."""
BUDGET_SECONDS: Final = 20.0
"""Seconds after the first attempt in which another may begin; later failures are passed on."""
FIRST_PAUSE_SECONDS: Final = 1.0
"""The longest pause before the first retry, and twice that before the next."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt is to be made, for this reason, after so many seconds."""

    reason: str
    pause: float


def curable(error: UpstreamError) -> str | None:
    """Why another attempt may end better than with `error`, whatever it costs; None if it would not."""
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
    return "server_error" if server_error and failure.should_retry is not False else None


class Retries:
    """The attempts at one exchange: at most `limit` retries. `clock` gives seconds, `random` is in 0..1.

    With `unclear` what may have cost something is repeated too, but nothing that was accepted.
    """

    __slots__ = ("_began", "_clock", "_limit", "_random", "_unclear", "made")

    def __init__(
        self, limit: int, clock: Callable[[], float], random: Callable[[], float], *, unclear: bool = False
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._random = random
        self._unclear = unclear
        self._began = clock()
        self.made = 0
        """How many retries were made."""

    def after(self, verdict: Verdict, error: UpstreamError) -> Retry | None:
        """The next attempt, which then counts as made; None if there is to be none."""
        allowed = verdict in FREE or (self._unclear and verdict is Verdict.MAYBE)
        if not allowed or self.made >= self._limit:
            return None
        reason = curable(error)
        if reason is None:
            return None
        pause = self._random() * FIRST_PAUSE_SECONDS * 2.0**self.made
        asked = announced_wait(error)
        if asked is not None:
            pause = max(pause, asked)
        if self._clock() + pause - self._began > BUDGET_SECONDS:
            return None
        self.made += 1
        return Retry(reason, pause)
