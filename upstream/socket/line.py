"""One conversation's place on the account's WebSocket: what has come for it and was not read yet."""

import asyncio
from collections import deque
from typing import Final

from translate.backend.websocket_frames import EndFinder, Frame, Handover

MAX_HELD_BYTES: Final = 8 * 1024 * 1024
"""For one slow reader. What comes beyond is not kept, so the others on the socket never wait for it."""
MAX_HELD_BY_ALL_BYTES: Final = 128 * 1024 * 1024
"""For all of them together, some hundreds perhaps."""


class Room:
    """What may still be held for all readers."""

    def __init__(self) -> None:
        self.left = MAX_HELD_BY_ALL_BYTES


class Line:
    """Frames are `push`ed by the socket, pieces are `take`n by the reader, who `wait`s in between.

    `lost` says that pieces are missing: those still held are good, none is kept after them. `ended` is
    the end of the stream, seen also by a line that has lost pieces.
    """

    def __init__(self, request_id: str, room: Room) -> None:
        self.request_id = request_id
        self.conversation_id = ""
        self.response_id = ""
        self.ended = False
        self.lost = False
        self.failure: BaseException | None = None
        self.stirred = False
        """Something came for it since this was set back."""
        self._room = room
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._end = EndFinder()
        self._changed = asyncio.Event()

    def bind(self, handover: Handover) -> None:
        """Now the marks of its frames are known for certain."""
        self.request_id = handover.request_id
        self.conversation_id = handover.conversation_id
        self.response_id = handover.response_id

    def owns(self, frame: Frame) -> bool:
        """Whether `frame` is one of this conversation's present turn."""
        if frame.request_id:
            return frame.request_id == self.request_id
        named = bool(self.conversation_id and self.response_id)
        return named and (frame.conversation_id, frame.response_id) == (
            self.conversation_id,
            self.response_id,
        )

    def push(self, frame: Frame) -> None:
        """Take a frame of this conversation."""
        if self.ended:
            return
        self.stirred = True
        size = len(frame.body)
        if self._size + size > MAX_HELD_BYTES or size > self._room.left:
            self.lost = True
        if frame.body and not self.lost:
            self._pieces.append(frame.body)
            self._size += size
            self._room.left -= size
        self.ended = self._end.found(frame.body) or not frame.more
        self._changed.set()

    def lose(self) -> None:
        """From here on pieces are missing."""
        if not self.ended:
            self.lost = True
            self._changed.set()

    def miss(self) -> None:
        """Pieces are missing before those that are held, which are of no use then."""
        self._empty()
        self.lost = True

    def fail(self, error: BaseException) -> None:
        """End it with an error, the first one given."""
        self.failure = self.failure or error
        self._changed.set()

    def take(self) -> bytes:
        """All that is held, in one piece. Raises the error it was failed with."""
        if self.failure is not None:
            raise self.failure
        data = b"".join(self._pieces)
        self._empty()
        self._changed.clear()
        return data

    def close(self) -> None:
        """Nobody reads it any more."""
        self.ended = True
        self._empty()

    def _empty(self) -> None:
        self._pieces.clear()
        self._room.left += self._size
        self._size = 0

    async def wait(self, seconds: float | None = None) -> bool:
        """Until something has changed since `take`; false if nothing did within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True
