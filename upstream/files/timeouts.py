"""How long the steps of uploads and downloads may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from upstream.http import TotalTimeout


@dataclass(frozen=True, slots=True)
class FileTimeouts:
    """Limits and pauses, in seconds.

    `fetch` is for the bytes of a download, redirects included; `upload` for sending the bytes of a file.
    `address` is for finding out where a file is, with all tries and the `address_pauses` between them: a
    picture may be shown some moments before it is stored. `index` is for a document's index, without which
    the model may not find what is in there; it is looked for after each of the `index_pauses`, of which the
    last one repeats. `audio` is for a transcription, or for a text to be read out.
    """

    fetch: float = 120.0
    upload: float = 120.0
    address: float = 30.0
    address_pauses: tuple[float, ...] = (0.5, 1.0, 2.0)
    index: float = 20.0
    audio: float = 120.0
    index_pauses: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)


@asynccontextmanager
async def at_most(seconds: float) -> AsyncIterator[None]:
    """Limit what is inside.

    Raises:
        TotalTimeout: it took longer than `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TotalTimeout(seconds) from None
