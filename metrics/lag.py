"""How late the event loop wakes, sampled once a second: what everybody on it waits."""

import asyncio

from metrics.registry import Metrics

INTERVAL = 1.0


class LagSampler:
    """Runs from :meth:`start` to :meth:`stop`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to sample the running loop."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(INTERVAL, self._sample, loop, loop.time() + INTERVAL)

    def stop(self) -> None:
        """No more samples."""
        if self._timer is not None:
            self._timer.cancel()

    def _sample(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._metrics.loop_lagged(max(0.0, loop.time() - due))
        self.start()
