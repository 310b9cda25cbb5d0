"""How late the event loop wakes, sampled once a second: so long everything that runs on it waits."""

import asyncio
from typing import Final

from metrics.registry import Metrics

INTERVAL_SECONDS: Final = 1.0


class LagSampler:
    """Samples the running loop every `interval` seconds, from `start` to `stop`."""

    def __init__(self, metrics: Metrics, interval: float = INTERVAL_SECONDS) -> None:
        self._metrics = metrics
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to sample; returns at once."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._interval
        self._timer = loop.call_later(self._interval, self._sample, loop, due)

    def stop(self) -> None:
        """Take no more samples."""
        if self._timer is not None:
            self._timer.cancel()

    def _sample(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._metrics.loop_lagged(max(0.0, loop.time() - due))
        self.start()
