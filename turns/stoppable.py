"""Work that can be stopped from outside, whatever it is waiting for."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """The work was stopped."""


class StoppableWork:
    """Does one thing after the other until it is stopped; then nothing is done any more."""

    __slots__ = ("_task", "stopped")

    def __init__(self) -> None:
        self.stopped = False
        self._task: asyncio.Task[Any] | None = None

    def stop(self) -> None:
        """Cancel what is being done, and do nothing after it."""
        if not self.stopped:
            self.stopped = True
            if self._task is not None:
                self._task.cancel()

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which `stop` cancels. Raises Stopped.

        It is done in the task that waits for it: most work needs no waiting, and a task would cost more.
        """
        if self.stopped:
            work.close()
            raise Stopped
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("work is done in tasks only")
        self._task = task
        try:
            result = await work
            if self.stopped:  # the work was done already, but what follows it is not done
                await asyncio.sleep(0)  # the cancellation comes here if the work did not meet it
                raise Stopped
        except asyncio.CancelledError:
            if not self.stopped or task.cancelling() > 1:  # somebody else has cancelled it too
                raise
            raise Stopped from None
        finally:
            self._task = None
            if self.stopped:
                task.uncancel()
        return result
