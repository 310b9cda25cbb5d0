"""The limits of one exchange, and the one timer that watches over all of them."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from upstream.http.errors import ConnectFailed, FirstByteTimeout, IdleTimeout, TotalTimeout, UpstreamError


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds; 0 means no limit.

    `connect` covers waiting for a slot, DNS, TCP and TLS; `first_byte` runs from the start of the
    request to the response headers; `idle` is the longest silence in a body, not counting the time
    the reader itself needs; `total` covers everything. The backend sends a ping about each 15 s and
    may draw a picture for a minute, so `idle` should stay well above both.
    """

    connect: float = 10.0
    first_byte: float = 120.0
    idle: float = 90.0
    total: float = 0.0

    def __post_init__(self) -> None:
        if not all(0 <= limit < math.inf for limit in (self.connect, self.first_byte, self.idle, self.total)):
            raise ValueError("timeouts are seconds, 0 or more")


class Phase(Enum):
    """Where an exchange stands; each phase has a limit of its own."""

    CONNECT = auto()
    FIRST_BYTE = auto()
    BODY = auto()


class Watchdog:
    """Calls `expire` once, with the fitting error, when a limit has passed. Needs a running loop.

    It sits on the path of every token, so bytes cost it two attribute writes by its owner and no
    timer: `mark` is the time of the last progress, and the timer, when it fires, looks at it and
    re-arms itself. While `reader_busy` is set the silence is the reader's, not the backend's.
    """

    __slots__ = (
        "_expire",
        "_limit",
        "_loop",
        "_phase",
        "_timeouts",
        "_timer",
        "_total_due",
        "mark",
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
        self.reader_busy = False
        self.enter(Phase.CONNECT)

    def enter(self, phase: Phase) -> None:
        """Start the clock of the next phase."""
        limits = {
            Phase.CONNECT: self._timeouts.connect,
            Phase.FIRST_BYTE: self._timeouts.first_byte,
            Phase.BODY: self._timeouts.idle,
        }
        self._phase = phase
        self._limit = limits[phase] or math.inf
        self.mark = self._loop.time()
        self._arm()

    def progress(self) -> None:
        """Something came from the backend, or the reader is done with it: silence starts now."""
        self.mark = self._loop.time()
        self.reader_busy = False

    def hurry(self, seconds: float) -> None:
        """Allow the rest of the exchange at most this long."""
        self._total_due = min(self._total_due, self._loop.time() + seconds)
        self._arm()

    def stop(self) -> None:
        """Never expire after this."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self.stop()
        due = min(self._total_due, self.mark + self._limit)
        if due < math.inf:
            self._timer = self._loop.call_at(due, self._check)

    def _check(self) -> None:
        now = self._loop.time()
        if self.reader_busy:
            self.mark = now
        if now >= self._total_due:
            self._expire(TotalTimeout(self._timeouts.total))
        elif now >= self.mark + self._limit:
            self._expire(self._silence())
        else:
            self._arm()

    def _silence(self) -> UpstreamError:
        match self._phase:
            case Phase.CONNECT:
                return ConnectFailed(f"no connection within {self._limit:g} s", timed_out=True)
            case Phase.FIRST_BYTE:
                return FirstByteTimeout(self._limit)
            case Phase.BODY:
                return IdleTimeout(self._limit)
