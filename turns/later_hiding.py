"""Conversations that are taken off the account's list once they have been quiet for a while."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from accounts import Credential
from runtime import BackgroundTasks

log = logging.getLogger("pandora")

QUIET_SECONDS: Final = 900.0
"""How long nothing may have been said in a conversation before it is hidden."""
AT_ONCE: Final = 16
"""Conversations that are hidden at the same time."""


class LaterHiding:
    """Hides with `hide`, which never raises. `quiet` is in seconds, and so is `last`, which is how long the
    end may take. At most `most` wait; of more, the one that has been quiet for longest is hidden at once.

    What waits is in memory, with the credentials it takes, and is lost if the process is killed.
    """

    def __init__(
        self,
        hide: Callable[[Credential, str], Awaitable[bool]],
        quiet: float = QUIET_SECONDS,
        *,
        last: float = 2.0,
        most: int = 5_000,
    ) -> None:
        self._hide = hide
        self._quiet = quiet
        self._last = last
        self._most = most
        self._waiting: OrderedDict[str, tuple[float, Credential]] = OrderedDict()  # when, the first one first
        self._timer: asyncio.TimerHandle | None = None
        self._tasks = BackgroundTasks()
        self._places = asyncio.Semaphore(AT_ONCE)

    def __len__(self) -> int:
        """How many conversations wait."""
        return len(self._waiting)

    def hide_later(self, credential: Credential, conversation_id: str) -> None:
        """Something was said in a conversation; hide it once it has been quiet since."""
        self._waiting.pop(conversation_id, None)
        self._waiting[conversation_id] = asyncio.get_running_loop().time() + self._quiet, credential
        if len(self._waiting) > self._most:
            self._hide_first()
        self._set_timer()

    def postpone(self, conversation_id: str) -> None:
        """A conversation goes on: `hide_later` is called again."""
        if (found := self._waiting.get(conversation_id)) is not None:
            self.hide_later(found[1], conversation_id)

    async def close(self) -> None:
        """Hide all that wait, as many as can be in that time; the rest stays on the lists."""
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            self._hide_first()
        if not await self._tasks.wait(self._last):
            log.warning("%d conversations could not be hidden before the end", len(self._tasks))
            await self._tasks.cancel()

    def _set_timer(self) -> None:
        if self._timer is None and self._waiting:
            due, _ = next(iter(self._waiting.values()))
            self._timer = asyncio.get_running_loop().call_at(due, self._hide_due)

    def _hide_due(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._waiting and next(iter(self._waiting.values()))[0] <= now:
            self._hide_first()
        self._set_timer()

    def _hide_first(self) -> None:
        conversation_id, (_, credential) = self._waiting.popitem(last=False)
        self._tasks.start(self._hide_one(credential, conversation_id))

    async def _hide_one(self, credential: Credential, conversation_id: str) -> None:
        async with self._places:
            await self._hide(credential, conversation_id)
