"""How many bytes the process holds at once for others: a budget, and what each holder has of it."""

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import Final, Self

SMALL: Final = 256 * 1024
"""Bytes up to which a holder may use the whole budget. Larger ones leave a quarter of it to such holders:
plain questions and small pictures go on while large ones fill the rest."""
PATIENCE: Final = 60.0
"""Seconds that a holder waits for room in one go."""


class NoRoom(Exception):
    """The budget has no room, and had none for some seconds."""

    def __init__(self) -> None:
        super().__init__("There is no room in memory for it at the moment.")


class ByteBudget:
    """Room for `limit` bytes, each of which somebody holds as `HeldBytes`.

    Who cannot wait takes what there is (`try_grow_to`). Who waits for room (`grow_to`) gets it in the order
    in which the holders began, after `patience` seconds an error, and never more than `largest` bytes. The
    one that began first need not wait: there is room for it beside the limit. So there is always somebody who
    comes to an end, whatever the others have. At most `limit` and `largest` bytes are held together.
    """

    def __init__(self, limit: int, *, largest: int | None = None, patience: float = PATIENCE) -> None:
        self._limit = limit
        self._largest = limit if largest is None else largest
        self._patience = patience
        self._holders: dict[HeldBytes, None] = {}  # those that hold or want bytes, the eldest first
        self._waiting: dict[HeldBytes, tuple[int, asyncio.Future[None]]] = {}
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes that are held."""
        return self._used

    def hold(self) -> "HeldBytes":
        """A holder of no bytes."""
        return HeldBytes(self)

    def take(self, held: "HeldBytes", size: int) -> bool:
        """Let a holder have `size` bytes if they are there, whoever waits for others."""
        if self._used - held.size + size > self._limit_of(size):
            return False
        self._set(held, size)
        return True

    def waits(self, held: "HeldBytes") -> bool:
        """Whether a holder waits for room."""
        return held in self._waiting

    def wait(self, held: "HeldBytes", size: int) -> Awaitable[None] | None:
        """Let a holder have `size` bytes at once, and return None; or return what to wait for."""
        if size > self._largest:
            raise NoRoom
        self._holders.setdefault(held)
        if self._fits(held, size):
            self._set(held, size)
            return None
        granted = asyncio.get_running_loop().create_future()
        self._waiting[held] = size, granted
        return self._granted(held, granted)

    def shrink(self, held: "HeldBytes", size: int, *, over: bool) -> None:
        """Let a holder have `size` bytes, which are fewer. If it is `over`, it waits for nothing any more."""
        self._set(held, size)
        if over:
            self._holders.pop(held, None)
            _, granted = self._waiting.pop(held, (0, None))
            if granted is not None and not granted.done():
                granted.set_exception(NoRoom())
        self._serve()

    def _set(self, held: "HeldBytes", size: int) -> None:
        self._holders.setdefault(held)
        self._used += size - held.size
        held.size = size

    def _limit_of(self, size: int) -> int:
        return self._limit if size <= SMALL else self._limit - self._limit // 4

    def _fits(self, held: "HeldBytes", size: int) -> bool:
        eldest = next(iter(self._holders))
        return held is eldest or self._used - eldest.size - held.size + size <= self._limit_of(size)

    def _serve(self) -> None:
        """Give room to those that wait, in the order of their age."""
        for held in [held for held in self._holders if held in self._waiting]:
            size, granted = self._waiting[held]
            if not granted.done() and self._fits(held, size):
                del self._waiting[held]
                self._set(held, size)
                granted.set_result(None)

    async def _granted(self, held: "HeldBytes", granted: "asyncio.Future[None]") -> None:
        try:
            async with asyncio.timeout(self._patience):
                await granted
        except TimeoutError:
            raise NoRoom from None
        finally:
            if self._waiting.get(held, (0, None))[1] is granted:
                del self._waiting[held]


class HeldBytes:
    """What one holder has of a budget. After `release`, or at the end of `with`, it has nothing for good."""

    __slots__ = ("_budget", "_released", "size")

    def __init__(self, budget: ByteBudget) -> None:
        self.size = 0
        """Bytes that are held. The budget sets it."""
        self._budget = budget
        self._released = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @property
    def waits(self) -> bool:
        """It waits for room."""
        return self._budget.waits(self)

    def try_grow_to(self, size: int) -> bool:
        """Hold at least `size` bytes, or tell that there is no room, and hold what there was."""
        return self._released or size <= self.size or self._budget.take(self, size)

    def grow_to(self, size: int) -> Awaitable[None] | None:
        """Hold at least `size` bytes: at once if this returns None, else when what it returns is done.

        Raises:
            NoRoom: here or from what is returned: there was no room in time, there never will be, or nothing
                is to be held any more. What was held before still is.
        """
        if self._released:
            raise NoRoom
        return self._budget.wait(self, size) if size > self.size else None

    def shrink_to(self, size: int) -> None:
        """Hold at most `size` bytes."""
        if size < self.size:
            self._budget.shrink(self, size, over=False)

    def release(self) -> None:
        """Hold nothing, for good."""
        if not self._released:
            self._released = True
            self._budget.shrink(self, 0, over=True)
