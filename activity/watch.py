"""One who watches the requests: when to look again, and when to go."""

import asyncio
from contextlib import suppress


class Watch:
    """It begins with a look at all that there is; `wait` says when there is more to see."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._change = asyncio.Event()

    @property
    def over(self) -> bool:
        """Nothing more is to be told."""
        return self._over.is_set()

    def tell(self) -> None:
        """A request has come or gone."""
        self._change.set()

    def end(self) -> None:
        """The service stops, or who watches has left."""
        self._over.set()
        self._change.set()

    async def wait(self, pause: float, most: float) -> None:
        """Wait `pause` seconds, and then until something is told that was not known before this call, for
        `most` seconds at most. Once it is over, nothing is waited for.
        """
        await _within(pause, self._over)
        await _within(most, self._change)
        self._change.clear()


async def _within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
