"""The limits of one exchange, and the one timer that watches over all of them."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import astuple, dataclass
from enum import Enum, auto

from upstream.http.errors import (
    ConnectFailed,
    FirstByteTimeout,
    IdleTimeout,
    ProgressTimeout,
    TotalTimeout,
    UpstreamError,
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds; 0 means no limit.

    `connect` covers waiting for a slot, DNS, TCP and TLS; `first_byte` runs from the start of the request
    to the response headers; `idle` is the longest silence in a body; `progress` is how long a body may go on
    without anything that its reader calls progress, such as with pings only; `total` covers everything. The
    time that the reader itself needs counts for `total` only.

    The backend sends a ping about each 15 s (protocol notes, section 6) and may draw a picture for a minute,
    so `idle` should stay well above both. Long programs take minutes, and there are only pings meanwhile.

    Raises:
        ValueError: a limit is negative, infinite or not a number.
    """

    connect: float = 10.0
    first_byte: float = 120.0
    idle: float = 90.0
    total: float = 0.0
    progress: float = 600.0

    def __post_init__(self) -> None:
        if not all(0 <= limit < math.inf for limit in astuple(self)):
            raise ValueError("timeouts are seconds, 0 or more")


class Phase(Enum):
    """Where an exchange stands; each phase has a limit of its own."""

    CONNECT = auto()
    FIRST_BYTE = auto()
    BODY = auto()


def _nobody(_error: UpstreamError) -> None:
    """Nobody waits any more."""


class Watchdog:
    """Calls `expire` once, with the fitting error, when a limit has passed. Needs a running loop.

    It sits on the path of every token, so a piece of a body costs it some attributes and one look at the
    clock, and no timer: the timer, when it fires, looks at what has happened since and re-arms itself. So a
    short exchange has one timer in all. While `reader_busy` is set the silence is the reader's, not the
    backend's.
    """

    __slots__ = (
        "_expire",
        "_heard_at",
        "_limit",
        "_loop",
        "_phase",
        "_progress_limit",
        "_progressed",
        "_progressed_at",
        "_timeouts",
        "_timer",
        "_total_due",
        "reader_busy",
    )

    def __init__(
        self, timeouts: Timeouts, expire: Callable[[UpstreamError], None], since: float | None = None
    ) -> None:
        """`since` is the loop's time from which the total counts, now by default."""
        self._loop = asyncio.get_running_loop()
        self._timeouts = timeouts
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None
        since = self._loop.time() if since is None else since
        self._total_due = since + (timeouts.total or math.inf)
        self._progressed = False
        self.reader_busy = False
        self.enter(Phase.CONNECT)

    def enter(self, phase: Phase) -> None:
        """Start the clock of the next phase."""
        timeouts = self._timeouts
        self._phase = phase
        self._progress_limit = math.inf
        match phase:
            case Phase.CONNECT:
                self._limit = timeouts.connect or math.inf
            case Phase.FIRST_BYTE:
                self._limit = timeouts.first_byte or math.inf
            case Phase.BODY:
                self._limit = timeouts.idle or math.inf
                self._progress_limit = timeouts.progress or math.inf
        self._heard_at = self._progressed_at = self._loop.time()
        self._arm()

    def heard(self) -> None:
        """Something came from the backend, or the reader is done with it: silence starts now."""
        now = self._heard_at = self._loop.time()
        self.reader_busy = False
        if self._progressed:
            self._progressed = False
            self._progressed_at = now

    def progressed(self) -> None:
        """The piece that the reader has, or had last, was something new. It counts with the next `heard`."""
        self._progressed = True

    def hurry(self, seconds: float) -> None:
        """Allow the rest of the exchange at most this long."""
        self._total_due = min(self._total_due, self._loop.time() + seconds)
        self._arm()

    def stop(self) -> None:
        """Never expire after this."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._expire = _nobody

    def _arm(self) -> None:
        """Have the timer come when the next limit may have passed, or earlier."""
        progress_due = self._progressed_at + self._progress_limit
        if progress_due <= self._loop.time():  # and silent since: that is not what this limit is for
            progress_due = self._loop.time() + self._progress_limit
        due = min(self._total_due, self._heard_at + self._limit, progress_due)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._check) if due < math.inf else None

    def _check(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self.reader_busy:
            self._heard_at = self._progressed_at = now
        if now >= self._total_due:
            self._expire(TotalTimeout(self._timeouts.total))
        elif now >= self._heard_at + self._limit:
            self._expire(self._silence())
        elif now >= self._progressed_at + self._progress_limit and self._heard_at > self._progressed_at:
            self._expire(ProgressTimeout(self._progress_limit))
        else:
            self._arm()

    def _silence(self) -> UpstreamError:
        match self._phase:
            case Phase.CONNECT:
                return ConnectFailed(f"no connection within {self._limit:g} s")
            case Phase.FIRST_BYTE:
                return FirstByteTimeout(self._limit)
            case Phase.BODY:
                return IdleTimeout(self._limit)
