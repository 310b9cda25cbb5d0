"""Which requests run, and which ended last. Bounded; it costs next to nothing while nobody watches."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

from activity.requests import EndedRequest, Progress, RunningRequest
from activity.watch import Watch
from runtime import Ending
from translate.values import Overloaded

KEPT: Final = 100
"""How many requests are remembered after their end."""
SHOWN: Final = 100
"""How many of those that run are shown: the oldest."""
MAX_WATCHES: Final = 20
LEAVE_SECONDS: Final = 2.0
"""How long who watches may take to go when the service stops."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to see. `running` are those that run, the oldest first, each with whether some text of
    its answer is there; `ended` those that ended since one looked last, the newest first. `position` is for
    the next look.
    """

    running: Sequence[tuple[RunningRequest, bool]]
    ended: Sequence[EndedRequest]
    position: int


class Activity:
    """One per service. Who watches keeps a position and no queue: who comes late misses what is no more
    remembered, and takes no memory for it.
    """

    def __init__(self) -> None:
        self._running: dict[str, tuple[RunningRequest, Progress]] = {}
        self._ended: deque[EndedRequest] = deque(maxlen=KEPT)
        self._count = 0
        self._watches: set[Watch] = set()
        self._over = False
        self._left = asyncio.Event()

    def runs(self, request: RunningRequest, progress: Progress) -> Ending:
        """Show the request as one that runs until `ended` is told of it, or the context is left."""
        self._running[request.request_id] = request, progress
        self._changed()
        return Ending(partial(self._forget, request.request_id))

    def ended(self, ended: EndedRequest) -> None:
        """The request is over, whether it ever ran or was refused before."""
        self._running.pop(ended.request.request_id, None)
        self._ended.append(ended)
        self._count += 1
        self._changed()

    def look(self, position: int = 0) -> Seen:
        """What there is to see behind `position`; from 0 it is all."""
        oldest = islice(self._running.values(), SHOWN)
        running = [(request, progress.has_text) for request, progress in oldest]
        new = min(self._count - position, len(self._ended))
        return Seen(running, list(islice(reversed(self._ended), new)), self._count)

    @property
    def watched(self) -> bool:
        """Somebody watches."""
        return bool(self._watches)

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Somebody watches until the context is left. Raises Overloaded: there are enough of them, or the
        service stops.
        """
        if self._over:
            raise Overloaded("The service is restarting.", retry_after=5)
        if len(self._watches) >= MAX_WATCHES:
            raise Overloaded(f"{MAX_WATCHES} pages watch already; close one of them.", retry_after=30)
        watch = Watch()
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)
            if not self._watches:
                self._left.set()

    def end(self) -> None:
        """The service stops: all who watch have to go."""
        self._over = True
        for watch in self._watches:
            watch.end()

    async def wait_until_left(self) -> None:
        """Once all have to go: wait until they have, for some seconds at most."""
        if self._watches:
            self._left.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._left.wait()

    def _forget(self, request_id: str) -> None:
        if self._running.pop(request_id, None) is not None:
            self._changed()

    def _changed(self) -> None:
        for watch in self._watches:
            watch.tell()
