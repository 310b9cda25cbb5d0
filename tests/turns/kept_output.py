"""A client without a connection."""

import asyncio
import json
from collections.abc import Callable


class KeptOutput:
    """A client that keeps what it gets. `gate`, if it is closed, holds up each delivery."""

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.begun: list[bool] = []
        self.is_quiet = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.on_deliver: Callable[[], None] = lambda: None
        self.on_quiet: Callable[[], None] = lambda: None

    async def deliver(self, out: bytes, *, begun: bool) -> None:
        self.on_deliver()
        await self.gate.wait()
        self.out.append(out)
        self.begun.append(begun)

    async def quiet(self) -> None:
        self.on_quiet()
        self.is_quiet = True

    @property
    def text(self) -> str:
        """The text of a chat stream so far."""
        events = b"".join(self.out).decode().split("\n\n")
        chunks = [json.loads(event[6:]) for event in events if event.startswith("data: {")]
        return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
