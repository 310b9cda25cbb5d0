"""Names that are given out before their bytes have come, so that a link can be shown while they are fetched.

Who follows the link in the meantime waits for some seconds: a short wait is better than a dead link, and
browsers do not come back by themselves.

    reserved --> filled      the bytes are stored
        `------> dropped     they will not come, or did not come in time
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from media.errors import NotStored, NotYetStored

FILL_WAIT_SECONDS: Final = 5.0
RESERVED_SECONDS: Final = 900.0
"""How long a reservation holds that is neither filled nor dropped; no fetch takes that long."""


@dataclass(frozen=True, slots=True)
class _Reservation:
    filled: "asyncio.Future[bool]"
    until: float


class Reservations:
    """The names that are reserved now. `clock` gives seconds; a reader waits at most `wait_seconds`."""

    def __init__(self, clock: Callable[[], float], wait_seconds: float) -> None:
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._reserved: dict[str, _Reservation] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._reserved

    def add(self, name: str) -> None:
        """Reserve `name`, which must be fresh."""
        filled = asyncio.get_running_loop().create_future()
        self._reserved[name] = _Reservation(filled, self._clock() + RESERVED_SECONDS)

    def end(self, name: str, *, filled: bool) -> None:
        """Tell all who wait for `name` whether its bytes are stored now; nothing if it is not reserved."""
        reservation = self._reserved.pop(name, None)
        if reservation is not None:
            reservation.filled.set_result(filled)

    def drop_expired(self) -> None:
        """Drop the names whose time is over."""
        now = self._clock()
        for name in [name for name, reserved in self._reserved.items() if reserved.until < now]:
            self.end(name, filled=False)

    async def wait(self, name: str) -> None:
        """Return once the bytes of `name` are stored; at once if it is not reserved.

        Raises:
            NotYetStored: they did not come in time.
            NotStored: they will not come.
        """
        reservation = self._reserved.get(name)
        if reservation is None:
            return
        try:
            async with asyncio.timeout(self._wait_seconds):
                filled = await asyncio.shield(reservation.filled)
        except TimeoutError:
            raise NotYetStored("The file is still being fetched.") from None
        if not filled:
            raise NotStored("The file could not be fetched.")
