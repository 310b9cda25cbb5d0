"""What a task waits for on a socket."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class Arrival(asyncio.Future[T]):
    """A future for one waiting task, which `arrive` lets go on at once instead of in the loop's next turn.

    A turn of the loop is most of what waiting costs. `arrive` may be called from a callback of the loop only,
    never from inside a task. Every other way to resolve it is that of any future.
    """

    # Not set by an `__init__`, so that making one, which each delta does, runs no code of ours; and no
    # dictionary, which each open stream would keep.
    __slots__ = ("_context", "_wake")
    _wake: Callable[[Any], object] | None
    _context: Context | None

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: Context | None = None) -> None:
        """Called by the task that waits."""
        self._wake, self._context = fn, context
        if self.done():
            self._wake_soon()

    def arrive(self, value: T) -> None:
        """Resolve it, and run the waiting task until it waits again."""
        super().set_result(value)
        wake: Callable[[Any], object] | None = getattr(self, "_wake", None)
        context = self._context if wake is not None else None
        if wake is not None and context is not None:
            self._wake = None
            context.run(wake, self)
        else:
            self._wake_soon()

    def set_result(self, result: T, /) -> None:
        """As for any future."""
        super().set_result(result)
        self._wake_soon()

    def set_exception(self, exception: type | BaseException, /) -> None:
        """As for any future."""
        super().set_exception(exception)
        self._wake_soon()

    def cancel(self, msg: Any | None = None) -> bool:
        """As for any future."""
        cancelled = super().cancel(msg)
        if cancelled:
            self._wake_soon()
        return cancelled

    def _wake_soon(self) -> None:
        wake: Callable[[Any], object] | None = getattr(self, "_wake", None)
        self._wake = None
        if wake is not None:
            self.get_loop().call_soon(wake, self, context=self._context)
