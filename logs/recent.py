"""The last requests that failed, for people who look for the reason. Bounded; no words of a request."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from translate.values import ApiError

KEPT: Final = 50
"""How many failures are remembered."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed. `at` is in Unix seconds; `status` is what the client saw, 200 in a stream."""

    at: float
    request_id: str
    route: str
    model: str
    status: int
    code: str
    reason: str


@dataclass(slots=True)
class RecentFailures:
    """The last fifty failures."""

    _failures: deque[Failure] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, request_id: str, route: str, model: str, status: int, error: ApiError) -> Failure:
        """Remember a failure, and give it; the oldest goes if there are too many.

        Of a mistake in the request only the code is kept: the message may repeat parts of the request.
        """
        reason = "" if error.type == "invalid_request_error" else error.message
        code = error.code or error.type
        failure = Failure(time.time(), request_id, route, model, status, code, reason)
        self._failures.appendleft(failure)
        return failure

    def latest(self) -> list[Failure]:
        """All that are remembered, newest first."""
        return list(self._failures)
