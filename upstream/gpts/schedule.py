"""When a description is asked for again: after a failure soon, and less and less often; else now and then.

A part of each pause is random, so that the GPTs of one outage are not all asked for at the same moment.
`jitter` is that random number, from 0 to 1.
"""

from dataclasses import dataclass
from typing import Final

REFRESH_SECONDS: Final = 12 * 3600.0
"""Descriptions change seldom, and the backend does not need the newest."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses of `first` seconds, then each twice the one before, up to `longest`."""

    first: float
    longest: float

    def pause(self, failures: int, jitter: float) -> float:
        """Seconds after the last of so many failures in a row; half of that is fixed."""
        doublings = min(max(failures - 1, 0), 20)
        return min(self.longest, self.first * 2.0**doublings) * (0.5 + 0.5 * jitter)


AFTER_TRANSIENT: Final = Backoff(2.0, 300.0)
AFTER_PERMANENT: Final = Backoff(300.0, 3600.0)


def pause_before_refresh(age: float, jitter: float) -> float:
    """Seconds until a description of this age (in seconds) is refreshed; at least five minutes."""
    left = min(max(AFTER_PERMANENT.first, REFRESH_SECONDS - age), REFRESH_SECONDS)
    return left * (0.9 + 0.1 * jitter)
