"""What the sender of traces complains of, in the log of the service: now and then, not for each batch."""

import logging
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger("pandora")

QUIET_SECONDS: Final = 60.0
"""After a line, so long none is written: a collector that is away is no news every few seconds."""
MOST_CHARACTERS: Final = 300
SENDER: Final = "opentelemetry"
"""The logger above all of the packages that send."""
READERS_OF_SECRETS: Final = ("opentelemetry.util.re",)
"""Loggers whose lines quote headers."""


class Complaints(logging.Handler):
    """Writes the first complaint to the log of the service, and then one a minute at most.

    `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._quiet_until = 0.0
        self._unwritten = 0

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        now = self._clock()
        if now < self._quiet_until:
            self._unwritten += 1
            return
        self._quiet_until = now + QUIET_SECONDS
        unwritten, self._unwritten = self._unwritten, 0
        more = f" ({unwritten} more of these since the last line)" if unwritten else ""
        log.warning("traces are not sent%s: %s", more, record.getMessage()[:MOST_CHARACTERS])


def take_complaints() -> Complaints:
    """Have the packages that send complain here alone, instead of in the log of everybody."""
    complaints = Complaints()
    sender = logging.getLogger(SENDER)
    sender.handlers = [complaints]
    sender.propagate = False
    for name in READERS_OF_SECRETS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return complaints
