"""The last requests that failed, for people who look for the reason. Bounded; nothing of what was said."""

import time
from collections import deque
from dataclasses import dataclass, field

from translate.values import ApiError

KEPT = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """``at`` is in Unix seconds; ``status`` is what the client saw, 200 where the stream had begun."""

    at: float
    request_id: str
    route: str
    model: str
    status: int
    code: str
    reason: str


@dataclass(slots=True)
class RecentFailures:
    """The last fifty."""

    _failures: deque[Failure] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, request_id: str, route: str, model: str, status: int, error: ApiError) -> None:
        """Remember it, and forget the oldest if there are too many.

        What the caller did wrong is told by code alone: such messages may repeat parts of the request.
        """
        reason = "" if error.type == "invalid_request_error" else error.message
        code = error.code or error.type
        self._failures.appendleft(Failure(time.time(), request_id, route, model, status, code, reason))

    def latest(self) -> list[Failure]:
        """All that are remembered, the newest first."""
        return list(self._failures)
