"""Tasks that go on beside whoever began them."""

import asyncio
from collections.abc import Coroutine
from contextlib import nullcontext, suppress
from typing import Any, TypeVar

from runtime.patience import patience

T = TypeVar("T")


class BackgroundTasks:
    """Keeps a reference to each running task, as asyncio itself does not, and ends them together."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """How many tasks run."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run `work` in a task of its own and return the task."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until all tasks have ended, at most so long as `patience` counts; return whether they have."""
        if self._tasks:
            with suppress(TimeoutError):
                async with patience(seconds) if seconds is not None else nullcontext():
                    await asyncio.wait(self._tasks)
        return not self._tasks

    async def cancel(self) -> None:
        """Cancel all tasks and wait for their ends."""
        for task in self._tasks:
            task.cancel()
        await self.wait()
