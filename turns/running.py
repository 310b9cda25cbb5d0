"""The answers that are being made: how many there may be, and how they end when the service stops."""

import asyncio
from functools import partial
from typing import Final, Protocol

from metrics import Metrics
from runtime import BackgroundTasks, Ending, patience
from translate.values import ApiError, Overloaded

STOP_SECONDS: Final = 2.0
"""How long stopped answers may take to write their last event."""


class Stoppable(Protocol):
    """An answer being made."""

    def stop(self, error: ApiError) -> None:
        """End it soon, with `error`."""
        ...


class RunningAnswers:
    """All answers in flight, at most `limit`. `aftermath` are the tasks that go on after their ends."""

    def __init__(self, metrics: Metrics, limit: int, aftermath: BackgroundTasks) -> None:
        self.limit = limit
        self.draining = False
        """The service is stopping: no more requests should be sent to it."""
        self._refusing = False
        self._metrics = metrics
        self._aftermath = aftermath
        self._answers: set[Stoppable] = set()
        self._idle = asyncio.Event()

    def __len__(self) -> int:
        """How many answers are being made."""
        return len(self._answers)

    def admit(self, answer: Stoppable, route: str) -> Ending:
        """Count `answer` as in flight until the context is left. Raises Overloaded when there are too many,
        or the service is stopping.
        """
        if self._refusing:
            self._metrics.rejected("draining")
            raise Overloaded("The service is restarting.", retry_after=5)
        if len(self._answers) >= self.limit:
            self._metrics.rejected("overloaded")
            raise Overloaded("Too many answers are being made at once.", retry_after=2)
        self._answers.add(answer)
        self._idle.clear()
        self._metrics.started(route)
        return Ending(partial(self._ended, answer, route))

    def announce_end(self) -> None:
        """The service is about to stop. Requests that come all the same are answered until `drain`."""
        self.draining = True

    async def drain(self, seconds: float) -> None:
        """Admit no more answers. Let running ones end, for at most so long; then stop them with an error."""
        self.draining = self._refusing = True
        if not await self._became_idle(seconds):
            for answer in list(self._answers):
                answer.stop(Overloaded("The service is restarting.", should_retry=False))
            await self._became_idle(STOP_SECONDS)
        await self._aftermath.wait(STOP_SECONDS)

    async def wait_idle(self) -> None:
        """Once all connections are closed: wait until answers that nobody reads are over and recorded."""
        await self._became_idle(STOP_SECONDS)

    def _ended(self, answer: Stoppable, route: str) -> None:
        self._answers.discard(answer)
        if not self._answers:
            self._idle.set()
        self._metrics.ended(route)

    async def _became_idle(self, within: float) -> bool:
        if not self._answers:
            return True
        try:
            async with patience(within):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
