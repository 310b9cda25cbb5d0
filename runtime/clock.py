"""Whether the clock may be believed when it says that something is old enough to be deleted.

A clock that stands a year ahead makes everything look old, and what is deleted then is gone for good, while
what is kept too long can be deleted later. So a clock is not believed at once when it stands weeks after all
that was recorded: it may be wrong, or the service was off for months. That the newest record is of today does
not prove the clock right, since a wrong clock dates records too. Nothing behind such a gap is deleted until a
week has passed on this side of it: time enough to see the log and to set the clock.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger("pandora")

DAY: Final = 86400.0
"""Seconds."""
GAP_SECONDS: Final = 30 * DAY
"""A clock that is further than this from all that was recorded is not believed."""
TRUST_SECONDS: Final = 7 * DAY
"""What was recorded so long ago, or a run of the service that has lasted so long, speaks for the clock."""
STEP_SECONDS: Final = 3600.0
"""A clock that was set by more than this begins anew to be believed."""


class ClockTrust:
    """Says whether `what` may be deleted by its age; the log tells once when it may not, or no longer.

    `clock` gives Unix seconds, `monotonic` seconds since some moment.
    """

    def __init__(
        self,
        what: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._clock = clock
        self._monotonic = monotonic
        self._offset = clock() - monotonic()
        self._steady_since = monotonic()
        self._told = False

    def witness_times(self) -> tuple[float, float]:
        """Between which two times (Unix seconds) a record is a witness for the clock.

        What is older than the first lies behind a gap, unless there is such a witness.
        """
        end = self._clock() - TRUST_SECONDS
        return end - GAP_SECONDS, end

    def allows_deletion(self, *, witnessed: bool, older: bool) -> bool:
        """Whether the old may be deleted now; to be asked before each time.

        `witnessed`: something was recorded between the two times that `witness_times` gives; `older`:
        something was recorded before them.
        """
        allowed = witnessed or not older or self._has_been_steady()
        if not allowed and not self._told:
            log.error(
                "%s: the clock says %s, weeks after what was recorded before. Nothing old is deleted "
                "for a week: set the clock if it is wrong",
                self._what,
                time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self._clock())),
            )
        elif allowed and self._told:
            log.warning("%s: the clock is believed again, and what is too old is deleted", self._what)
        self._told = not allowed
        return allowed

    def _has_been_steady(self) -> bool:
        """Whether the clock was not set for a week of this run."""
        now = self._monotonic()
        offset = self._clock() - now
        if abs(offset - self._offset) > STEP_SECONDS:
            self._steady_since = now
        self._offset = offset
        return now - self._steady_since >= TRUST_SECONDS
