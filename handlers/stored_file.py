"""Sending a stored file: read from the disk as fast as the client takes it."""

import asyncio
from typing import Final

from tornado.iostream import StreamClosedError

from handlers.base import ApiHandler, log
from media import StoredFile
from metrics import Outcome

PIECE_BYTES: Final = 256 * 1024
"""Read from disk and written to the client at a time."""


async def send_stored(handler: ApiHandler, file: StoredFile, start: int, end: int) -> None:
    """Send the bytes from `start` to before `end` as the body, and finish; the headers must be set.

    A client that does not read or is gone is cut off.
    """
    limit = handler.common.write_timeout
    try:
        while start < end:
            piece = await file.read(start, min(PIECE_BYTES, end - start))
            if not piece:
                raise OSError("the file became shorter")
            start += len(piece)
            handler.write(piece)
            async with asyncio.timeout(limit):
                await handler.flush()
        handler.finish()
    except (StreamClosedError, TimeoutError):
        handler.outcome = Outcome.CLIENT_GONE
        handler.cut_off()
    except OSError as error:
        # Too late for a status: a body that is cut tells the client that something is missing.
        log.error("%s a stored file cannot be read: %s", handler.request_id, error.strerror or error)
        handler.outcome = Outcome.ERROR
        handler.cut_off()
