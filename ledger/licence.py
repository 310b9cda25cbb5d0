"""What the backend's licence itself says was used, beside our own count.

Asked seldom: the licence's server limits the rate, and answers only to the deployment's address.
"""

import asyncio
import logging

import ujson

from upstream import UpstreamClient, UpstreamError

log = logging.getLogger("pandora")

INTERVAL = 600.0
AFTER_REFUSAL = 1800.0
MAX_BYTES = 64 * 1024
SECONDS = 20.0


class LicenceUsage:
    """``latest`` is ``{"current", "total", "ttl"}``, in units and seconds to the reset, or None."""

    def __init__(self, upstream: UpstreamClient, address: str) -> None:
        self.latest: dict[str, int] | None = None
        self._upstream = upstream
        self._address = address
        self._asking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask, if there is an address."""
        if self._address:
            self._asking = asyncio.create_task(self._ask_on_and_on())

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask_on_and_on(self) -> None:
        while True:
            self.latest = await self._ask()
            await asyncio.sleep(AFTER_REFUSAL if self.latest is None else INTERVAL)

    async def _ask(self) -> dict[str, int] | None:
        try:
            answer = await self._upstream.transfer("GET", self._address, {}, limit=MAX_BYTES, seconds=SECONDS)
            usage = ujson.loads(answer.body) if answer.status == 200 else None
        except (UpstreamError, ValueError):
            usage = None
        if not isinstance(usage, dict):
            log.warning("the licence's usage cannot be had now")
            return None
        return {name: usage[name] for name in ("current", "total", "ttl") if isinstance(usage.get(name), int)}
