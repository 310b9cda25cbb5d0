"""What is new in a stored conversation, at each look at it."""

from typing import Final

from runtime import COMPUTING
from translate.backend import StoredTurn

LARGE_BYTES: Final = 256 * 1024
"""Longer ones are read in a thread: some MB take longer than a stream beside it should wait."""


async def feed_stored(turn: StoredTurn, body: bytes) -> bytes:
    """Records for what is new since the last look at the turn. Raises ValueError if it is no conversation."""
    return await COMPUTING.run(turn.feed, body) if len(body) > LARGE_BYTES else turn.feed(body)
