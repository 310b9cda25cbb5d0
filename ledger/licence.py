"""What the backend's licence itself says was used, beside our own count (protocol notes, section 15).

Asked seldom: the licence's server limits the rate, and answers only to the deployment's address.
"""

import asyncio
import logging
from typing import Final

from runtime import BackgroundTasks
from translate.values import json_object
from upstream import HttpClient, UpstreamError

log = logging.getLogger("pandora")

PAUSE_SECONDS: Final = 600.0
"""Between two questions."""
PAUSE_AFTER_FAILURE_SECONDS: Final = 1800.0
MAX_BYTES: Final = 64 * 1024
"""Of an answer."""
ANSWER_SECONDS: Final = 20.0
"""How long an answer may take."""


class LicenceUsage:
    """Asks at `address`, an absolute URL; empty for not at all."""

    def __init__(self, http: HttpClient, address: str) -> None:
        self.latest: dict[str, int] | None = None
        """`{"current", "total", "ttl"}`, in units and seconds to the reset; None if not known."""
        self._http = http
        self._address = address
        self._tasks = BackgroundTasks()

    def start(self) -> None:
        """Begin to ask, if there is an address; returns at once."""
        if self._address:
            self._tasks.start(self._ask_repeatedly())

    async def close(self) -> None:
        """Stop asking."""
        await self._tasks.cancel()

    async def _ask_repeatedly(self) -> None:
        while True:
            self.latest = await self._ask()
            await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS if self.latest is None else PAUSE_SECONDS)

    async def _ask(self) -> dict[str, int] | None:
        try:
            answer = await self._http.transfer(
                "GET", self._address, {}, limit=MAX_BYTES, seconds=ANSWER_SECONDS
            )
            usage = json_object(answer.body) if answer.status == 200 else None
        except UpstreamError:
            usage = None
        if usage is None:
            log.warning("the licence's server did not say what was used")
            return None
        return {
            name: value for name in ("current", "total", "ttl") if isinstance(value := usage.get(name), int)
        }
