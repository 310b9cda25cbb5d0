"""Work that can be stopped from outside, whatever it is waiting for."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """The work was stopped."""


class StoppableWork:
    """Does one thing after the other until it is stopped; then nothing is done any more."""

    def __init__(self) -> None:
        self.stopped = False
        self._task: asyncio.Future[Any] | None = None

    def stop(self) -> None:
        """Cancel what is being done, and do nothing after it."""
        self.stopped = True
        if self._task is not None:
            self._task.cancel()

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which `stop` cancels. Raises Stopped."""
        task: asyncio.Future[T] = asyncio.ensure_future(work)
        self._task = task
        if self.stopped:
            task.cancel()
        try:
            result = await task
        except asyncio.CancelledError:
            if not self.stopped:
                raise
            raise Stopped from None
        finally:
            self._task = None
        if self.stopped:  # the work was done already, but what follows it is not done
            raise Stopped
        return result
